"""What an administrator does by hand is recorded, bounded, and never brings an opposed person back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.core.address import Identity
from gateway.core.change import Enlist, Oppose, Tell, Withdraw
from gateway.core.evidence import Kind as What
from gateway.core.model import Advertiser, Category, Partner, RefusalMode, Stream
from gateway.core.record import Block, Door, Opposition, Scope
from gateway.core.token import stream_number
from gateway.flow.administer import Administer, Lifted, Reach, Refused
from gateway.flow.intake import Row, Tally, take_in
from gateway.flow.opposition_list import Columns, OppositionReader, find_columns
from gateway.flow.subject import Subject, detect, of_address, of_domain, of_hash
from tests.support.book import MemoryBook
from tests.support.clock import StillClock

ACME = Advertiser("acme", "Acme SAS", "1 rue X, Paris", "contact@acme.example", "https://acme.example/p", "", ("acme.example",))
OTHER = replace(ACME, name="other", legal_name="Other SAS")
IDENTITY = Identity(b"p" * 32)
PARTNER = Partner("friend", "Friend SARL", "", "", provides=True, receives=True)
ACME_ONLY = Reach(Scope.ADVERTISER, "acme")


def stream(name: str, advertiser: Advertiser = ACME) -> Stream:
    return Stream(name, stream_number(name), advertiser, Category.MARKETING, name, "fr", "out", RefusalMode.REJECT, "fr", ())


STREAMS = {"news": stream("news"), "sales": stream("sales"), "elsewhere": stream("elsewhere", OTHER)}


@pytest.fixture
def book() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def admin(book: MemoryBook) -> Administer:
    return Administer(book, IDENTITY, STREAMS, {"friend": PARTNER}, StillClock())


def person(text: str = "marie@example.com") -> Subject:
    found = of_address(IDENTITY, text)
    assert isinstance(found, Subject)
    return found


async def test_secret_is_shown_once_and_stored_hashed(book: MemoryBook, admin: Administer) -> None:
    assert await admin.tool_add("crm", ["news"], None, lambda: "planted-secret") == "planted-secret"
    (enlisted,) = book.changes
    assert isinstance(enlisted, Enlist)
    assert enlisted.tool.secret_sha256 == hashlib.sha256(b"planted-secret").digest()
    assert "planted-secret" not in repr(book)


@pytest.mark.parametrize(
    ("name", "streams"), [("CRM", ["news"]), ("a+b", ["news"]), ("", ["news"]), ("crm", []), ("crm", ["nowhere"])]
)
async def test_a_tool_that_could_not_log_in_is_refused(book: MemoryBook, admin: Administer, name: str, streams: list[str]) -> None:
    assert isinstance(await admin.tool_add(name, streams, None, lambda: "s"), Refused)
    assert not book.changes


async def test_a_living_tool_is_not_replaced_but_a_revoked_one_may_come_back(admin: Administer) -> None:
    await admin.tool_add("crm", ["news"], None, lambda: "one")
    assert isinstance(await admin.tool_add("crm", ["news"], None, lambda: "two"), Refused)
    await admin.tool_revoke("crm")
    assert await admin.tool_add("crm", ["news"], None, lambda: "two") == "two"


async def test_a_revoked_tool_keeps_its_name_in_the_list(admin: Administer) -> None:
    await admin.tool_add("crm", ["news"], None, lambda: "s")
    await admin.tool_revoke("crm")
    (tool,) = await admin.tools()
    assert tool.revoked_at is not None
    assert isinstance(await admin.tool_revoke("crm"), Refused)
    assert isinstance(await admin.tool_revoke("nobody"), Refused)


async def test_an_opposition_withdraws_consents_and_is_told_to_partners(book: MemoryBook, admin: Administer) -> None:
    await admin.oppose(person(), ACME_ONLY, Door.PHONE, "called on Monday")
    assert [type(change) for change in book.changes] == [Oppose, Withdraw, Tell]
    (event,) = book.events
    assert (event.kind, event.door, event.advertiser, event.stream) == (What.OPPOSITION, "phone", "acme", "")
    assert "called on Monday" in event.detail


async def test_no_address_reaches_the_evidence(book: MemoryBook, admin: Administer) -> None:
    assert isinstance(await admin.oppose(person(), ACME_ONLY, Door.CLI, "marie@example.com rang"), Refused)
    await admin.oppose(person(), ACME_ONLY, Door.CLI)
    await admin.oppositions_of(person())
    await admin.lift(person(), "typing error")
    assert "example.com" not in repr(book.events)


def test_scope_not_stated_is_the_advertiser(admin: Administer) -> None:
    assert admin.reach(None, "acme", "") == ACME_ONLY
    assert admin.reach(None, "", "news") == Reach(Scope.STREAM, "acme", "news")
    assert admin.reach(Scope.ALL, "", "") == Reach(Scope.ALL)


def test_a_reach_that_names_nobody_is_refused(admin: Administer) -> None:
    for scope, advertiser, name in ((None, "", ""), (None, "nobody", ""), (Scope.STREAM, "acme", ""), (None, "", "nowhere")):
        assert isinstance(admin.reach(scope, advertiser, name), Refused)


async def test_a_whole_domain_can_oppose(book: MemoryBook, admin: Administer) -> None:
    domain = of_domain(IDENTITY, "@Example.COM")
    assert isinstance(domain, Subject)
    await admin.oppose(domain, Reach(Scope.ALL), Door.POST)
    assert [type(change) for change in book.changes] == [Oppose]
    marie = person().address
    assert marie is not None
    (facts,) = await book.facts("acme", [IDENTITY.who(marie, hashes=False)])
    assert facts.oppositions


async def test_a_foreign_hash_stops_the_person_behind_it(book: MemoryBook, admin: Administer) -> None:
    hashed = of_hash(IDENTITY, hashlib.md5(b"marie@example.com").hexdigest())
    assert hashed is not None
    await admin.oppose(hashed, ACME_ONLY, Door.IMPORT)
    marie = person("Marie@EXAMPLE.com").address
    assert marie is not None
    (facts,) = await book.facts("acme", [IDENTITY.who(marie, hashes=await book.has_hashes())])
    assert facts.oppositions


async def test_lifting_needs_a_reason_and_leaves_a_trace(book: MemoryBook, admin: Administer) -> None:
    await admin.oppose(person(), ACME_ONLY, Door.CLI)
    assert isinstance(await admin.lift(person(), "  "), Refused)
    done = await admin.lift(person(), "typed the wrong address")
    assert isinstance(done, Lifted)
    assert len(done.lifted) == 1
    assert book.events[-1].kind is What.LIFT
    assert "typed the wrong address" in book.events[-1].detail
    assert not await book.oppositions()


async def test_lifting_one_person_leaves_the_domains_opposition(admin: Administer) -> None:
    domain = of_domain(IDENTITY, "example.com")
    assert isinstance(domain, Subject)
    await admin.oppose(domain, Reach(Scope.ALL), Door.POST)
    assert isinstance(await admin.lift(person(), "asked"), Refused)
    await admin.oppose(person(), ACME_ONLY, Door.CLI)
    done = await admin.lift(person(), "asked")
    assert isinstance(done, Lifted)
    assert [one.person for one in done.standing] == [domain.key]


async def test_lifting_a_dead_mailbox_keeps_the_persons_will(book: MemoryBook, admin: Administer) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    bounced = Opposition(person().key, Block.BOUNCED, Scope.ADVERTISER, "acme", "", Door.BOUNCE, now)
    await book.commit([], [Oppose(bounced)])
    await admin.oppose(person(), ACME_ONLY, Door.CLI)
    await admin.lift(person(), "mailbox works again", [Block.BOUNCED])
    assert [one.block for one in await book.oppositions()] == [Block.OPPOSED]


async def test_a_look_into_a_persons_file_is_recorded(book: MemoryBook, admin: Administer) -> None:
    await admin.oppositions_of(person(), "request of the person")
    assert [(event.kind, event.person) for event in book.events] == [(What.LOOK, person().key.hex())]


# Lists


def rows(*cells: str) -> list[Row]:
    return [Row(number, (cell,)) for number, cell in enumerate(cells, 2)]


async def take(
    book: MemoryBook, admin: Administer, given: list[Row], columns: Columns | None = None
) -> tuple[Tally, list[tuple[int, str]]]:
    rejected: list[tuple[int, str]] = []
    reader = OppositionReader(book, IDENTITY, admin, columns or Columns(0, domains=False, header=True), ACME_ONLY)
    total = Tally()
    async for tally in take_in(book, StillClock(), reader, given, "0" * 64, lambda row, why: rejected.append((row.line, why))):
        total = tally
    return total, rejected


async def test_a_list_mixes_addresses_hashes_and_domains(book: MemoryBook, admin: Administer) -> None:
    sha = hashlib.sha256(b"paul@example.org").hexdigest().upper()
    tally, rejected = await take(book, admin, rows("Marie@Example.com", sha, "@example.net"))
    assert (tally.recorded, rejected) == (3, [])
    for text in ("marie@example.com", "paul@example.org", "any@sub.example.net"):
        address = person(text).address
        assert address is not None
        (facts,) = await book.facts("acme", [IDENTITY.who(address, hashes=True)])
        assert facts.oppositions, text


async def test_importing_a_list_again_changes_nothing(book: MemoryBook, admin: Administer) -> None:
    await take(book, admin, rows("a@example.com", "b@example.com", "A@example.com"))
    before = list(book.changes)
    tally, _ = await take(book, admin, rows("a@example.com", "b@example.com", "A@example.com"))
    assert (tally.recorded, tally.known) == (0, 3)
    assert book.changes == before


async def test_rows_that_name_nobody_are_rejected_with_their_line(book: MemoryBook, admin: Administer) -> None:
    tally, rejected = await take(book, admin, [*rows("a@example.com", "nobody"), Row(9, ("x",), "a quote is never closed")])
    assert (tally.recorded, tally.rejected, tally.line) == (1, 2, 9)
    assert [line for line, _ in rejected] == [3, 9]


async def test_an_opposition_is_never_refused_for_its_date(book: MemoryBook, admin: Administer) -> None:
    columns = Columns(0, domains=False, header=True, at=1)
    given = [
        Row(2, ("a@example.com", "2020-05-01")),
        Row(3, ("b@example.com", "yesterday")),
        Row(4, ("c@example.com", "2999-01-01")),
    ]
    tally, _ = await take(book, admin, given, columns)
    now = StillClock().now()
    assert tally.recorded == 3
    assert [one.at for one in await book.oppositions()] == [datetime(2020, 5, 1, tzinfo=UTC), now, now]


async def test_each_thousand_rows_are_one_commit_that_names_its_line(book: MemoryBook, admin: Administer) -> None:
    await take(book, admin, rows(*(f"u{number}@example.com" for number in range(2500))))
    marks = [event.detail for event in book.events if event.kind is What.IMPORT]
    assert [detail.split("; ")[1] for detail in marks] == ["line=1001", "line=2001", "line=2501"]


@pytest.mark.parametrize(
    ("first", "who", "header"),
    [
        (("name", "E-mail"), 1, True),
        (("Email Address",), 0, True),
        (("adresse_e-mail", "date"), 0, True),
        (("MD5",), 0, True),
        (("Paul", "paul@example.com"), 1, False),
        (("d41d8cd98f00b204e9800998ecf8427e",), 0, False),
    ],
)
def test_the_column_of_people_is_found(first: tuple[str, ...], who: int, header: bool) -> None:
    found = find_columns(IDENTITY, first)
    assert isinstance(found, Columns)
    assert (found.who, found.header) == (who, header)


def test_a_list_of_nobody_is_refused() -> None:
    assert isinstance(find_columns(IDENTITY, ("name", "town")), Refused)


def test_a_cell_is_an_address_a_hash_or_a_domain() -> None:
    for text in ("a@example.com", " <A@Example.com> ", "@example.com", "d41d8cd98f00b204e9800998ecf8427e", "0" * 64):
        assert isinstance(detect(IDENTITY, text), Subject), text
    for text in ("", "a", "a@b", "0" * 31, "xyz" * 10 + "zz"):
        assert not isinstance(detect(IDENTITY, text), Subject), text


async def test_exports_hold_no_address_and_are_recorded(book: MemoryBook, admin: Administer) -> None:
    await admin.oppose(person(), ACME_ONLY, Door.CLI)
    assert "example.com" not in repr(await admin.export_oppositions())
    assert book.events[-1].kind is What.EXPORT
