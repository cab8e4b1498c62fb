"""Files rows of the consent register: reads them, holds them against what is on record, and says what became of each.

An opposition outranks every row (R-FR-64): what comes in for an opposed person is kept as proof, and nothing is lifted. A row that
says what is recorded already changes nothing, so a file or a call may be repeated at any time. Files, the API and a typed row all
come through here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter

from gateway.core.address import Address, AddressFault, Identity, parse_typed
from gateway.core.change import Change, Learn, Stir
from gateway.core.columns import RowFault, RowReason
from gateway.core.evidence import Event, Kind
from gateway.core.jurisdiction import own_pack
from gateway.core.model import Partner, PersonKey, Stream
from gateway.core.policy import Policy
from gateway.core.receipt import wording_sha256
from gateway.core.record import NO_PROOF, Block, Consent, Covers, Facts, Proof, Scope
from gateway.core.register import Claim, read_claim
from gateway.flow.intake import breathe
from gateway.flow.ports import Book, Vault

_SUBSTANCE: Callable[[Consent], tuple[object, ...]] = attrgetter(
    *(field.name for field in fields(Consent) if field.name not in ("withdrawn_at", "recorded_at", "proof"))
)
"""All of a record but its proof, which facts leave out, and the dates that do not make it another one."""

_OCCASION: Callable[[Consent], tuple[object, ...]] = attrgetter("person", "advertiser", "purpose", "covers", "collected_at")
"""What makes two rows speak of the same consent."""

_PROVING = ("wording_id", "form", "presentation", "language", "asked_at")


class State(StrEnum):
    """What became of a row."""

    RECORDED = "recorded"
    KNOWN = "known"
    UNPROVEN = "unproven"
    STAYS_OPPOSED = "stays-opposed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row's end: what its proof lacks, why it was refused, whether its one box stood for two (R-FR-21)."""

    state: State
    missing: tuple[str, ...] = ()
    fault: RowFault | None = None
    combined: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Filed:
    """What rows come to: one finding each, in order, and what is to be committed for them."""

    findings: tuple[Finding, ...]
    events: tuple[Event, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """One good row: what it claims and whose it is."""

    place: int
    address: Address
    claim: Claim

    @property
    def key(self) -> tuple[str, PersonKey]:
        """Under which its facts are looked up."""
        one = self.claim.consents[0]
        return one.advertiser, one.person


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
        widest = sorted(policies.values(), key=lambda policy: (len(policy.countries), policy.name), reverse=True)
        self._countries = {country: policy for policy in widest for country in policy.countries}
        self._policies = {stream.advertiser.name: own_pack(policies, stream) for stream in reversed(list(streams.values()))}
        self._purposes = {stream.purpose for stream in streams.values()}
        self._of_stream = {name: stream.purpose for name, stream in streams.items()}
        self._partners = partners

    def serves(self, advertiser: str, only: tuple[str, ...]) -> bool:
        """Whether the advertiser is configured, and one of those spoken for; `only` empty means every one."""
        return advertiser in self._policies and (not only or advertiser in only)

    async def file(
        self, rows: Sequence[Mapping[str, str] | RowFault], now: datetime, only: tuple[str, ...] = (), writer: str = ""
    ) -> Filed:
        """What these rows come to; `only` names the advertisers they may speak for, `writer` who writes where no row says."""
        findings: list[Finding] = []
        read: list[_Read] = []
        for place, row in enumerate(rows):
            await breathe(place)
            one = row if isinstance(row, RowFault) else self._one(place, row, now, only, writer)
            if isinstance(one, RowFault):
                findings.append(Finding(State.REJECTED, fault=one))
            else:
                findings.append(_PENDING)
                read.append(one)
        sitting = _Sitting(self, findings, _ended(read), writer)
        facts = await self._facts(read)
        for number, one in enumerate(read):
            await breathe(number)
            await sitting.hear(one, facts[one.key], now)
        return Filed(tuple(findings), tuple(sitting.events), tuple(sitting.changes))

    def _one(self, place: int, row: Mapping[str, str], now: datetime, only: tuple[str, ...], writer: str) -> _Read | RowFault:
        address = parse_typed(row.get("address") or "")
        if isinstance(address, AddressFault):
            return RowFault(RowReason.BAD_ADDRESS, "address", address.value)
        advertiser = (row.get("advertiser") or "").strip()
        if not self.serves(advertiser, only):
            return RowFault(RowReason.UNKNOWN_ADVERTISER if advertiser else RowReason.EMPTY, "advertiser")
        policy = self._countries.get((row.get("country") or "").strip().upper()) or self._policies[advertiser]
        claim = read_claim(policy, row, self._identity.person(address), now, writer)
        return claim if isinstance(claim, RowFault) else _Read(place, address, claim)

    async def _facts(self, read: Sequence[_Read]) -> dict[tuple[str, PersonKey], Facts]:
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
            policy=self._policies[consent.advertiser].label,
            body=wording_sha256(consent.wording),
            detail="; ".join(self._detail(consent, opposed)),
        )

    def act_event(self, advertiser: str, person: PersonKey, now: datetime, writer: str) -> Event:
        """The evidence that a person's own act was noted."""
        return Event(now, Kind.ACT, "recorded", tool=writer, advertiser=advertiser, person=person.hex(), rules=("R-FR-80",))

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

    def __init__(self, clerk: Clerk, findings: list[Finding], ended: set[tuple[object, ...]], writer: str) -> None:
        self.events: list[Event] = []
        self.changes: list[Change] = []
        self._clerk = clerk
        self._findings = findings
        self._ended = ended
        self._writer = writer
        self._seen: set[tuple[object, ...]] = set()
        self._acts: dict[tuple[str, PersonKey], datetime] = {}

    async def hear(self, row: _Read, facts: Facts, now: datetime) -> None:
        """Weigh one row against what is on record and what this batch said before."""
        claim = row.claim
        if any(one.withdrawn_at is None and _OCCASION(one) in self._ended for one in claim.consents):
            fault = RowFault(RowReason.CONTRADICTION, "withdrawn_at", "another row says it was withdrawn")
            self._findings[row.place] = Finding(State.REJECTED, fault=fault)
            return
        opposed = any(self._clerk.opposed(one, facts) for one in claim.consents)
        fresh = [one for one in claim.consents if await self._new(one, facts)]
        for one in fresh:
            self.events.append(self._clerk.event(one, opposed, claim.combined, now, self._writer))
            self.changes.append(self._clerk.learn(one, row.address))
        self._stir(row, facts, now, traced=bool(fresh))
        missing = tuple(dict.fromkeys(field for one in claim.consents for field in one.missing))
        self._findings[row.place] = Finding(_state(opposed, bool(fresh), missing), missing, None, claim.combined, bool(fresh))

    async def _new(self, consent: Consent, facts: Facts) -> bool:
        said = (*_SUBSTANCE(consent), consent.proof)
        if said in self._seen or await self._clerk.knows(consent, facts):
            return False
        self._seen.add(said)
        return True

    def _stir(self, row: _Read, facts: Facts, now: datetime, traced: bool) -> None:
        """R-FR-80: remember the person's own last act where it is later than the one on record."""
        at = row.claim.last_act
        known = self._acts.get(row.key) or facts.last_act
        if at is None or (known is not None and at <= known):
            return
        advertiser, person = row.key
        self._acts[row.key] = at
        self.changes.append(Stir(person, advertiser, at))
        if not traced:
            self.events.append(self._clerk.act_event(advertiser, person, now, self._writer))


_PENDING = Finding(State.KNOWN)


def _ended(read: Sequence[_Read]) -> set[tuple[object, ...]]:
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
