"""Every decision can be had again: from the recorded stand, pack and setup the same verdict, and a second opinion agrees (R-FR-86).

Random histories run against a real SQLite book through the real judge; the small reference of `tests.support.reference` has its own
opinion (yes, no, wait); at the end each recorded decision is retraced by its reference and by its time.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gateway.core.address import Address, Identity, parse
from gateway.core.change import Change, GiveNotice, Learn, Lift, Oppose, Pause, Publish, Resume, Stir, Withdraw
from gateway.core.evidence import Event, Kind
from gateway.core.model import Advertiser, Category, PersonKey, Ref, RefusalMode, Stream
from gateway.core.policy import Policy
from gateway.core.record import (
    Audience,
    Basis,
    Block,
    Consent,
    Covers,
    Door,
    Entity,
    NamedPartner,
    NoticeGiven,
    Opposition,
    PartnerList,
    Relation,
    RelationKind,
    Scope,
    Traits,
)
from gateway.core.ruling import Setup
from gateway.core.verdict import Allow, Undecided
from gateway.edges.files import read_policy
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.adopt import Adoption
from gateway.flow.judge import Judge
from gateway.flow.retrace import Gone, Retrace
from tests.support.reference import Entry, History, Mail, answer

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
PART = 250
MANY = int(os.environ.get("GATEWAY_HISTORIES", "10000"))

ACME = Advertiser("acme", "ACME SAS", "1 rue d'Exemple", "contact@acme.example", "https://acme.example/p", "", ("acme.example",))
NEWS = Stream("news", 11, ACME, Category.MARKETING, "newsletter", "fr", "", RefusalMode.REJECT, "fr", ("achats",), ("livres",))
CLUB = replace(NEWS, name="club", number=12, purpose="club", relates_to=("*",), sensitive=True, double_optin=True)
SERVICE = replace(NEWS, name="service", number=13, category=Category.TRANSACTIONAL)
STREAMS = (NEWS, CLUB, SERVICE)


@dataclass
class Clock:
    """Stands still until told; every step has an instant of its own."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return 0.0


@dataclass(frozen=True)
class Decided:
    """One decision as it was recorded and as the reference saw it."""

    stream: Stream
    at: datetime
    ref: Ref
    said: str


@dataclass
class House:
    """One book for many histories: each gets a person of its own, partner lists and pauses are everybody's."""

    store: SqliteStore
    clock: Clock
    identity: Identity
    judge: Judge
    retrace: Retrace
    named: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    began: datetime = START
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def do(self, *changes: Change) -> None:
        self.clock.moment += timedelta(milliseconds=1)
        await self.store.book.commit([Event(self.clock.moment, Kind.CONSENT, "changed")], changes)


async def open_house(folder: Path) -> House:
    clock = Clock()
    store = open_store(folder / "gateway.db", "test")
    identity = Identity(b"p" * 32, False)
    policy = read_policy("fr")
    assert isinstance(policy, Policy)
    await Adoption(store.book, clock).at_start({"fr": policy}, (), [Setup(stream, (), ("fr",)) for stream in STREAMS])
    judge = Judge(store.book, identity, {"fr": policy}, {}, clock)
    return House(store, clock, identity, judge, Retrace(store.book, store.journal, identity))


days = st.integers(-1200, 40)
"""So many days from the day a history begins."""
maybe = st.none() | days
DATES = ("collected_at", "confirmed_at", "acquired_at", "notice_sent_at")

