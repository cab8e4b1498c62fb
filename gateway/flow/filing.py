"""Files rows of the consent register: holds them against what is on record, and says what became of each.

An opposition outranks every row (R-FR-64): what comes in for an opposed person is kept as proof, and nothing is lifted. A row that
says what is recorded already changes nothing, so a file or a call may be repeated at any time. Files, the API and a typed row all
come through here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter

from gateway.core.address import Address, Identity
from gateway.core.bouncing import revived
from gateway.core.change import Change, Learn, Lift, NoteSoft, Stir
from gateway.core.columns import RowFault, RowReason
from gateway.core.evidence import Event, Kind
from gateway.core.model import Partner, PersonKey, Stream
from gateway.core.policy import Policy
from gateway.core.receipt import wording_sha256
from gateway.core.record import NO_PROOF, Block, Consent, Covers, Facts, Opposition, Proof, Scope
from gateway.flow.claims import Finding, Good, Scanned, Scanner, State
from gateway.flow.intake import breathe
from gateway.flow.ports import Book, Vault

_SUBSTANCE: Callable[[Consent], tuple[object, ...]] = attrgetter(
    *(field.name for field in fields(Consent) if field.name not in ("withdrawn_at", "recorded_at", "proof"))
)
"""All of a record but its proof, which facts leave out, and the dates that do not make it another one."""

_OCCASION: Callable[[Consent], tuple[object, ...]] = attrgetter("person", "advertiser", "purpose", "covers", "collected_at")
"""What makes two rows speak of the same consent."""

_PROVING = ("wording_id", "form", "presentation", "language", "asked_at")


@dataclass(frozen=True, slots=True)
class Filed:
    """What rows come to: one finding each, in order, and what is to be committed for them."""

    findings: tuple[Finding, ...]
    events: tuple[Event, ...]
    changes: tuple[Change, ...]


class Clerk:
    """Reads rows by column name and decides what to write; writes nothing itself."""

    def __init__(
        self,
        book: Book,
        identity: Identity,
        vault: Vault,
        policies: Mapping[str, Policy],
        streams: Mapping[str, Stream],
        partners: Mapping[str, Partner],
    ) -> None:
        self._book = book
        self._identity = identity
        self._vault = vault
        self._scanner = Scanner(identity, policies, streams)
        self._purposes = {stream.purpose for stream in streams.values()}
        self._of_stream = {name: stream.purpose for name, stream in streams.items()}
        self._partners = partners

    def serves(self, advertiser: str, only: tuple[str, ...]) -> bool:
        """See `Scanner`."""
        return self._scanner.serves(advertiser, only)

    async def scan(
        self, rows: Sequence[Mapping[str, str] | RowFault], now: datetime, only: tuple[str, ...] = (), writer: str = ""
    ) -> Scanned:
        """See `Scanner`: needs nothing that is on record, so it can run while earlier rows are being written."""
        return await self._scanner.scan(rows, now, only, writer)

    async def weigh(self, scanned: Scanned) -> Filed:
        """What rows come to beside what is on record now."""
        sitting = _Sitting(self, scanned, _ended(scanned.good))
        facts = await self._facts(scanned.good)
        for number, one in enumerate(scanned.good):
            await breathe(number)
            await sitting.hear(one, facts[one.key])
        return Filed(tuple(sitting.findings), tuple(sitting.events), tuple(sitting.changes))

    async def _facts(self, read: Sequence[Good]) -> dict[tuple[str, PersonKey], Facts]:
        """What is on record about these people, in one read for each advertiser."""
        hashes = await self._book.has_hashes()
        facts: dict[tuple[str, PersonKey], Facts] = {}
        for advertiser in dict.fromkeys(one.key[0] for one in read):
            who = [self._identity.who(one.address, hashes) for one in read if one.key[0] == advertiser]
            for one, fact in zip(who, await self._book.facts(advertiser, who), strict=True):
                facts[advertiser, one.person] = fact
        return facts

    async def knows(self, consent: Consent, facts: Facts) -> bool:
        """Whether a record says the same; one that was withdrawn since says the same, and stays withdrawn (R-FR-45).

        A row that ends a record which has not ended on file says something new; so does proof that the record leaves open.
        """
        substance = _SUBSTANCE(consent)
        alike = [known for known in facts.consents if _SUBSTANCE(known) == substance]
        if consent.withdrawn_at is not None:
            alike = [known for known in alike if known.withdrawn_at is not None]
        if not alike or not _adds(consent.proof, NO_PROOF):
            return bool(alike)
        whole = await self._book.consents(consent.person, consent.advertiser)
        return any(
            _SUBSTANCE(known) == substance
            and not _adds(consent.proof, known.proof)
            and (consent.withdrawn_at is None or known.withdrawn_at is not None)
            for known, _ in whole
        )

    def opposed(self, consent: Consent, facts: Facts) -> bool:
        """Whether the person's will, or a restriction, reaches this purpose."""
        return any(
            one.block is not Block.BOUNCED
            and (one.scope is not Scope.STREAM or self._of_stream.get(one.stream, consent.purpose) == consent.purpose)
            for one in facts.oppositions
        )

    def learn(self, consent: Consent, address: Address) -> Learn:
        """The change that files a record."""
        return Learn(consent, self._vault.seal(address.wire.encode()))

    def event(self, consent: Consent, opposed: bool, combined: bool, now: datetime, writer: str) -> Event:
        """The evidence of a recording; `body` is the SHA-256 of the wording, so that the chain vouches for it (R-FR-40)."""
        return Event(
            at=now,
            kind=Kind.CONSENT,
            outcome="withdrawn" if consent.withdrawn_at else "unproven" if consent.missing else "recorded",
            tool=writer,
            advertiser=consent.advertiser,
            person=consent.person.hex(),
            reason="OPPOSED" if opposed else "",
            rules=_rules(consent.missing, consent.withdrawn_at is not None, opposed, combined),
            basis=consent.basis.value,
            policy=self._scanner.pack(consent.advertiser, consent.traits.country).label,
            body=wording_sha256(consent.wording),
            detail="; ".join(self._detail(consent, opposed)),
        )

    def act_event(self, advertiser: str, person: PersonKey, now: datetime, writer: str) -> Event:
        """The evidence that a person's own act was noted."""
        return Event(now, Kind.ACT, "recorded", tool=writer, advertiser=advertiser, person=person.hex(), rules=("R-FR-80",))

    def revival(self, one: Opposition, advertiser: str, now: datetime, writer: str) -> Event:
        """The evidence that a mailbox reported dead may be written to again."""
        return Event(
            now,
            Kind.LIFT,
            one.block.value,
            tool=writer,
            advertiser=advertiser,
            person=one.person.hex(),
            rules=("R-MBX-14",),
            door=one.door.value,
            detail=f"scope={one.scope.value}; reason=a consent given after it",
        )

    def _detail(self, consent: Consent, opposed: bool) -> list[str]:
        """Free text of a row stays out of the evidence: it could name somebody."""
        told = [
            f"purpose={consent.purpose if consent.purpose in self._purposes else 'other'}",
            f"source={consent.source if consent.direct or consent.source in self._partners else 'other'}",
        ]
        if consent.covers is not Covers.OWN:
            told.append(f"covers={consent.covers.value}")
        if opposed:
            told.append("stays opposed")
        return told


