"""Reads rows of the consent register: from a file, or one that somebody typed.

An opposition outranks every row (R-FR-64): what comes in for an opposed person is kept, and reported as staying opposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter

from gateway.core.address import Address, AddressFault, Identity, parse_typed
from gateway.core.change import Learn
from gateway.core.evidence import Event, Kind
from gateway.core.model import Partner, PersonKey, Stream
from gateway.core.policy import Policy
from gateway.core.record import Block, Consent, Facts, Scope
from gateway.core.register import RowFault, read_consent
from gateway.flow.intake import SHOWN, Batch, Rejecting, Row, Tally, breathe
from gateway.flow.ports import Book, Clock, Vault

_SUBSTANCE: Callable[[Consent], tuple[object, ...]] = attrgetter(
    *(field.name for field in fields(Consent) if field.name not in ("withdrawn_at", "recorded_at"))
)
"""All of a record but the dates that do not make it another one."""


@dataclass(frozen=True, slots=True)
class _Read:
    """One good row: the record and whose it is."""

    line: int
    address: Address
    consent: Consent


class ConsentReader:
    """`intake.Reader` for consents; `columns` names the cells of each row."""

    what = "consents"

    def __init__(
        self,
        book: Book,
        identity: Identity,
        vault: Vault,
        policies: Mapping[str, Policy],
        streams: Mapping[str, Stream],
        partners: Mapping[str, Partner],
        columns: Sequence[str],
    ) -> None:
        self._book = book
        self._identity = identity
        self._vault = vault
        self._policies = {stream.advertiser.name: policies[stream.policy] for stream in reversed(list(streams.values()))}
        self._purposes = {stream.purpose for stream in streams.values()}
        self._of_stream = {name: stream.purpose for name, stream in streams.items()}
        self._partners = partners
        self._columns = tuple(columns)

    async def read(self, rows: Sequence[Row], now: datetime, reject: Rejecting) -> Batch:
        """See `intake.Reader`."""
        found: list[_Read] = []
        for number, row in enumerate(rows):
            await breathe(number)
            one = self._one(row, now)
            if isinstance(one, str):
                reject(row, one)
            else:
                found.append(one)
        facts = await self._facts(found)
        return self._batch(found, facts, now, len(rows) - len(found))

    def _one(self, row: Row, now: datetime) -> _Read | str:
        if row.fault:
            return row.fault
        if len(row.cells) != len(self._columns):
            return f"has {len(row.cells)} cells where the header has {len(self._columns)}"
        cells = dict(zip(self._columns, row.cells, strict=True))
        address = parse_typed(cells["address"])
        if isinstance(address, AddressFault):
            return f"BAD-ADDRESS address ({address.value})"
        policy = self._policies.get(cells["advertiser"])
        if policy is None:
            return "UNKNOWN-ADVERTISER advertiser"
        consent = read_consent(policy, cells, self._identity.person(address), now)
        if isinstance(consent, RowFault):
            return f"{consent.reason.value} {consent.field}"
        return _Read(row.line, address, consent)

    async def _facts(self, found: Sequence[_Read]) -> dict[tuple[str, PersonKey], Facts]:
        """What is on record about these people, in one read an advertiser."""
        hashes = await self._book.has_hashes()
        facts: dict[tuple[str, PersonKey], Facts] = {}
        for advertiser in {one.consent.advertiser for one in found}:
            who = [self._identity.who(one.address, hashes) for one in found if one.consent.advertiser == advertiser]
            for one, fact in zip(who, await self._book.facts(advertiser, who), strict=True):
                facts[advertiser, one.person] = fact
        return facts

    def _batch(self, found: Sequence[_Read], facts: Mapping[tuple[str, PersonKey], Facts], now: datetime, rejected: int) -> Batch:
        seen: set[tuple[object, ...]] = set()
        fresh = [one for one in found if self._is_new(one.consent, facts[one.consent.advertiser, one.consent.person], seen)]
        opposed = {one.line for one in found if self._opposed(one.consent, facts[one.consent.advertiser, one.consent.person])}
        events = [self._event(one.consent, one.line in opposed, now) for one in fresh]
        changes = [Learn(one.consent, self._vault.seal(one.address.wire.encode())) for one in fresh]
        tally = Tally(
            recorded=len(fresh),
            known=len(found) - len(fresh),
            rejected=rejected,
            unproven=sum(1 for one in fresh if one.consent.missing),
            opposed=len(opposed),
            opposed_lines=tuple(sorted(opposed)[:SHOWN]),
        )
        return Batch(events, changes, tally)

    @staticmethod
    def _is_new(consent: Consent, facts: Facts, seen: set[tuple[object, ...]]) -> bool:
        """Whether no record says the same; one that was withdrawn since says the same, and stays withdrawn (R-FR-45)."""
        substance = _SUBSTANCE(consent)
        if substance in seen or any(_SUBSTANCE(known) == substance for known in facts.consents):
            return False
        seen.add(substance)
        return True

    def _opposed(self, consent: Consent, facts: Facts) -> bool:
        return any(
            one.block is not Block.BOUNCED
            and (one.scope is not Scope.STREAM or self._of_stream.get(one.stream, consent.purpose) == consent.purpose)
            for one in facts.oppositions
        )

    def _event(self, consent: Consent, opposed: bool, now: datetime) -> Event:
        return Event(
            at=now,
            kind=Kind.CONSENT,
            outcome="unproven" if consent.missing else "recorded",
            advertiser=consent.advertiser,
            person=consent.person.hex(),
            reason="OPPOSED" if opposed else "",
            rules=("R-FR-40", *(("R-FR-04",) if consent.missing else ()), *(("R-FR-64",) if opposed else ())),
            basis=consent.basis.value,
            policy=self._policies[consent.advertiser].label,
            detail="; ".join(self._detail(consent, opposed)),
        )

    def _detail(self, consent: Consent, opposed: bool) -> Iterator[str]:
        """Free text of a row stays out of the evidence: it could name somebody."""
        yield f"purpose={consent.purpose if consent.purpose in self._purposes else 'other'}"
        yield f"source={consent.source if consent.direct or consent.source in self._partners else 'other'}"
        if opposed:
            yield "stays opposed"


async def record_one(book: Book, clock: Clock, reader: ConsentReader, cells: Sequence[str]) -> Tally | str:
    """Record a row that somebody typed; the reason where it is refused."""
    refused: list[str] = []
    batch = await reader.read([Row(0, tuple(cells))], clock.now(), lambda _, why: refused.append(why))
    if refused:
        return refused[0]
    if batch.events:
        await book.commit(batch.events, batch.changes)
    return batch.tally
