"""A provider that replaces our way out is found out by a message that came through it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.canary import Seen, seen
from gateway.core.task import TaskKind
from gateway.core.token import mint
from gateway.flow.canary import NOBODY, PREFIX, Canary, address_of
from tests.support.doors import GONE_TOKEN, KEYS, LETTER, OFFERS, PROBE_TOKEN, TOKEN, Doors

OWN = f"<https://stop.example/u/{TOKEN}>, <mailto:u-{TOKEN}@back.example?subject=unsubscribe>"
THEIRS = "<https://provider.example/unsubscribe/123>"
POST = "List-Unsubscribe=One-Click"


def letter(way: str | None = OWN, post: str | None = POST) -> bytes:
    fields = ["From: Acme <news@acme.example>", "Subject: News"]
    fields += [f"List-Unsubscribe: {way}"] if way is not None else []
    fields += [f"List-Unsubscribe-Post: {post}"] if post is not None else []
    return "\r\n".join([*fields, "", f"Hello\r\nList-Unsubscribe: {THEIRS}", ""]).encode()


def looking(doors: Doors) -> Canary:
    return Canary(doors.book, doors.book, doors.way_back(), "https://stop.example", "back.example", doors.clock, doors.lines)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (letter(), Seen.INTACT),
        (letter(OWN.replace(", ", ",\r\n ")), Seen.INTACT),
        (letter(OWN.partition(",")[0]), Seen.INTACT),
        (letter(post="list-unsubscribe=one-click"), Seen.INTACT),
        (letter().replace(b"\r\n", b"\n"), Seen.INTACT),
        (letter(None), Seen.LOST),
        (letter("nothing in brackets"), Seen.LOST),
        (letter(THEIRS), Seen.REPLACED),
        (letter(OWN.replace(TOKEN, TOKEN[:-1] + "a")), Seen.REPLACED),
        (letter(OWN.replace("stop.example", "stop.example.evil.example").partition(",")[0]), Seen.REPLACED),
        (letter(f"{OWN}, {THEIRS}"), Seen.JOINED),
        (letter(f"{OWN}\r\nList-Unsubscribe: {THEIRS}"), Seen.JOINED),
        (letter(post=None), Seen.NO_ONE_CLICK),
        (letter(post="List-Unsubscribe=Two-Clicks"), Seen.NO_ONE_CLICK),
        (b"", Seen.LOST),
    ],
)
async def test_how_our_way_out_arrived_is_seen(data: bytes, found: Seen) -> None:
    """R-STD-31."""
    doors = Doors()
    assert await looking(doors).take(LETTER, data) is found
    assert [event.outcome for event in doors.book.events] == ["canary"]
    assert len(await doors.book.tasks()) == (found is not Seen.INTACT)


async def test_somebody_is_set_to_work_once_for_each_fault() -> None:
    doors = Doors()
    canary = looking(doors)
    for _ in range(3):
        await canary.take(LETTER, letter(THEIRS))
    (task,) = await doors.book.tasks()
    assert (task.kind, task.stream, task.advertiser, task.asks) == (
        TaskKind.PROVIDER,
        LETTER.name,
        "acme",
        ("replaced", "provider"),
    )
    await canary.take(OFFERS, letter(THEIRS))
    await canary.take(LETTER, letter(None))
    assert len(await doors.book.tasks()) == 3


def test_a_canary_address_names_its_stream_and_nobody() -> None:
    doors = Doors()
    local, _, domain = address_of(LETTER, KEYS, "back.example").partition("@")
    assert (local[:2], len(local) <= 64, domain) == (PREFIX, True, "back.example")
    canary = looking(doors)
    assert canary.stream_of(local.removeprefix(PREFIX)) == LETTER
    for token in (TOKEN, GONE_TOKEN, PROBE_TOKEN, "x" * 56, mint(KEYS, 4242, NOBODY)):
        assert canary.stream_of(token) is None


@given(st.binary(max_size=400))
def test_any_octets_can_be_looked_at(data: bytes) -> None:
    assert seen(b"List-Unsubscribe: " + data, lambda uri: len(uri) % 2 == 0) in Seen
