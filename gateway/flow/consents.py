"""What is asked of the register of consents: a receipt for one person, a confirmation, the whole of it streamed out.

Every look into a person's file and every export leaves a trace (R-DP-20). Filing rows is `filing`'s business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.core.address import Address, Identity
from gateway.core.change import Learn
from gateway.core.evidence import Event, Kind, parse_event
from gateway.core.model import PersonKey
from gateway.core.receipt import Receipt, Trace, make_receipt, wording_sha256
from gateway.core.record import Consent, Who
from gateway.flow.ports import Book, Clock, Entry, Journal

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Exported:
    """One record on its way out, with its sealed address and the person's last act (R-FR-80)."""

    consent: Consent
    sealed_address: bytes
    last_act: datetime | None


class Consents:
    """Answers from the register, and the one act of an operator on it that is no import."""

    def __init__(self, book: Book, journal: Journal, identity: Identity, clock: Clock) -> None:
        self._book = book
        self._journal = journal
        self._identity = identity
        self._clock = clock

    async def receipt(
        self, address: Address, legal_names: Mapping[str, str], advertiser: str = "", purpose: str = ""
    ) -> Receipt | None:
        """What proves this person's consents, history included; None where nothing is recorded."""
        person = self._identity.person(address)
        await self._look(person, "receipt", advertiser)
        found = [one for one, _ in await self._book.consents(person, advertiser) if purpose in ("", one.purpose)]
        traces = [trace for entry in await self._journal.of_person(person) if (trace := _trace(entry))]
        return make_receipt(address.wire, self._clock.now(), found, traces, legal_names)

    async def confirm(
        self, address: Address, advertiser: str, purpose: str, at: datetime, writer: str, note: str
    ) -> Sequence[Consent]:
        """Record that the person confirmed their sign-up (R-FR-42): a new version of each record that waits for it.

        Withdrawn records stay as they are, and so does every opposition.
        """
        person, now = self._identity.person(address), self._clock.now()
        waiting = [
            (one, sealed)
            for one, sealed in await self._book.consents(person, advertiser)
            if one.purpose == purpose and one.withdrawn_at is None and one.confirmed_at is None
        ]
        whole = [
            (replace(one, confirmed_at=at, recorded_at=now, proof=replace(one.proof, writer=writer)), sealed)
            for one, sealed in waiting
            if not await self._confirmed_since(one)
        ]
        if whole:
            await self._book.commit(
                [_confirmation(one, now, note) for one, _ in whole], [Learn(one, sealed) for one, sealed in whole]
            )
        return [one for one, _ in whole]

    async def _confirmed_since(self, consent: Consent) -> bool:
        """Whether a later version of this record says so already."""
        versions = await self._book.consents(consent.person, consent.advertiser)
        return any(
            other.confirmed_at is not None
            and (other.purpose, other.covers, other.collected_at) == (consent.purpose, consent.covers, consent.collected_at)
            for other, _ in versions
        )

    async def export(self, advertiser: str = "") -> AsyncIterator[Exported]:
        """The register with its sealed addresses, page by page; that it is taken out is on record before the first row leaves."""
        await self._exporting(advertiser, "begun")
        rows, page = 0, list[tuple[Consent, bytes]]()
        async for one in self._book.register(advertiser):
            page.append(one)
            if len(page) >= _PAGE:
                rows += len(page)
                for exported in await self._with_acts(page):
                    yield exported
                page = []
        for exported in await self._with_acts(page):
            yield exported
        await self._exporting(advertiser, f"rows={rows + len(page)}")

    async def _with_acts(self, page: Sequence[tuple[Consent, bytes]]) -> list[Exported]:
        acts: dict[tuple[str, PersonKey], datetime | None] = {}
        for advertiser in dict.fromkeys(one.advertiser for one, _ in page):
            people = list(dict.fromkeys(one.person for one, _ in page if one.advertiser == advertiser))
            facts = await self._book.facts(advertiser, [Who(person) for person in people])
            acts |= {(advertiser, person): fact.last_act for person, fact in zip(people, facts, strict=True)}
        return [Exported(one, sealed, acts[one.advertiser, one.person]) for one, sealed in page]

    async def _exporting(self, advertiser: str, detail: str) -> None:
        event = Event(at=self._clock.now(), kind=Kind.EXPORT, outcome="consents", advertiser=advertiser, detail=detail)
        await self._book.commit([event])

    async def _look(self, person: PersonKey, what: str, advertiser: str) -> None:
        event = Event(at=self._clock.now(), kind=Kind.LOOK, outcome=what, advertiser=advertiser, person=person.hex())
        await self._book.commit([event])


def _trace(entry: Entry) -> Trace | None:
    event = parse_event(entry.body)
    return None if event is None else Trace(f"{entry.writer}-{entry.seq}", entry.hash.hex(), event)


def _confirmation(consent: Consent, now: datetime, note: str) -> Event:
    return Event(
        at=now,
        kind=Kind.CONSENT,
        outcome="confirmed",
        advertiser=consent.advertiser,
        person=consent.person.hex(),
        rules=("R-FR-40", "R-FR-42"),
        basis=consent.basis.value,
        body=wording_sha256(consent.wording),
        detail=f"proof={note}",
    )