records = st.fixed_dictionaries(
    {
        "purpose": st.sampled_from(["newsletter", "newsletter", "club"]),
        "audience": st.sampled_from(["consumer", "consumer", "professional", "legal-person"]),
        "basis": st.sampled_from(["consent", "consent", "legitimate-interest", "existing-customer"]),
        "source": st.sampled_from(["direct", "direct", "direct", "broker", "broker", "trade-fair", "unknown"]),
        "collected_at": maybe,
        "confirmed_at": st.none() | days,
        "acquired_at": maybe,
        "notice_sent_at": st.sampled_from([None, None, 0]),
        "function": st.sampled_from(["", "Achats", "compta"]),
        "partner_list_version": st.sampled_from(["", "1", "2"]),
        "product_family": st.sampled_from(["", "livres", "disques"]),
        "professional_proof": st.sampled_from(["", "card"]),
        "missing": st.sampled_from([(), (), (), ("wording",)]),
        "covers": st.sampled_from(["own", "own", "own", "partners", "tracking"]),
        "entity": st.sampled_from(["", "company", "sole-trader"]),
        "minor": st.sampled_from([False, False, False, False, True]),
        "parental": st.booleans(),
        "explicit": st.booleans(),
        "optout_offered": st.booleans(),
        "relation": st.none()
        | st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["purchase", "free-account", "inquiry", "contract"]),
                "at": maybe,
                "by": st.sampled_from(["", "", "other"]),
            }
        ),
    }
)
steps = st.one_of(
    st.tuples(st.just("learn"), records),
    st.tuples(st.just("learn"), records),
    st.tuples(st.just("oppose"), st.sampled_from(list(Block)), st.sampled_from(list(Scope)), st.sampled_from(["news", "club"])),
    st.tuples(st.just("lift"), st.sampled_from(list(Block)), st.sampled_from(list(Scope)), st.sampled_from(["news", "club"])),
    st.tuples(st.just("withdraw"), st.sampled_from(["", "newsletter", "club"])),
    st.tuples(st.just("notice"), st.sampled_from(["broker", "trade-fair"])),
    st.tuples(st.just("stir"), days),
    st.tuples(st.just("publish"), st.sampled_from(["1", "2"]), st.booleans()),
    st.tuples(st.just("pause"), st.sampled_from(["news", "club"]), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 400)),
    st.tuples(st.just("decide"), st.sampled_from(STREAMS)),
    st.tuples(st.just("decide"), st.sampled_from(STREAMS)),
)
histories = st.tuples(
    st.sampled_from(["camille", "contact"]),
    st.sampled_from(["client.example", "freemail.example"]),
    st.lists(steps, min_size=2, max_size=12),
)


async def live(house: House, local: str, domain: str, told: list[tuple[Any, ...]]) -> None:
    """Let one history happen, then have every decision of it again."""
    number, house.began = next(house.numbers), house.clock.moment
    for stream in sorted(house.paused):
        await happen(house, History(), PersonKey(bytes(16)), ("pause", stream, False), number)
    address = parse(f"{local}@n{number}.{domain}" if domain != "freemail.example" else f"{local}+{number}@{domain}")
    assert isinstance(address, Address)
    person, history, decided = house.identity.person(address), History(), []
    for step in [*told, ("decide", NEWS)]:
        if step[0] == "decide":
            decided.append(await decide(house, history, address, local, step[1]))
        elif step[0] == "wait":
            house.clock.moment += timedelta(days=step[1])
        else:
            await happen(house, history, person, step, number)
    for one in decided:
        again = await house.retrace.of(address, one.ref)
        assert not isinstance(again, Gone), again.sentence
        assert again.agrees
        assert word(again.explanation.verdict) == one.said
        then = await house.retrace.at(address, one.stream.name, one.at)
        assert not isinstance(then, Gone), then.sentence
        assert then.explanation.verdict == again.explanation.verdict


async def decide(house: House, history: History, address: Address, local: str, stream: Stream) -> Decided:
    house.clock.moment += timedelta(milliseconds=1)
    judgement = await house.judge.judge(stream, address)
    ref = await house.judge.record("test", stream, "tool", judgement)
    said = word(judgement.verdict)
    mail = Mail(
        stream.name,
        stream.purpose,
        stream.category is Category.TRANSACTIONAL,
        stream.sensitive,
        stream.double_optin,
        stream.relates_to,
        stream.product_families,
        address.role,
        address.domain,
        house.clock.now(),
        stream.name in house.paused,
        house.named,
    )
    assert answer(history, mail) == said, (judgement.verdict, history, mail)
    return Decided(stream, judgement.at, ref, said)


def word(verdict: object) -> str:
    return "yes" if isinstance(verdict, Allow) else "wait" if isinstance(verdict, Undecided) else "no"


