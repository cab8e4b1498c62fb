"""The lists of partners - ours, published; those of other collectors, learned - and who must still be told of an address had so.

A version is written once and never changed (R-FR-24). Who may be passed on is not decided here, and nothing is mailed from here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.address import AddressFault, Identity, parse
from gateway.core.change import Publish
from gateway.core.duration import Duration
from gateway.core.evidence import Event, Kind
from gateway.core.jurisdiction import choose
from gateway.core.model import Advertiser, Category, Partner, PersonKey, Stream
from gateway.core.notice import clean
from gateway.core.origin import told_by
from gateway.core.partner_list import Changed, changed, history, lacking, named, next_version, sound_version
from gateway.core.policy import Policy
from gateway.core.question import informed
from gateway.core.record import Block, Consent, Facts, NamedPartner, PartnerList, Scope, Who
from gateway.flow.administer import Refused, unfit_note
from gateway.flow.ports import Book, Clock, Vault

MAX_NAMES = 10_000
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """A version that was written, and what it changed."""

    list: PartnerList
    changed: Changed


class PartnerLists:
    """Writes and shows versions of partner lists."""

    def __init__(self, book: Book, advertisers: Mapping[str, Advertiser], partners: Mapping[str, Partner], clock: Clock) -> None:
        self._book = book
        self._advertisers = advertisers
        self._partners = partners
        self._clock = clock

    async def publish(self, advertiser: str, names: Sequence[str], reason: str, version: str = "") -> Listed | Refused:
        """Make these configured partners an advertiser's current list; no name is a list of nobody (R-FR-24)."""
        if refused := self._unfit(advertiser, names, reason):
            return refused
        lists = (await self._book.arrangements()).lists.get(advertiser, ())
        now, taken = self._clock.now(), {one.version for one in lists}
        version = version or next_version(taken, now)
        if not sound_version(version):
            return Refused("A version is named by letters, digits, '.', '_' and '-', 64 at most: it stands in web addresses.")
        if version in taken:
            return Refused(f"Version {version} exists, and a version that was shown is never changed: choose another.")
        new = PartnerList(advertiser, version, now, tuple(named(self._partners[name]) for name in dict.fromkeys(names)), reason)
        before = lists[-1] if lists else None
        if before is not None and changed(before, new.partners).nothing:
            return Refused(f"Version {before.version} says the same already: nothing to publish.")
        return await self._write("published", new, before)

    async def learn(self, collector: str, version: str, names: Sequence[str], since: datetime | None = None) -> Listed | Refused:
        """Keep which organisations another collector's list named under a version, as its records quote it (R-FR-20)."""
        if refused := self._unlearnable(collector, version, names):
            return refused
        lists = (await self._book.arrangements()).lists.get(collector, ())
        if any(one.version == version for one in lists):
            return Refused(f"Version {version} of {collector} is known already, and never changed.")
        partners = tuple(NamedPartner(name, name, "") for name in dict.fromkeys(clean(name) for name in names) if name)
        new = PartnerList(collector, version, since or self._clock.now(), partners)
        return await self._write("learned", new, lists[-1] if lists else None)

    async def lists(self, collector: str = "") -> Sequence[Listed]:
        """Every version with what it changed, newest first, collector by collector."""
        lists = (await self._book.arrangements()).lists
        wanted = sorted(name for name in lists if collector in ("", name))
        return [Listed(one, change) for name in wanted for one, change in history(lists[name])]

    def named_of_ours(self, shown: PartnerList) -> tuple[str, ...]:
        """Which of our advertisers a collector's list names."""
        return tuple(name for name, one in self._advertisers.items() if shown.names(name) or shown.names(one.legal_name))

    async def _write(self, outcome: str, new: PartnerList, before: PartnerList | None) -> Listed:
        change = changed(before, new.partners)
        ours = outcome == "published"
        # What another collector's list says is free text: the evidence counts it and does not quote it.
        told = change.told() if ours else f"names={len(new.partners)}"
        detail = "; ".join(part for part in (f"version={new.version}", told, f"reason={new.reason}" if new.reason else "") if part)
        event = Event(
            at=self._clock.now(),
            kind=Kind.PARTNER_LIST,
            outcome=outcome,
            advertiser=new.collector if ours else "",
            rules=("R-FR-24",) if ours else ("R-FR-20",),
            detail=detail if ours else f"collector={new.collector}; {detail}",
        )
        await self._book.commit([event], [Publish(new)])
        return Listed(new, change)

    def _unfit(self, advertiser: str, names: Sequence[str], reason: str) -> Refused | None:
        if advertiser not in self._advertisers:
            return Refused(f"There is no advertiser {advertiser!r}.")
        if not reason.strip():
            return Refused("A new version needs a reason, which is recorded.")
        for name in names:
            if name not in self._partners:
                return Refused(f"There is no partner {name!r}; there are: {', '.join(sorted(self._partners)) or 'none'}.")
            if not self._partners[name].receives:
                return Refused(f"Partner {name!r} receives nothing: its role must be 'receives' or 'both' to stand in a list.")
        poor = {name: lacking(self._partners[name]) for name in names}
        lacks = [f"{name} lacks {' and '.join(fields)}" for name, fields in poor.items() if fields]
        if lacks:
            return Refused(f"A list shows each partner's name in law and privacy policy (R-FR-24): {'; '.join(lacks)}.")
        return unfit_note(reason)

    def _unlearnable(self, collector: str, version: str, names: Sequence[str]) -> Refused | None:
        if collector not in self._partners or not self._partners[collector].provides:
            return Refused(f"There is no partner {collector!r} that provides addresses.")
        if not version or clean(version) != version or len(version) > MAX_TEXT:
            return Refused("The version must be written as the collector's records quote it.")
        if not any(clean(name) for name in names) or len(names) > MAX_NAMES:
            return Refused(f"A list names one organisation at least, and {MAX_NAMES} at most.")
        if any(len(name) > MAX_TEXT for name in names):
            return Refused(f"A name is longer than {MAX_TEXT} characters.")
        return None


