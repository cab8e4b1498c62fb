"""Oppositions that a tool hands in row by row: each with a verdict of its own, the same again changing nothing (R-FR-56).

An opposition is never refused for its date; one that nobody can place is rejected, and the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.address import AddressFault, Identity
from gateway.core.change import Change
from gateway.core.columns import RowFault, RowReason
from gateway.core.evidence import Event
from gateway.core.record import ApiKey, Block, Door, Opposition, Scope
from gateway.flow.administer import Administer, Reach, Refused
from gateway.flow.opposition_list import read_date
from gateway.flow.ports import Book, Clock
from gateway.flow.subject import Subject, detect


class Verdict(StrEnum):
    """What became of one row."""

    RECORDED = "recorded"
    KNOWN = "known"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class OppositionRow:
    """One row as it came: `address` may be an address, a hash of one, or `@domain`; the rest may be empty."""

    address: str
    scope: str = ""
    advertiser: str = ""
    stream: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A row's verdict; `fault` says why it was rejected."""

    verdict: Verdict
    fault: RowFault | None = None


class OppositionRows:
    """Takes groups of rows in."""

    def __init__(self, book: Book, identity: Identity, administer: Administer, clock: Clock) -> None:
        self._book = book
        self._identity = identity
        self._administer = administer
        self._clock = clock

    async def take(self, rows: Sequence[OppositionRow | RowFault], key: ApiKey) -> Sequence[Judged]:
        """Record what is new in one commit; verdicts in the order of the rows."""
        events: list[Event] = []
        changes: list[Change] = []
        judged: list[Judged] = []
        here: list[Opposition] = []
        for row in rows:
            await asyncio.sleep(0)  # every row: who holds the person's data is several looks into the store
            placed = row if isinstance(row, RowFault) else self._place(row, key)
            if isinstance(placed, RowFault):
                judged.append(Judged(Verdict.REJECTED, placed))
                continue
            subject, reach = placed
            if any(_same(one, subject, reach) for one in (*here, *await self._book.oppositions(subject.key))):
                judged.append(Judged(Verdict.KNOWN))
                continue
            at = read_date(row.at, self._clock.now()) if isinstance(row, OppositionRow) else self._clock.now()
            event, following = await self._administer.meaning(subject, reach, Door.API, at, f"key={key.name}")
            here.append(Opposition(subject.key, Block.OPPOSED, reach.scope, reach.advertiser, reach.stream, Door.API, at))
            events.append(event)
            changes.extend(following)
            judged.append(Judged(Verdict.RECORDED))
        if events:
            await self._book.commit(events, changes)
            await self._administer.look_again(changes)
        return judged

    def _place(self, row: OppositionRow, key: ApiKey) -> tuple[Subject, Reach] | RowFault:
        """Who is meant, and how far it goes; a key speaks for its advertisers only."""
        subject = detect(self._identity, row.address)
        if isinstance(subject, AddressFault):
            return RowFault(RowReason.BAD_ADDRESS, "address", subject.value)
        if row.scope and row.scope not in set(Scope):
            return RowFault(RowReason.NOT_A_CHOICE, "scope")
        named = row.advertiser or (key.advertisers[0] if len(key.advertisers) == 1 else "")
        reach = self._administer.reach(Scope(row.scope) if row.scope else None, named, row.stream)
        if isinstance(reach, Refused):
            at_fault = "stream" if row.stream or row.scope == Scope.STREAM else "advertiser"
            return RowFault(RowReason.UNKNOWN_ADVERTISER if at_fault == "advertiser" else RowReason.NOT_A_CHOICE, at_fault)
        if key.advertisers and reach.advertiser not in key.advertisers:
            return RowFault(RowReason.UNKNOWN_ADVERTISER if reach.advertiser else RowReason.NOT_A_CHOICE, _outside(reach))
        return subject, reach


def _outside(reach: Reach) -> str:
    return "advertiser" if reach.advertiser else "scope"


def _same(one: Opposition, subject: Subject, reach: Reach) -> bool:
    whose = (one.person, one.block, one.scope, one.advertiser, one.stream)
    return whose == (subject.key, Block.OPPOSED, reach.scope, reach.advertiser, reach.stream)
