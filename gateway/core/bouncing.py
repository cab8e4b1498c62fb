"""What a failure report means for an address: dead at once, dead after a run, our own trouble, or nothing (R-MBX-14, R-MBX-15).

A dead address is a suppression of its own kind, never an opposition: nobody said anything, and fresh proof ends it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.core.model import PersonKey
from gateway.core.record import Basis, Block, Consent, Opposition, Scope
from gateway.core.signal import Reported
from gateway.core.task import SoftRun

_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")
_IN_TEXT = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_MESSAGE = frozenset({"5.2.3", "5.3.4"})
"""Too long for the mailbox, or for its system: said of the message."""

_CONTENT = "6"
_POLICY = "7"
_TEXT_READ = 2000


class Means(StrEnum):
    """What one report means for the address."""

    DEAD = "dead"
    SOFT = "soft"
    POLICY = "policy"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class SoftBounds:
    """From when on temporary failures mean a dead mailbox: so many, over so long; `lapse` without one ends a run."""

    count: int = 5
    span: timedelta = timedelta(days=15)
    lapse: timedelta = timedelta(days=60)


def status_of(text: str) -> str:
    """The first enhanced status code of a failure in a server's answer (RFC 3463 2); empty where there is none."""
    found = _IN_TEXT.search(text[:_TEXT_READ])
    return found[1] if found else ""


def sound_status(status: str) -> str:
    """The status where it is one, in the form that may stand in the evidence; empty else."""
    found = _STATUS.fullmatch(status.strip()[:12])
    return ".".join(str(int(part)) for part in found.groups()) if found else ""


def means(reported: Reported) -> Means:
    """R-STD-64: the status decides; only where it is vague or absent does the reporter's own word (`hard`) count.

    A refusal by policy (5.7.x) says something of us, one of the message's size or content (5.2.3, 5.3.4, 5.6.x) something of the
    message: neither ever says that the mailbox is dead. Who names neither status nor judgement has said nothing. Who read the words
    and found that the mailbox lives (`hard` is False) is believed against a status that says it is dead.
    """
    status = sound_status(reported.status)
    kind, _, rest = status.partition(".")
    if status in _DEAD:
        return Means.SOFT if reported.hard is False else Means.DEAD
    if kind == "4" or status == "5.2.2":
        return Means.SOFT
    if kind == "5" and rest.startswith(f"{_POLICY}."):
        return Means.POLICY
    if kind == "2" or status in _MESSAGE or rest.startswith(f"{_CONTENT}.") or reported.hard is None:
        return Means.NOTHING
    return Means.DEAD if reported.hard else Means.SOFT


def after(run: SoftRun | None, at: datetime, bounds: SoftBounds) -> SoftRun:
    """The run with one more temporary failure; reports may come in any order."""
    if run is None or at - run.last > bounds.lapse:
        return SoftRun(1, at, at)
    return SoftRun(run.count + 1, min(run.first, at), max(run.last, at))


def worn_out(run: SoftRun, bounds: SoftBounds) -> bool:
    """Whether so many failures over so long mean that nobody is there any more (R-MBX-15)."""
    return run.count >= bounds.count and run.last - run.first >= bounds.span


def stands_dead(oppositions: Sequence[Opposition], advertiser: str) -> bool:
    """Whether the address is filed as dead already, as far as this advertiser goes."""
    return any(
        one.block is Block.BOUNCED and (one.scope is Scope.ALL or (one.scope is Scope.ADVERTISER and one.advertiser == advertiser))
        for one in oppositions
    )


def revived(consent: Consent, oppositions: Sequence[Opposition]) -> tuple[Opposition, ...]:
    """The dead mailboxes that a record proves alive: the person's own consent, whole, given or confirmed after the report.

    An older record brought in again proves nothing, nor does any that does not come from the person.
    """
    if consent.missing or consent.withdrawn_at is not None or consent.basis is not Basis.CONSENT:
        return ()
    given = consent.confirmed_at or (consent.collected_at if consent.direct else None)
    if given is None:
        return ()
    return tuple(one for one in dead_filed(oppositions, consent.person, consent.advertiser) if given > one.at)


def dead_filed(oppositions: Sequence[Opposition], person: PersonKey, advertiser: str) -> tuple[Opposition, ...]:
    """What says that this very address is dead, towards this advertiser or all; a domain's is nobody's to lift."""
    return tuple(
        one
        for one in oppositions
        if one.person == person and one.block is Block.BOUNCED and (one.scope is Scope.ALL or one.advertiser == advertiser)
    )