@dataclass(frozen=True, slots=True)
class DueNotice:
    """One first-contact notice that is due: to whom, for whose account, about which source, until when (R-FR-32).

    `stopped` says why no mail reaches the person: what they opposed, or a dead mailbox; empty where one would.
    """

    person: PersonKey
    stream: Stream
    source: str
    due: datetime
    overdue: bool
    stopped: str
    language: str
    sealed_address: bytes

    @property
    def advertiser(self) -> str:
        """Who owes the notice."""
        return self.stream.advertiser.name


@dataclass(slots=True)
class _Held:
    """What the register holds of one person for one advertiser."""

    person: PersonKey
    stream: Stream
    consents: list[Consent]
    sealed: bytes = b""


class NoticesDue:
    """Who must be told within the month where their address comes from, and has not been: for the DPO and the daily job."""

    def __init__(
        self, book: Book, identity: Identity, vault: Vault, policies: Mapping[str, Policy], streams: Mapping[str, Stream]
    ) -> None:
        self._book = book
        self._identity = identity
        self._vault = vault
        self._policies = policies
        own = sorted(streams.values(), key=lambda stream: stream.category is not Category.MARKETING, reverse=True)
        self._streams = {stream.advertiser.name: stream for stream in own}

    async def listed(self, now: datetime, within: Duration | None = None) -> AsyncIterator[DueNotice]:
        """Every notice overdue or due within this time (else the pack's `warn_before`), streamed in the order of the register."""
        hashes = await self._book.has_hashes()
        async for held in self._people():
            policy = choose(self._policies, held.stream, Facts(tuple(held.consents)))
            horizon = within or policy.book.notice_term.warn_before
            if not any(horizon.before(by) <= now for by in _terms(policy, held.consents)):
                continue
            who = self._who(held, hashes)
            (facts,) = await self._book.facts(held.stream.advertiser.name, (who,))
            for due in _owed(policy, held, facts, now):
                if horizon.before(due.due) <= now:
                    yield due

    async def daily(self, now: datetime, _: bool) -> Mapping[str, int]:
        """How many are due soon, and how many overdue: for the daily job, which changes nothing here."""
        return Counter(["overdue" if notice.overdue else "due-soon" async for notice in self.listed(now)])

    async def _people(self) -> AsyncIterator[_Held]:
        """Each person's records that did not come from them, advertiser by advertiser."""
        held: dict[str, _Held] = {}
        last: PersonKey | None = None
        async for consent, sealed in self._book.register():
            if consent.person != last:
                for one in held.values():
                    yield one
                held, last = {}, consent.person
            stream = self._streams.get(consent.advertiser)
            if stream is None or consent.direct or consent.withdrawn_at is not None:
                continue
            one = held.setdefault(consent.advertiser, _Held(consent.person, stream, []))
            one.consents.append(consent)
            one.sealed = sealed or one.sealed
        for one in held.values():
            yield one

    def _who(self, held: _Held, hashes: bool) -> Who:
        address = parse(self._vault.open(held.sealed).decode(), smtputf8=True) if held.sealed else AddressFault.SYNTAX
        return Who(held.person) if isinstance(address, AddressFault) else self._identity.who(address, hashes)


def _terms(policy: Policy, consents: Sequence[Consent]) -> Iterator[datetime]:
    return (by for consent in consents if (by := told_by(policy, consent)) is not None)


def _owed(policy: Policy, held: _Held, facts: Facts, now: datetime) -> Iterator[DueNotice]:
    """One notice a source: the earliest of its terms counts."""
    sources: dict[str, tuple[datetime, Consent]] = {}
    for consent in held.consents:
        by = told_by(policy, consent)
        if by is None or informed(facts, consent):
            continue
        known = sources.get(consent.source)
        if known is None or by < known[0]:
            sources[consent.source] = by, consent
    for source, (by, consent) in sources.items():
        language = consent.proof.language or held.stream.language
        yield DueNotice(held.person, held.stream, source, by, now > by, _stopped(facts), language, held.sealed)


def _stopped(facts: Facts) -> str:
    """The block that keeps any mail of the advertiser from the person; one of a single stream does not."""
    found = {one.block for one in facts.oppositions if one.scope is not Scope.STREAM}
    return next((block.value for block in Block if block in found), "")
