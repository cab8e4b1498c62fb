"""Whoever edits the journal's file leaves a trace that `verify` finds, or the next start refuses."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from gateway.core.evidence import verify
from gateway.edges.store.connection import Refused
from gateway.edges.store.sqlite import open_store
from tests.support.people import event, person

Heads = list[tuple[str, int, bytes]]


@pytest.fixture
async def exported(tmp_path: Path) -> Heads:
    """The heads of a journal of ten entries, as kept elsewhere."""
    store = open_store(tmp_path / "gateway.db", "n1w0")
    await store.book.commit([event(number, person(number)) for number in range(10)])
    heads = list(await store.journal.heads())
    await store.close()
    return heads


def tamper(folder: Path, *statements: str) -> None:
    file = apsw.Connection(str(folder / "gateway.db"))
    for statement in statements:
        file.execute(statement)
    file.close()


async def breaks(folder: Path, heads: Heads) -> int:
    store = open_store(folder / "gateway.db", "auditor")
    found = verify([one async for one in store.journal.entries()], heads)
    await store.close()
    return len(found)


async def test_an_untouched_journal_verifies(tmp_path: Path, exported: Heads) -> None:
    assert await breaks(tmp_path, exported) == 0


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE entry SET body = replace(body, 'allow', 'never') WHERE seq = 5"],
        ["UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'allow', 'never') AS BLOB) WHERE seq = 5"],
        ["UPDATE entry SET hash = zeroblob(32) WHERE seq = 10"],
        ["DELETE FROM entry WHERE seq = 5"],
        ["DELETE FROM entry WHERE seq = 1"],
        ["DELETE FROM entry WHERE seq >= 9"],
        ["DELETE FROM entry"],
        [
            "UPDATE entry SET seq = -1 WHERE seq = 4",
            "UPDATE entry SET seq = 4 WHERE seq = 5",
            "UPDATE entry SET seq = 5 WHERE seq = -1",
        ],
        ["UPDATE entry SET writer = 'n9w9' WHERE seq = 5"],
        ["INSERT INTO entry SELECT writer, 11, body, hash, at, person FROM entry WHERE seq = 10"],
    ],
)
async def test_every_edit_is_found(tmp_path: Path, exported: Heads, statements: list[str]) -> None:
    try:
        tamper(tmp_path, *statements)
    except apsw.ConstraintError:
        return  # STRICT does not even take text for bytes
    assert await breaks(tmp_path, exported) > 0


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry WHERE seq = 10",
        "DELETE FROM head",
        "UPDATE head SET seq = 9",
        "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'allow', 'never') AS BLOB) WHERE seq = 10",
    ],
)
async def test_a_writer_does_not_go_on_from_an_end_that_was_changed(tmp_path: Path, exported: Heads, statement: str) -> None:
    tamper(tmp_path, statement)
    with pytest.raises(Refused, match="journal n1w0"):
        open_store(tmp_path / "gateway.db", "n1w0")