async def happen(house: House, history: History, person: PersonKey, step: tuple[Any, ...], number: int) -> None:
    """One thing that happens to a person, told to the gateway and to the reference; each history has a broker of its own."""
    clock, broker = house.clock, f"broker{number}"
    match step:
        case ("learn", told):
            facts = dated(house, told) | {"source": broker if told["source"] == "broker" else told["source"]}
            consent = consent_of(person, facts, clock.now() + timedelta(milliseconds=1))
            newest = next((one for one in reversed(history.entries) if kind_of(one.facts) == kind_of(facts)), None)
            await house.do(Learn(consent, b"sealed"))
            if newest is None or newest.facts != facts:
                history.entries.append(Entry(facts, clock.now()))
        case ("oppose", block, scope, where):
            advertiser, stream = reach(scope, where)
            await house.do(Oppose(Opposition(person, block, scope, advertiser, stream, Door.LINK, clock.now())))
            history.stops[block.value, scope.value, stream or advertiser] = True
        case ("lift", block, scope, where):
            advertiser, stream = reach(scope, where)
            await house.do(Lift(person, block, scope, advertiser, stream))
            history.stops[block.value, scope.value, stream or advertiser] = False
        case ("withdraw", purpose):
            await house.do(Withdraw(person, "acme", purpose, clock.now() + timedelta(milliseconds=1)))
            history.withdraw(purpose, clock.now())
        case ("notice", source):
            source = broker if source == "broker" else source
            await house.do(GiveNotice(NoticeGiven(person, "acme", source, clock.now(), "t")))
            history.noticed.add(source)
        case ("stir", day):
            moment = house.began + timedelta(days=day)
            await house.do(Stir(person, "acme", moment))
            history.acted = max(filter(None, (history.acted, moment)))
        case ("publish", version, named):
            partners = (NamedPartner("acme", "ACME SAS", "https://acme.example/p"),) if named else ()
            await house.do(Publish(PartnerList(broker, version, clock.now(), partners)))
            house.named.setdefault((broker, version), tuple(one.name for one in partners))
        case ("pause", stream, on):
            await house.do(Pause(stream, clock.now(), "complaints") if on else Resume(stream))
            (house.paused.add if on else house.paused.discard)(stream)
        case _:
            raise AssertionError(step)


def dated(house: House, told: dict[str, Any]) -> dict[str, Any]:
    """A record with its days turned into instants of this history."""

    def moment(day: int | None) -> datetime | None:
        return None if day is None else house.began + timedelta(days=day)

    relation = told["relation"]
    return (
        told | {name: moment(told[name]) for name in DATES} | {"relation": relation and {**relation, "at": moment(relation["at"])}}
    )


def reach(scope: Scope, where: str) -> tuple[str, str]:
    return {Scope.ALL: ("", ""), Scope.ADVERTISER: ("acme", ""), Scope.STREAM: ("acme", where)}[scope]


def kind_of(facts: dict[str, Any]) -> tuple[object, ...]:
    return facts["purpose"], facts["basis"], facts["covers"]


def consent_of(person: PersonKey, facts: dict[str, Any], now: datetime) -> Consent:
    relation = facts["relation"]
    return Consent(
        person=person,
        advertiser="acme",
        purpose=facts["purpose"],
        audience=Audience(facts["audience"]),
        basis=Basis(facts["basis"]),
        source=facts["source"],
        collected_at=facts["collected_at"],
        action="ticked",
        wording="Oui",
        function=facts["function"],
        notice_sent_at=facts["notice_sent_at"],
        partner_list_version=facts["partner_list_version"],
        product_family=facts["product_family"],
        professional_proof=facts["professional_proof"],
        missing=facts["missing"],
        recorded_at=now,
        covers=Covers(facts["covers"]),
        acquired_at=facts["acquired_at"],
        confirmed_at=facts["confirmed_at"],
        relation=Relation(RelationKind(relation["kind"]), relation["at"], relation["by"]) if relation else None,
        traits=Traits(
            entity=Entity(facts["entity"]),
            minor=facts["minor"],
            parental=facts["parental"],
            explicit=facts["explicit"],
            optout_offered=facts["optout_offered"],
        ),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where the system offers that: each step of each history is a commit of its own."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as quick:
        yield Path(quick)


def run(folder: Path, begin: int, end: int) -> None:
    """The histories of these numbers, some hundreds to a book: published lists and rulings are everybody's, and would pile up."""
    for begun in range(begin, end, PART):
        part = begun // PART
        inside = folder / str(part)
        inside.mkdir()
        with asyncio.Runner() as runner:
            house = runner.run(open_house(inside))
            try:
                some(runner, house, part, min(PART, end - begun))
            finally:
                runner.run(house.store.close())


def some(runner: asyncio.Runner, house: House, part: int, examples: int) -> None:
    """The histories of one book, other ones in each part."""

    @seed(part)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(histories)
    def check(history: tuple[str, str, list[tuple[Any, ...]]]) -> None:
        runner.run(live(house, *history))

    checked: Callable[[], None] = check
    checked()


def test_every_decision_can_be_had_again(folder: Path) -> None:
    """R-FR-86, R-FR-92: a few hundred histories in every run."""
    run(folder, 0, 200)


@pytest.mark.slow
@pytest.mark.parametrize("tenth", range(10))
def test_every_decision_of_ten_thousand_histories_can_be_had_again(folder: Path, tenth: int) -> None:
    """R-FR-86: as many as the promise says, a tenth at a time so that both processors share them."""
    run(folder, MANY * tenth // 10, MANY * (tenth + 1) // 10)
