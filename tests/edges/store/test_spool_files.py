"""The spool's large bodies: never half a file behind a row, never a row that is sent with another's bytes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import apsw
import pytest

from gateway.core.model import Ref
from gateway.edges.store.spool import IN_ROW, SqliteSpool, open_spool
from gateway.flow.ports import Addressee, Envelope, Unavailable
from tests.support.people import NOON, at

ENVELOPE = Envelope("crm", "news", "", smtputf8=False, eight_bit=True)
LARGE = b"l" * (IN_ROW + 1)


def opened(folder: Path) -> SqliteSpool:
    return open_spool(folder / "spool-0.db", lambda: NOON)


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "spool-0.bodies").rglob("*") if path.is_file()]


async def keep(spool: SqliteSpool, message: bytes, *to: str) -> None:
    await spool.keep(ENVELOPE, message, [(Addressee(one), Ref("n1w0-1")) for one in to], NOON, at(60))


async def test_a_restart_makes_leased_mail_due_again(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await keep(spool, b"small", "ann@example.com")
    await keep(spool, LARGE, "bob@example.com")
    parcels = await spool.due(NOON, 10)
    await spool.postpone(parcels[0], at(1))
    await spool.close()
    spool = opened(tmp_path)
    assert [(one.addressee.address, one.message, one.attempts) for one in await spool.due(at(1), 10)] == [
        ("bob@example.com", LARGE, 0),
        ("ann@example.com", b"small", 1),
    ]
    assert spool.orphans == set()
    await spool.close()


async def test_small_bodies_are_rows_and_large_ones_private_files(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await keep(spool, b"s" * IN_ROW, "ann@example.com")
    assert files(tmp_path) == []
    await keep(spool, LARGE, "ann@example.com", "bob@example.com")
    (file,) = files(tmp_path)
    assert (file.parent.name, file.stat().st_mode & 0o777, file.read_bytes()) == ("new", 0o600, LARGE)
    assert file.parent.stat().st_mode & 0o777 == 0o700
    for parcel in await spool.due(NOON, 10):
        await spool.settle(parcel)
    assert files(tmp_path) == []
    await spool.close()


async def test_files_without_a_row_are_removed_at_the_start(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await keep(spool, LARGE, "ann@example.com")
    await spool.close()
    (known,) = files(tmp_path)
    (known.parent / "nobodys").write_bytes(b"x")
    (known.parent.parent / "tmp" / "half").write_bytes(b"x")
    spool = opened(tmp_path)
    assert files(tmp_path) == [known]
    await spool.close()


async def test_a_row_without_its_file_is_an_orphan_and_never_due(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await keep(spool, LARGE, "ann@example.com")
    await keep(spool, b"small", "bob@example.com")
    await spool.close()
    files(tmp_path)[0].unlink()
    spool = opened(tmp_path)
    assert len(spool.orphans) == 1
    assert [one.message for one in await spool.due(NOON, 10)] == [b"small"]
    assert await spool.depth() == 2
    await spool.close()


async def test_a_damaged_body_is_not_sent(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await keep(spool, LARGE, "ann@example.com", "bob@example.com")
    await keep(spool, b"small", "ann@example.com")
    files(tmp_path)[0].write_bytes(b"m" + LARGE[1:])
    assert [one.message for one in await spool.due(NOON, 10)] == [b"small"]
    assert len(spool.orphans) == 1
    assert await spool.next_due() is None
    await spool.close()


async def test_a_message_that_could_not_be_kept_leaves_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    other = apsw.Connection(str(tmp_path / "spool-0.db"))
    other.execute("CREATE TRIGGER full BEFORE INSERT ON parcel BEGIN SELECT RAISE(ABORT, 'no'); END")
    ends = await asyncio.gather(keep(spool, LARGE, "ann@example.com"), return_exceptions=True)
    assert isinstance(ends[0], Exception)
    assert files(tmp_path) == []
    assert spool._database.rows("SELECT count(*) FROM message") == [(0,)]
    other.close()
    await spool.close()


async def test_a_body_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for folder in ("tmp", "new"):
        (tmp_path / "spool-0.bodies" / folder).rmdir()
    with pytest.raises(Unavailable, match="spool"):
        await keep(spool, LARGE, "ann@example.com")
    assert await spool.depth() == 0
    await spool.close()


async def test_the_room_left_is_looked_up_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    statvfs = os.statvfs

    def counted(path: Path) -> os.statvfs_result:
        asked.append(path)
        return statvfs(path)

    monkeypatch.setattr("os.statvfs", counted)
    seconds = 5.0
    spool = open_spool(tmp_path / "spool-0.db", lambda: NOON, lambda: seconds)
    first = spool.free_bytes()
    seconds = 5.9
    assert spool.free_bytes() == first > 0
    assert len(asked) == 1
    seconds = 6.0
    spool.free_bytes()
    assert len(asked) == 2
    await spool.close()