class _Sitting:
    """One batch being filed: what it has come to so far."""

    def __init__(self, clerk: Clerk, scanned: Scanned, ended: set[tuple[object, ...]]) -> None:
        self.findings = list(scanned.findings)
        self.events: list[Event] = []
        self.changes: list[Change] = []
        self._clerk = clerk
        self._now = scanned.now
        self._writer = scanned.writer
        self._ended = ended
        self._seen: set[tuple[object, ...]] = set()
        self._acts: dict[tuple[str, PersonKey], datetime] = {}
        self._revived: list[Opposition] = []

    async def hear(self, row: Good, facts: Facts) -> None:
        """Weigh one row against what is on record and what this batch said before."""
        claim = row.claim
        if any(one.withdrawn_at is None and _OCCASION(one) in self._ended for one in claim.consents):
            fault = RowFault(RowReason.CONTRADICTION, "withdrawn_at", "another row says it was withdrawn")
            self.findings[row.place] = Finding(State.REJECTED, fault=fault)
            return
        opposed = any(self._clerk.opposed(one, facts) for one in claim.consents)
        fresh = [one for one in claim.consents if await self._new(one, facts)]
        for one in fresh:
            self.events.append(self._clerk.event(one, opposed, claim.combined, self._now, self._writer))
            self.changes.append(self._clerk.learn(one, row.address))
            self._revive(one, facts)
        self._stir(row, facts, traced=bool(fresh))
        missing = tuple(dict.fromkeys(field for one in claim.consents for field in one.missing))
        self.findings[row.place] = Finding(_state(opposed, bool(fresh), missing), missing, None, claim.combined, bool(fresh))

    async def _new(self, consent: Consent, facts: Facts) -> bool:
        said = (*_SUBSTANCE(consent), consent.proof)
        if said in self._seen or await self._clerk.knows(consent, facts):
            return False
        self._seen.add(said)
        return True

    def _revive(self, consent: Consent, facts: Facts) -> None:
        """A consent given after the mailbox was reported dead is fresh proof that it lives: it may be tried again (R-MBX-14)."""
        for one in revived(consent, facts.oppositions):
            if one in self._revived:
                continue
            self._revived.append(one)
            self.events.append(self._clerk.revival(one, consent.advertiser, self._now, self._writer))
            self.changes.append(Lift(one.person, one.block, one.scope, one.advertiser, one.stream))
            self.changes.append(NoteSoft(one.person, consent.advertiser, None))

    def _stir(self, row: Good, facts: Facts, traced: bool) -> None:
        """R-FR-80: remember the person's own last act where it is later than the one on record."""
        at = row.claim.last_act
        known = self._acts.get(row.key) or facts.last_act
        if at is None or (known is not None and at <= known):
            return
        advertiser, person = row.key
        self._acts[row.key] = at
        self.changes.append(Stir(person, advertiser, at))
        if not traced:
            self.events.append(self._clerk.act_event(advertiser, person, self._now, self._writer))


