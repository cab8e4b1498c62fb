"""The list of partners a collector shows: what a version must hold, how it differs from the one before, what it is called.

Pure. A version is never changed; whether one may be written at all is judged here, writing it is the journey's business (R-FR-24).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.model import Partner
from gateway.core.notice import clean, is_web_address
from gateway.core.record import NamedPartner, PartnerList

MAX_URL = 500
"""Long enough for any policy, short enough for a line of a mail."""
_VERSION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Changed:
    """What one version says that the one before did not; `altered` names partners whose legal name or privacy policy is another."""

    added: tuple[NamedPartner, ...] = ()
    removed: tuple[NamedPartner, ...] = ()
    altered: tuple[NamedPartner, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether both versions say the same."""
        return not (self.added or self.removed or self.altered)

    def told(self) -> str:
        """The change in words for the evidence: partners by their names here."""
        said = (("added", self.added), ("removed", self.removed), ("altered", self.altered))
        return "; ".join(f"{what}={','.join(one.name for one in some)}" for what, some in said if some)


def changed(before: PartnerList | None, partners: Sequence[NamedPartner]) -> Changed:
    """The difference to the version before; a first version adds all it names."""
    known = {one.name: one for one in before.partners} if before else {}
    now = {one.name for one in partners}
    return Changed(
        tuple(one for one in partners if one.name not in known),
        tuple(one for one in known.values() if one.name not in now),
        tuple(one for one in partners if one.name in known and known[one.name] != one),
    )


def history(lists: Sequence[PartnerList]) -> tuple[tuple[PartnerList, Changed], ...]:
    """Every version with what it changed, newest first."""
    before = (None, *lists)
    return tuple((one, changed(earlier, one.partners)) for earlier, one in zip(before, lists, strict=False))[::-1]


def lacking(partner: Partner) -> tuple[str, ...]:
    """What a list must show of a partner and nobody has configured: its name in law, and where it says what it does with data."""
    found = () if clean(partner.legal_name) else ("legal_name",)
    url = partner.privacy_url
    return found if is_web_address(url) and len(url) <= MAX_URL else (*found, "privacy_url")


def named(partner: Partner) -> NamedPartner:
    """A configured partner as a list shows it."""
    return NamedPartner(partner.name, clean(partner.legal_name), partner.privacy_url)


def sound_version(version: str) -> bool:
    """Whether a version's name can stand in a web address, a mail and a register alike."""
    return _VERSION.fullmatch(version) is not None


def next_version(taken: Collection[str], now: datetime) -> str:
    """The day, and from the second version of a day on its number: `2026-11-21`, `2026-11-21.2`."""
    day = now.date().isoformat()
    number = 1
    while (name := day if number == 1 else f"{day}.{number}") in taken:
        number += 1
    return name
