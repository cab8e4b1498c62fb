"""One attempt to tell one partner of one opposition, over its webhook; who cannot be told so is told by hand (R-FR-35, R-FR-38).

It sends and says what came of it; when to try again, and what goes on record, is the courier's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.address import Address, parse, shared_hash
from gateway.core.model import Partner
from gateway.core.propagation import Notice, notice_id, read_receipt, write_notice
from gateway.core.standard_webhook import signed
from gateway.flow.back_ports import Forbidden, Note, Outside
from gateway.flow.ports import Clock, Unavailable, Vault

_NOBODY_THERE = frozenset({401, 403, 404, 408, 410, 429})
"""Answers, with all of 5xx, that the next note would get too."""


@dataclass(frozen=True, slots=True)
class Line:
    """How one partner is reached: its `webhook` and the `keys` we share; `hash_key` is the one for addresses (R-DP-24)."""

    partner: Partner
    webhook: str = ""
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    hash_key: bytes = field(default=b"", repr=False)

    @property
    def connected(self) -> bool:
        """Whether it can be told at all without a person."""
        return bool(self.webhook and self.keys)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The other side has it."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Again:
    """It has not; `whole` says that the other notes of the same lane would fare no better now."""

    said: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class ByHand:
    """Only a person can tell it; `whole` as for `Again`."""

    said: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Impossible:
    """There is nothing that could be tried, now or later."""

    said: str


Came = Acknowledged | Again | ByHand | Impossible
"""What came of one attempt; words are closed and name nobody."""


def address_of(vault: Vault, note: Note) -> Address | None:
    """Whom a note is about; None where no address is known."""
    return opened_address(vault, note.sealed_address)


def opened_address(vault: Vault, sealed: bytes) -> Address | None:
    """A sealed address; None where there is none."""
    found = parse(vault.open(sealed).decode("utf-8", "replace"), smtputf8=True) if sealed else None
    return found if isinstance(found, Address) else None


class PartnerErrand:
    """Tells partners; `legal_names` are those of the advertisers by their names here."""

    def __init__(
        self, lines: Mapping[str, Line], legal_names: Mapping[str, str], outside: Outside, vault: Vault, clock: Clock
    ) -> None:
        self._lines = lines
        self._legal_names = legal_names
        self._outside = outside
        self._vault = vault
        self._clock = clock

    async def run(self, note: Note) -> Came:
        """Tell the partner, once."""
        line = self._lines.get(note.partner)
        if line is None or not line.connected:
            return ByHand("not-connected", whole=True)
        try:
            address = address_of(self._vault, note)
            return ByHand("no-address") if address is None else await self._post(line, note, address)
        except Forbidden as refusal:
            return Again(f"forbidden-{refusal.what}", whole=True)
        except Unavailable as failure:
            return Again(failure.what, whole=True)

    async def _post(self, line: Line, note: Note, address: Address) -> Came:
        notice = self.notice(line, note, address)
        body = write_notice(notice)
        headers = {"Content-Type": "application/json", **signed(line.keys[0], notice.id, self._clock.now(), body)}
        answer = await self._outside.post(line.webhook, body, headers)
        if 200 <= answer.status < 300:
            return Acknowledged(f"{answer.status} {read_receipt(answer.body) or notice.id}")
        return Again(f"status-{answer.status}", whole=answer.status >= 500 or answer.status in _NOBODY_THERE)

    def notice(self, line: Line, note: Note, address: Address) -> Notice:
        """What this partner is told: the keyed hash where we share a key, else the address (R-DP-24)."""
        name = notice_id(note.partner, note.id, note.person, note.at.isoformat(), note.scope.value, note.advertiser)
        digest = shared_hash(line.hash_key, address.canonical) if line.hash_key else ""
        advertiser = self._legal_names.get(note.advertiser, "")
        return Notice(name, note.scope, advertiser, note.at, "" if digest else address.wire, digest)