def _ended(read: Sequence[Good]) -> set[tuple[object, ...]]:
    """The consents that some row of the batch says were withdrawn: no other row may say they were not."""
    return {_OCCASION(one) for row in read for one in row.claim.consents if one.withdrawn_at is not None}


def _adds(said: Proof, known: Proof) -> bool:
    """Whether a proof says something that the known one leaves open; who wrote it, and with what, makes no other record."""
    return any(getattr(said, name) and not getattr(known, name) for name in _PROVING)


def _state(opposed: bool, fresh: bool, missing: tuple[str, ...]) -> State:
    if opposed:
        return State.STAYS_OPPOSED
    if not fresh:
        return State.KNOWN
    return State.UNPROVEN if missing else State.RECORDED


@lru_cache(maxsize=256)
def _rules(missing: tuple[str, ...], withdrawn: bool, opposed: bool, combined: bool) -> tuple[str, ...]:
    told = (
        ("R-FR-40", True),
        ("R-FR-04", bool(missing)),
        ("R-FR-21", combined),
        ("R-FR-26", "partner_list_version" in missing or "presentation" in missing),
        ("R-FR-41", "batch" in missing),
        ("R-FR-45", withdrawn),
        ("R-FR-64", opposed),
    )
    return tuple(rule for rule, counts in told if counts)


async def commit(book: Book, filed: Filed) -> None:
    """Write it, where there is anything to write."""
    if filed.events or filed.changes:
        await book.commit(filed.events, filed.changes)
