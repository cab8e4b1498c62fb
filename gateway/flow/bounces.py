"""What comes back about an address, written down: dead mailboxes, complaints, opt-outs reported by others (R-MBX-14, 15, R-STD-66).

However many reports come at once, they are one commit; whether mail or a provider's event brings a report makes no difference.
Nobody is mailed from here, a complainer least of all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.core.bouncing import Means, SoftBounds, after, means, revived, sound_status, stands_dead, worn_out
from gateway.core.change import Change, Count, NoteSoft, Oppose, Remember, TakeBackNotice, Withdraw
from gateway.core.evidence import Event, Kind
from gateway.core.model import Category, Partner, PersonKey, Stream
from gateway.core.oppose import Act, meaning, opposition
from gateway.core.provider_of import UNKNOWN
from gateway.core.record import Block, Door, Opposition, Scope, Who
from gateway.core.return_path import not_given
from gateway.core.signal import Reported, Told
from gateway.core.task import SoftRun
from gateway.core.verdict import Reason
from gateway.flow.back_ports import Returns
from gateway.flow.holders import holders_of, tell_late, tools_of
from gateway.flow.intake import breathe
from gateway.flow.ports import Book, Clock, Log, Meter, Unavailable
from gateway.flow.way_back import stands

PATIENCE = 10.0
"""Seconds the store has to take a batch of reports before whoever brings it is told to come again."""

MEMORY = timedelta(days=100)
"""For how long a report that was taken is known again; the store forgets no earlier."""


@dataclass(frozen=True, slots=True)
class Case:
    """One report about one person. `stream` is None where nobody can say which mail it is about: then `advertisers` are meant.

    `provider` is where the mailbox lies, `reporter` the configured name of who tells; both may be unknown. `since` is when it
    happened, where a list tells it only now.
    """

    person: PersonKey
    told: Told
    reported: Reported
    at: datetime
    stream: Stream | None = None
    advertisers: tuple[str, ...] = ()
    door: Door = Door.BOUNCE
    provider: str = UNKNOWN
    reporter: str = ""
    since: datetime | None = None

    @property
    def meant(self) -> tuple[str, ...]:
        """Whose mail it is about."""
        return (self.stream.advertiser.name,) if self.stream else self.advertisers


@dataclass(slots=True)
class _Docket:
    """One commit in the making: what it already says counts for what comes after."""

    events: list[Event] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    filed: list[tuple[Opposition, Sequence[Partner]]] = field(default_factory=list)
    runs: dict[tuple[PersonKey, str], SoftRun | None] = field(default_factory=dict)
    dead: set[tuple[PersonKey, str]] = field(default_factory=set)
    willed: set[tuple[PersonKey, Block, Scope, str, str]] = field(default_factory=set)

    def add(self, event: Event, changes: Collection[Change]) -> None:
        """One more thing to write."""
        self.events.append(event)
        self.changes.extend(changes)


class Bounces:
    """Takes reports. `streams` are all configured ones, `partners` all there are."""

    def __init__(
        self,
        book: Book,
        returns: Returns,
        streams: Mapping[str, Stream],
        partners: Sequence[Partner],
        bounds: SoftBounds,
        clock: Clock,
        meter: Meter,
        log: Log,
    ) -> None:
        self._book = book
        self._returns = returns
        self._streams = streams
        self._advertisers = frozenset(stream.advertiser.name for stream in streams.values())
        self._partners = partners
        self._bounds = bounds
        self._clock = clock
        self._meter = meter
        self._log = log
        self._one_at_a_time = asyncio.Lock()

    async def take(
        self,
        person: PersonKey,
        stream: Stream | None,
        advertiser: str,
        reported: Reported,
        at: datetime,
        door: Door = Door.BOUNCE,
        key: bytes = b"",
    ) -> None:
        """One failure report that came by mail; the same `key` a second time changes nothing."""
        advertisers = (advertiser,) if advertiser else ()
        await self._once(Case(person, Told.BOUNCE, reported, at, stream, advertisers, door), key)

    async def complain(
        self, person: PersonKey, stream: Stream | None, advertiser: str, provider: str, at: datetime, key: bytes = b""
    ) -> None:
        """One complaint that came by mail (R-STD-66): recorded, counted, and never answered."""
        advertisers = (advertiser,) if advertiser else ()
        case = Case(person, Told.COMPLAINT, Reported(""), at, stream, advertisers, Door.COMPLAINT, provider or UNKNOWN)
        await self._once(case, key)

    async def _once(self, case: Case, key: bytes) -> None:
        if key and await self._returns.remembered([key], self._clock.now() - MEMORY):
            return
        await self.record([case], [key] if key else [])

    async def record(self, cases: Sequence[Case], keys: Sequence[bytes] = ()) -> None:
        """Write what these reports mean, and that they were taken, in one commit; Unavailable where it is not written."""
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(PATIENCE), self._one_at_a_time:
                docket = await self._weigh(cases)
                now = self._clock.now()
                docket.changes.extend(Remember(key, now) for key in dict.fromkeys(keys))
                if docket.events or docket.changes:
                    await self._book.commit(docket.events, docket.changes)
        except TimeoutError:
            raise Unavailable("book") from None
        for filed, told in docket.filed:
            await tell_late(self._book, self._partners, filed, told)
            self._meter.opposed(filed.door.value, self._clock.monotonic() - started)

    async def _weigh(self, cases: Sequence[Case]) -> _Docket:
        docket = _Docket()
        for number, case in enumerate(cases):
            await breathe(number)
            match case.told:
                case Told.BOUNCE:
                    await self._bounce(docket, case)
                case Told.DELIVERED:
                    await self._delivered(docket, case)
                case Told.COMPLAINT | Told.OPT_OUT:
                    await self._will(docket, case)
                case _:
                    pass
        return docket

    # Addresses

    async def _bounce(self, docket: _Docket, case: Case) -> None:
        meant = means(case.reported)
        if not case.meant:  # whose mail it was is unknown: there is nobody to whom the address could be dead
            docket.add(_event(case, "", meant.value, ("R-STD-64",)), ())
        for advertiser in case.meant:
            if meant is Means.DEAD:
                await self._unsaid(docket, case, advertiser)
                await self._dead(docket, case, advertiser, ("R-MBX-14", "R-STD-64"))
            elif meant is Means.SOFT:
                await self._soft(docket, case, advertiser)
            else:
                docket.add(_event(case, advertiser, meant.value, ("R-STD-64",)), ())

    async def _unsaid(self, docket: _Docket, case: Case, advertiser: str) -> None:
        """A notice that was under way to a dead mailbox was not given (R-FR-31); reports by mail say which mail it was.

        Those `return_path` settles. A provider's event names no mail of ours, its list nothing of these days.
        """
        if not case.reporter or case.since is not None:
            return
        (facts,) = await self._book.facts(advertiser, [Who(case.person)])
        if unsaid := not_given(facts.notices, {}, "", case.at):
            docket.add(_event(case, advertiser, "notice-not-given", ("R-FR-31",)), [TakeBackNotice(one) for one in unsaid])

    async def _dead(self, docket: _Docket, case: Case, advertiser: str, rules: tuple[str, ...], why: str = "hard") -> None:
        if await self._is_dead(docket, case, advertiser):
            return
        filed = Opposition(case.person, Block.BOUNCED, Scope.ADVERTISER, advertiser, "", case.door, case.at)
        if case.since is not None and await self._outlived(filed, case.since):
            return
        event = replace(_event(case, advertiser, Block.BOUNCED.value, rules, why), reason=Reason.BOUNCED.value)
        docket.dead.add((case.person, advertiser))
        docket.add(event, (Oppose(filed), *await self._run_over(docket, case, advertiser)))
        self._log.say("mailbox dead", advertiser=advertiser, why=why, reporter=case.reporter)

    async def _soft(self, docket: _Docket, case: Case, advertiser: str) -> None:
        if await self._is_dead(docket, case, advertiser):
            return
        run = after(await self._run(docket, case, advertiser), case.at, self._bounds)
        docket.runs[case.person, advertiser] = run
        if worn_out(run, self._bounds):
            await self._dead(docket, case, advertiser, ("R-MBX-15", "R-STD-64"), f"soft; run={run.count}")
            return
        event = _event(case, advertiser, Means.SOFT.value, ("R-MBX-15", "R-STD-64"), f"run={run.count}")
        docket.add(event, (NoteSoft(case.person, advertiser, run),))

    async def _delivered(self, docket: _Docket, case: Case) -> None:
        """Mail that arrived ends a run, and is otherwise not worth a line: there is one for every message."""
        for advertiser in case.meant:
            if over := await self._run_over(docket, case, advertiser):
                docket.add(_event(case, advertiser, "delivered", ("R-MBX-15",)), over)

    async def _is_dead(self, docket: _Docket, case: Case, advertiser: str) -> bool:
        if (case.person, advertiser) in docket.dead:
            return True
        return stands_dead(await self._book.oppositions(case.person), advertiser)

    async def _outlived(self, filed: Opposition, since: datetime) -> bool:
        """Whether the person gave a consent after the mailbox was found dead."""
        found = (replace(filed, at=since),)
        return any(revived(one, found) for one, _ in await self._book.consents(filed.person, filed.advertiser))

    async def _run(self, docket: _Docket, case: Case, advertiser: str) -> SoftRun | None:
        key = case.person, advertiser
        if key not in docket.runs:
            docket.runs[key] = await self._returns.soft_run(case.person, advertiser)
        return docket.runs[key]

    async def _run_over(self, docket: _Docket, case: Case, advertiser: str) -> tuple[NoteSoft, ...]:
        if await self._run(docket, case, advertiser) is None:
            return ()
        docket.runs[case.person, advertiser] = None
        return (NoteSoft(case.person, advertiser, None),)

    # What people did

    async def _will(self, docket: _Docket, case: Case) -> None:
        """A complaint, or an opt-out at the provider's own door: filed for the advertiser, or for each that may be meant."""
        if case.stream is not None or not case.advertisers:
            await self._act(docket, case, case.stream, known=True)
            return
        for advertiser in case.advertisers:
            of_it = [one for one in self._streams.values() if one.advertiser.name == advertiser]
            marketing = [one for one in of_it if one.category is Category.MARKETING]
            sure = len(marketing) == 1
            if of_it:
                await self._act(docket, case, marketing[0] if sure else of_it[0], known=sure)

    async def _act(self, docket: _Docket, case: Case, stream: Stream | None, known: bool) -> None:
        """One act; where the stream only stands for its advertiser, it is neither named nor charged with the complaint."""
        act = Act(case.person, stream, None, case.door, case.at, case.provider)
        filed = opposition(act)
        told = await holders_of(self._book, self._partners, filed.person, filed.advertiser)
        tools = await tools_of(self._book, self._streams.values(), filed)
        event, changes = meaning(act, self._advertisers, told, tools)
        said = filed.person, filed.block, filed.scope, filed.advertiser, filed.stream
        if said in docket.willed:
            return
        if await stands(self._book, filed, [change for change in changes if isinstance(change, Withdraw)]):
            return
        if not known:
            event = replace(event, stream="", category="")
        if not known or case.since is not None:  # an old complaint is none of the last 24 hours
            changes = tuple(change for change in changes if not isinstance(change, Count))
        docket.add(replace(event, tool=case.reporter, rules=(*event.rules, *_RULES[case.told])), changes)
        docket.willed.add(said)
        docket.filed.append((filed, told))
        self._log.say("opposed", door=case.door.value, scope=filed.scope.value, stream=event.stream, reporter=case.reporter)


_RULES = {Told.COMPLAINT: ("R-STD-66", "R-MBX-10"), Told.OPT_OUT: ()}


def _event(case: Case, advertiser: str, outcome: str, rules: tuple[str, ...], why: str = "") -> Event:
    status = sound_status(case.reported.status)
    return Event(
        at=case.at,
        kind=Kind.RETURN,
        outcome=outcome,
        tool=case.reporter,
        stream=case.stream.name if case.stream else "",
        advertiser=advertiser,
        category=case.stream.category.value if case.stream else "",
        person=case.person.hex(),
        rules=rules,
        door=case.door.value,
        detail="; ".join(part for part in (f"status={status}" if status else "", why) if part),
    )
