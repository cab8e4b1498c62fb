"""What a day does to the records: questions to the inactive, erasures when time is over, leftovers swept, lists (R-DP-10).

Idempotent: every duty is read from the records, so that a run cut short is finished by the next one and a second run finds nothing.
Walks the register person by person; a dry run counts and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from gateway.core.address import Address, AddressFault, Identity, parse
from gateway.core.change import Change, Forget, ForgetWithdrawn, GiveNotice, Learn, Sweep
from gateway.core.duration import Duration
from gateway.core.evidence import Event, Kind
from gateway.core.jurisdiction import choose, strictest
from gateway.core.model import Category, PersonKey, Ref, Stream
from gateway.core.policy import Policy
from gateway.core.record import Consent, Facts, NoticeGiven, NoticeKind, Who
from gateway.core.retention import Duty, Step, due, may_be_due
from gateway.flow.enrol import Enrolling
from gateway.flow.partners import NoticesDue
from gateway.flow.ports import Book, Clock, Unavailable, Vault

ACCEPTED_FOR = timedelta(hours=24)
AT_ONCE = 32
"""Commits under way at once: group commit takes them together, and memory stays small."""
DONE = "daily"

Filed = tuple[Consent, bytes]
Chore = Callable[[datetime, bool], Awaitable[Mapping[str, int]]]
"""Another part's daily work, by its own counts: `(now, dry)`."""


class Asking(Protocol):
    """What can put the question of R-FR-82 to a person."""

    async def ask_to_stay(self, stream: Stream, address: Address, since: datetime) -> str:
        """`sent`, or why no mail goes; a question put before `since` does not count."""


@dataclass(frozen=True, slots=True)
class Office:
    """What the job works in: the book, its keys, the packs and streams of the configuration."""

    book: Book
    identity: Identity
    vault: Vault
    policies: Mapping[str, Policy]
    streams: Mapping[str, Stream]
    clock: Clock


@dataclass(slots=True)
class Day:
    """What one run did, or would do: counts by class, the names of expired API keys."""

    at: datetime
    dry: bool
    counts: Counter[str] = field(default_factory=Counter)
    expired_keys: tuple[str, ...] = ()
    ref: Ref | None = None

    @property
    def did(self) -> int:
        """How many records, people and leftovers the run changed."""
        return sum(self.counts[name] for name in (*WRITING, *SWEPT)) + sum(
            count for name, count in self.counts.items() if name.startswith(CHORES)
        )


WRITING = ("asked", "forgotten", "former-customers-forgotten", "unproven-forgotten", "proofs-ended", "files-ended")
"""The classes that change what is on record, in the order of the table."""
LISTED = ("waiting-for-answer", "to-be-asked", "restricted-left-alone", "expired-api-keys")
SWEPT = ("old-delivery-keys", "old-kept-mail")
CHORES = ("sign-ups-", "tasks-reminded")

RULES = {
    "asked": "R-FR-82",
    "forgotten": "R-FR-80",
    "former-customers-forgotten": "R-FR-83",
    "unproven-forgotten": "R-FR-04",
    "proofs-ended": "R-FR-85",
    "files-ended": "R-FR-85",
    "waiting-for-answer": "R-FR-82",
    "to-be-asked": "R-FR-82",
    "restricted-left-alone": "R-DP-15",
    "expired-api-keys": "R-DP-19",
    "sign-ups-reminded": "R-FR-43",
    "sign-ups-purged": "R-FR-43",
    "notices-due-soon": "R-FR-32",
    "notices-overdue": "R-FR-32",
    "tasks-reminded": "R-FR-61",
    "tasks-open": "R-FR-58",
    "tasks-overdue": "R-FR-61",
    "journal-archived": "R-FR-90",
    "journal-trimmed": "R-FR-90",
    "journal-not-archived": "R-FR-90",
    "old-delivery-keys": "R-DP-10",
    "old-kept-mail": "R-DP-10",
}
"""Each class and the rule behind it."""


def chores(place: Office, enrolling: Enrolling, tasks: Chore, archiving: Chore | None = None) -> Mapping[str, Chore]:
    """What the other parts do each day, by the beginning of their counts' names; `tasks` reminds of those that wait."""
    due = NoticesDue(place.book, place.identity, place.vault, place.policies, place.streams)
    last = {} if archiving is None else {"journal-": archiving}
    return {"sign-ups-": enrolling.daily, "notices-": due.daily, "tasks-": tasks, **last}


