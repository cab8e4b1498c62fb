"""`gateway kept`: what only a person can answer is listed unopened, read with a reason, and thrown away on record."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from gateway.core.change import KeepForPerson
from gateway.edges.keys import KeyRing
from gateway.edges.store.sqlite import open_store
from tests.commands.conftest import House

MAIL = b"Return-Path: <claire@example.org>\r\nFrom: claire@example.org\r\n\r\nVos machines nous ecrivent.\r\n"


def kept(house: House, mailbox: str = "abuse") -> None:
    """A mail, as the inbound listener would have kept it."""
    ring = KeyRing.open(house.folder / "var" / "keys", may_create=True)

    async def keep() -> None:
        store = open_store(house.folder / "var" / "gateway.db", "test")
        try:
            await store.book.commit((), (KeepForPerson(mailbox, ring.vault.seal(MAIL), datetime.now(UTC)),))
        finally:
            await store.close()

    asyncio.run(keep())


def test_what_is_kept_is_listed_unopened(house: House) -> None:
    """R-STD-71."""
    kept(house)
    kept(house, "postmaster")
    assert [(row["mail"], row["mailbox"]) for row in house.json("kept", "list")] == [(1, "abuse"), (2, "postmaster")]
    (row,) = house.json("kept", "list", "--mailbox", "postmaster")
    assert "@" not in str(row)


def test_reading_it_needs_a_reason_and_leaves_a_trace(house: House) -> None:
    """R-STD-71, R-DP-20."""
    kept(house)
    house.gateway("kept", "show", "1", code=2)
    house.gateway("kept", "show", "1", "--reason", " ", code=1)
    house.gateway("kept", "show", "1", "--reason", "for claire@example.org", code=1)
    shown = house.gateway("kept", "show", "1", "--reason", "a report of abuse")
    assert b"Vos machines nous ecrivent." in shown.stdout.encode()
    assert "reason=a report of abuse" in house.gateway("journal", "show", "--json").stdout


def test_what_is_dealt_with_is_gone(house: House) -> None:
    """R-STD-71."""
    kept(house)
    assert house.json("kept", "discard", "1", "--note", "answered") == [{"mail": 1, "mailbox": "abuse", "state": "discarded"}]
    assert house.json("kept", "list") == []
    house.gateway("kept", "discard", "1", code=1)
    house.gateway("kept", "show", "1", "--reason", "x", code=1)
