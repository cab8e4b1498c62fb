"""A store with something in every table, put there through the ports as journeys do: `await fill(book)`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gateway.core.change import (
    Accept,
    Adopt,
    Alarmed,
    Change,
    Count,
    Enlist,
    Enrol,
    Errand,
    Forget,
    ForgetWithdrawn,
    GiveNotice,
    IssueKey,
    KeepForPerson,
    KeepOwnUnsubscribe,
    KeepRoutes,
    Learn,
    Lift,
    MoveCursor,
    NoteDone,
    NotePassing,
    NoteSoft,
    OpenTask,
    Oppose,
    Pause,
    Publish,
    Remember,
    Resume,
    Stir,
    TakeBackNotice,
    Tell,
    TryAgain,
    Withdraw,
)
from gateway.core.model import PersonKey, RefusalMode, Tool
from gateway.core.record import (
    ApiKey,
    Block,
    Covers,
    Door,
    Enrolment,
    Entity,
    NamedPartner,
    NoticeKind,
    PartnerList,
    Proof,
    Relation,
    RelationKind,
    Ruling,
    Scope,
    Traits,
    Transfer,
)
from gateway.core.task import SoftRun, Task, TaskKind
from gateway.flow.ports import Book
from tests.support.people import NOON, PARIS, at, consent, event, notice, opposition, person

PEOPLE = tuple(person(number) for number in range(1, 13))
ANN, BOB, CLO, DAN, EVE, FAY = PEOPLE[:6]
NOWHERE = PersonKey(b"")
WHOLE = consent(
    ANN,
    covers=Covers.PARTNERS,
    acquired_at=PARIS,
    confirmed_at=at(1),
    relation=Relation(RelationKind.PURCHASE, PARIS, "other", at(3)),
    traits=Traits("FR", Entity.SOLE_TRADER, explicit=True),
    proof=Proof("w-7", "https://shop.example/join", "crm", "batch-3", "full", "fr", PARIS),
    wording="Oui \N{BUTTERFLY} – 'quoted'",
)
FRIENDS = (NamedPartner("friend", "Friend SA", "https://friend.example/privacy"),)


def _task(number: str, who: PersonKey, **more: object) -> Task:
    return Task(number * 16, TaskKind.UNCLEAR, who, "acme", "news", ("access",), "read", NOON, at(60), b"mail", **more)  # type: ignore[arg-type]


def steps() -> Sequence[Sequence[Change]]:
    """The commits, in order; notes get the numbers 1 to 4."""
    return (
        [Learn(WHOLE, b"ann"), Learn(consent(BOB, advertiser="other", missing=("wording", "batch")), b"")],
        [Learn(consent(who), b"sealed" + who[:3]) for who in PEOPLE],
        [Learn(consent(CLO, wording=""), b"clo"), Learn(consent(CLO, purpose="offers", collected_at=None), b"clo")],
        [Withdraw(BOB, "acme", "", PARIS), Withdraw(CLO, "acme", "offers", at(2))],
        [Oppose(opposition(who, door=Door.API, at=at(number))) for number, who in enumerate(PEOPLE[3:])],
        [Oppose(opposition(ANN, scope=Scope.STREAM, stream="news", at=at(9)))],
        [Oppose(opposition(ANN, scope=Scope.STREAM, stream="news", at=at(8), door=Door.REPLY))],
        [Oppose(opposition(person(99), block=Block.COMPLAINED, scope=Scope.ALL, advertiser=""), foreign_hash=True)],
        [Lift(EVE, Block.OPPOSED, Scope.ADVERTISER, "acme", "")],
        [GiveNotice(notice(ANN)), GiveNotice(notice(BOB, kind=NoticeKind.STAY, source=""))],
        [GiveNotice(notice(BOB, kind=NoticeKind.STAY, source="", at=at(5))), GiveNotice(notice(CLO))],
        [TakeBackNotice(notice(CLO))],
        [Stir(ANN, "acme", NOON), Stir(BOB, "acme", NOON)],
        [Stir(ANN, "acme", at(7))],
        [Publish(PartnerList("acme", "2026-01", NOON, FRIENDS, "first")), Publish(PartnerList("other", "1", NOON, (), ""))],
        [Publish(PartnerList("acme", "2026-02", at(1), (), "none left"))],
        [Pause("news", NOON, "complaints"), Pause("sales", at(1), "by hand")],
        [Resume("news")],
        [Forget(PEOPLE[9]), Forget(PEOPLE[10], "acme")],
        [ForgetWithdrawn(CLO, at(9))],
        *_office(),
        *_way_back(),
    )


def _office() -> Sequence[Sequence[Change]]:
    day = timedelta(days=1)
    waiting = Enrolment(b"e" * 32, FAY, "news", (consent(FAY),), b"fay", NOON, NOON + day)
    return (
        [NotePassing(Transfer(ANN, "acme", "friend", "newsletter", "2026-01", at(number))) for number in range(3)],
        [NotePassing(Transfer(BOB, "acme", "other", "", "", NOON))],
        [Enrol(waiting), Enrol(Enrolment(b"f" * 32, BOB, "news", (), b"", NOON, NOON + day, at(1), at(2)))],
        [Adopt(Ruling("pack", "fr", label, "{}", PARIS, "dpo", "why")) for label in ("fr@1", "fr@2", "fr@1")],
        [IssueKey(ApiKey("crm", b"k" * 32, ("oppose", "read"), ("acme",), NOON, PARIS, None))],
        [IssueKey(ApiKey("old", b"o" * 32, (), (), NOON, None, at(1)))],
        [Enlist(Tool("odoo", b"t" * 32, ("news", "sales"), RefusalMode.WITHHOLD, NOON, None))],
        [Enlist(Tool("mautic", b"m" * 32, ("news",), None, PARIS, at(1)))],
        [Count("news", "example.com", what, at(number)) for what in ("delivered", "complained") for number in (0, 1, 61)],
        [Accept(bytes([number]) * 32, at(number)) for number in (7, 99, 255)],
        [KeepOwnUnsubscribe(ANN, "news", b"<mailto:x>", NOON), KeepForPerson("postmaster", b"sealed mail", NOON)],
        [KeepForPerson("abuse", bytes(range(256)), at(1))],
    )


def _way_back() -> Sequence[Sequence[Change]]:
    return (
        [Tell("friend", ANN, "acme", Scope.ADVERTISER, NOON), Tell("other", BOB, "acme", Scope.ALL, at(1))],
        [Tell("news", ANN, "acme", Scope.STREAM, at(2), Errand.TOOL), Tell("friend", FAY, "other", Scope.ADVERTISER, at(3))],
        [TryAgain(1, at(30), "timeout"), Alarmed(1, 24), TryAgain(2, at(40), "refused")],
        [NoteDone(2, at(50), "receipt-2"), NoteDone(4, at(51), "given up", done=False)],
        [OpenTask(_task("1", ANN)), OpenTask(_task("2", NOWHERE, reminded_at=at(1))), OpenTask(_task("3", PEOPLE[9]))],
        [OpenTask(_task("2", NOWHERE, closed_at=at(9), closed_by="dpo", outcome="answered", told_at=at(4)))],
        [Forget(PEOPLE[9])],
        [KeepRoutes(ANN, "news", b"route", NOON), KeepRoutes(BOB, "sales", b"\x00\xff", at(1))],
        [NoteSoft(ANN, "acme", SoftRun(3, NOON, at(9))), NoteSoft(BOB, "acme", SoftRun(1, NOON, NOON))],
        [NoteSoft(BOB, "acme", None), Remember(b"once", NOON), Remember(bytes(range(40)), at(3))],
        [MoveCursor("imap:box", "42"), MoveCursor("provider", "2026-03-01T00:00:00Z"), MoveCursor("imap:box", "43")],
    )


async def fill(book: Book) -> None:
    """Make every commit, each with evidence about somebody and about nobody."""
    for number, changes in enumerate(steps()):
        await book.commit([event(number, PEOPLE[number % 5]), event(number)], changes)