class Daily:
    """One run of the daily job; `asking` is None where no mail can be sent from."""

    def __init__(
        self, place: Office, keep_mail: Duration, asking: Asking | None = None, chores: Mapping[str, Chore] | None = None
    ) -> None:
        self._book = place.book
        self._identity = place.identity
        self._vault = place.vault
        self._policies = place.policies
        self._streams = place.streams
        self._clock = place.clock
        self._keep_mail = keep_mail
        self._asking = asking
        self._chores = chores or {}

    async def run(self, dry: bool = False, compact: bool = True) -> Day:
        """Do what is due now, or count it; the totals go into the evidence where anything was done.

        Without `compact`, what was erased is still to be made unreadable in the files (`Book.compact`).
        """
        day = Day(self._clock.now(), dry)
        await self._people(day)
        for prefix, chore in self._chores.items():
            day.counts.update({f"{prefix}{name}": count for name, count in (await chore(day.at, dry)).items()})
        await self._leftovers(day)
        await self._expired(day)
        if day.did and not dry:
            await self._conclude(day)
        if compact and not dry:
            await self._book.compact()
        return day

    async def _conclude(self, day: Day) -> None:
        detail = "; ".join(f"{name}={count}" for name, count in sorted(day.counts.items()) if count)
        event = Event(day.at, Kind.RETENTION, DONE, rules=("R-DP-10",), detail=detail)
        (day.ref,) = await self._book.commit((event,))

    # People

    async def _people(self, day: Day) -> None:
        under_way: list[Awaitable[object]] = []
        async for filed in _by_person(self._book.register()):
            for advertiser, records in groupby(sorted(filed, key=_advertiser), key=_advertiser):
                writing = await self._one(day, advertiser, list(records))
                if writing is not None:
                    under_way.append(writing)
            if len(under_way) >= AT_ONCE:
                await _all(under_way)
        await _all(under_way)

    async def _one(self, day: Day, advertiser: str, filed: Sequence[Filed]) -> Awaitable[object] | None:
        """One person and advertiser: the write that is due, begun, or nothing."""
        consents = tuple(consent for consent, _ in filed)
        stream = self._stream(advertiser)
        policy = self._policy(stream, consents)
        if not may_be_due(policy, consents, day.at):
            return None
        address = self._address(filed)
        who = self._who(consents[0].person, address, await self._book.has_hashes())
        (facts,) = await self._book.facts(advertiser, (who,))
        # The register and the facts are two reads: what was filed in between counts.
        duty = due(policy, facts, day.at)
        match duty.step:
            case Step.KEEP:
                return self._proofs(day, advertiser, policy, facts, duty)
            case Step.HOLD:
                day.counts["restricted-left-alone"] += 1
            case Step.WAIT:
                day.counts["waiting-for-answer"] += 1
                return self._proofs(day, advertiser, policy, facts, duty)
            case Step.ASK:
                if stream is None or address is None:
                    return self._forget(day, advertiser, policy, facts, duty)
                await self._ask(day, stream, address, facts, duty)
            case Step.FORGET:
                return self._forget(day, advertiser, policy, facts, duty)
        return None

    async def _ask(self, day: Day, stream: Stream, address: Address, facts: Facts, duty: Duty) -> None:
        """R-FR-82: at most one question a term; the notice is on record with the mail, delivered or not."""
        person, since = facts.consents[0].person, duty.since or day.at
        if self._asking is None:
            day.counts["to-be-asked"] += 1
            return
        put = await self._put(person, stream, since)
        if put is None and not day.dry:
            if not await self._sent(self._asking, stream, address, since):
                day.counts["to-be-asked"] += 1
                return
            put = day.at
        day.counts["asked"] += 1
        if not day.dry:
            notice = NoticeGiven(person, stream.advertiser.name, "", put or day.at, "", NoticeKind.STAY)
            await self._book.commit((), (GiveNotice(notice),))

    async def _sent(self, asking: Asking, stream: Stream, address: Address, since: datetime) -> bool:
        """Whether the question is on its way; where mail cannot be made now, tomorrow's run tries again, and the others go on."""
        try:
            return await asking.ask_to_stay(stream, address, since) == "sent"
        except Unavailable:
            return False

    async def _put(self, person: PersonKey, stream: Stream, since: datetime) -> datetime | None:
        """When the question of this term was put by a run that was cut short before it could say so."""
        ours = {name for name, one in self._streams.items() if one.advertiser.name == stream.advertiser.name}
        asked = [one.asked_at for one in await self._book.enrolments(person) if one.stream in ours and not one.consents]
        return max((at for at in asked if at >= since), default=None)

    def _forget(self, day: Day, advertiser: str, policy: Policy, facts: Facts, duty: Duty) -> Awaitable[object] | None:
        """Erase the file; a withdrawn consent whose time as proof is not over is filed again without its address (R-FR-85)."""
        kind = _kind(facts, duty)
        day.counts[kind] += 1
        if day.dry:
            return None
        person = facts.consents[0].person
        changes: tuple[Change, ...] = (Forget(person, advertiser), *(Learn(one, b"") for one in duty.proof_kept))
        return self._book.post((self._event(day, kind, advertiser, person, policy, (duty.rule, RULES[kind])),), changes)

    def _proofs(self, day: Day, advertiser: str, policy: Policy, facts: Facts, duty: Duty) -> Awaitable[object] | None:
        """Erase withdrawn records whose time is over, where the person has others that stay."""
        before = duty.forget_before
        if before is None:
            return None
        day.counts["proofs-ended"] += len(duty.proof_over)
        if day.dry:
            return None
        person = facts.consents[0].person
        event = self._event(day, "proofs-ended", advertiser, person, policy, ("R-FR-85",))
        return self._book.post((event,), (ForgetWithdrawn(person, before, advertiser),))

    def _event(self, day: Day, outcome: str, advertiser: str, person: PersonKey, policy: Policy, rules: tuple[str, ...]) -> Event:
        return Event(
            day.at,
            Kind.RETENTION,
            outcome,
            advertiser=advertiser,
            person=person.hex(),
            rules=tuple(dict.fromkeys(rules)),
            policy=policy.label,
        )

    def _stream(self, advertiser: str) -> Stream | None:
        """A stream that stands for the advertiser, a marketing one where there is any; None where it left the configuration."""
        theirs = [stream for stream in self._streams.values() if stream.advertiser.name == advertiser]
        return min(theirs, key=lambda stream: stream.category is not Category.MARKETING, default=None)

    def _policy(self, stream: Stream | None, consents: tuple[Consent, ...]) -> Policy:
        if stream is None:
            return strictest(self._policies)
        return choose(self._policies, stream, Facts(consents))

    def _address(self, filed: Sequence[Filed]) -> Address | None:
        """The newest address on file; None where only proofs without address are left."""
        sealed = next((held for _, held in reversed(filed) if held), b"")
        address = parse(self._vault.open(sealed).decode(), smtputf8=True) if sealed else AddressFault.SYNTAX
        return None if isinstance(address, AddressFault) else address

    def _who(self, person: PersonKey, address: Address | None, hashes: bool) -> Who:
        """Every key an opposition may stand under; a file without address has its own key alone."""
        return self._identity.who(address, hashes) if address else Who(person)

    # Leftovers and lists

    async def _leftovers(self, day: Day) -> None:
        sweep = Sweep(day.at - ACCEPTED_FOR, self._keep_mail.before(day.at))
        keys, kept = await self._book.leftovers(sweep.accepted_before, sweep.kept_before)
        day.counts.update({"old-delivery-keys": keys, "old-kept-mail": kept})
        if (keys or kept) and not day.dry:
            await self._book.commit((), (sweep,))

    async def _expired(self, day: Day) -> None:
        keys = await self._book.api_keys()
        day.expired_keys = tuple(key.name for key in keys if key.revoked_at is None and key.expires_at and key.expires_at <= day.at)
        day.counts["expired-api-keys"] = len(day.expired_keys)


def _advertiser(filed: Filed) -> str:
    return filed[0].advertiser


def _kind(facts: Facts, duty: Duty) -> str:
    """The class a forgotten file is counted in."""
    standing = [consent for consent in facts.consents if consent.withdrawn_at is None]
    if not standing:
        return "files-ended"
    if all(consent.missing for consent in standing):
        return "unproven-forgotten"
    return "former-customers-forgotten" if duty.rule == "R-FR-83" else "forgotten"


async def _by_person(register: AsyncIterator[Filed]) -> AsyncIterator[list[Filed]]:
    """The register, one person's records at a time."""
    person: list[Filed] = []
    async for filed in register:
        if person and person[0][0].person != filed[0].person:
            yield person
            person = []
        person.append(filed)
    if person:
        yield person


async def _all(under_way: list[Awaitable[object]]) -> None:
    """Wait for the writes begun; the first failure counts, and the others still happen."""
    try:
        for writing in under_way:
            await writing
    finally:
        under_way.clear()
