"""The archive in a bucket: the real client against a service on loopback that checks signatures, digests and preconditions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.edges.archive.bucket import Bucket, BucketConfig
from gateway.edges.archive.shelf import Taken
from gateway.edges.archive.shelved import ShelvedArchive
from gateway.edges.store.sqlite import open_store
from gateway.flow.archive_ports import Damaged
from gateway.flow.archiving import Archiving, Plan
from gateway.flow.ports import Unavailable
from gateway.flow.whole_journal import WholeJournal
from tests.support.clock import StillClock
from tests.support.people import at, event, person
from tests.support.s3 import BUCKET, KEY, REGION, SECRET, Service, s3

ROOT = Path(__file__).resolve().parents[2]
CLOCK = StillClock(at(60 * 24 * 40))


@pytest.fixture
def service() -> Iterator[Service]:
    """The service, empty."""
    with s3() as running:
        yield running


def config(service: Service) -> BucketConfig:
    return BucketConfig(BUCKET, REGION, service.endpoint, "gateway/evidence", KEY, SECRET)


async def test_a_journal_is_archived_read_and_proven_in_a_bucket(service: Service, tmp_path: Path) -> None:
    store = open_store(tmp_path / "gateway.db", "gw0.n1")
    await store.book.commit([event(number, person(number % 8)) for number in range(3000)])
    before = [entry async for entry in store.journal.entries()]
    theirs = await store.journal.of_person(person(5))
    archive = ShelvedArchive(Bucket(config(service)))
    done = await Archiving(store.book, store.journal, archive, CLOCK).run(Plan(at(2500), most=1000))
    assert (done.entries, done.trimmed) == (2500, 2500)
    assert all(key.startswith("gateway/evidence/") for key in service.objects)
    journal = WholeJournal(store.journal, ShelvedArchive(Bucket(config(service))))
    assert [entry async for entry in journal.entries()][:3000] == before
    assert await journal.of_person(person(5)) == theirs
    assert (await journal.verify()).breaks == ()
    (name,) = [key for key in service.objects if key.endswith(f"-{2000:019}.jsonl.gz")]
    service.objects[name] = service.objects[name][:-9] + b"\x55" + service.objects[name][-8:]
    assert next(found.seq for found in (await journal.verify()).breaks) == 1001
    await store.close()


async def test_nothing_is_written_over_and_a_lost_answer_is_no_conflict(service: Service, tmp_path: Path) -> None:
    bucket = Bucket(config(service))
    await bucket.put("manifest/1.json", b"one")
    with pytest.raises(Taken):
        await bucket.put("manifest/1.json", b"two")
    assert await bucket.get("manifest/1.json") == b"one"
    store = open_store(tmp_path / "gateway.db", "gw0")
    await store.book.commit([event(number) for number in range(100)])
    service.lose_answers = 3  # content, index and manifest: each is written, and then asked for again
    done = await Archiving(store.book, store.journal, ShelvedArchive(bucket), CLOCK).run(Plan(at(200)))
    assert (done.entries, service.lose_answers) == (100, 0)
    assert [run.label for run in await ShelvedArchive(bucket).runs()] == ["gw0-1..100"]
    await store.close()


async def test_a_list_of_many_pages_is_read_to_its_end(service: Service) -> None:
    bucket = Bucket(config(service))
    names = [f"manifest/{number:08}.json" for number in range(30)]
    for name in names:
        await bucket.put(name, b"x")
    assert await bucket.names("manifest") == names
    await bucket.remove(names[3])
    assert await bucket.names("manifest") == [*names[:3], *names[4:]]
    assert await bucket.names("journal") == []


async def test_a_passing_failure_is_tried_again_and_a_lasting_one_is_said(service: Service) -> None:
    bucket = Bucket(config(service))
    await bucket.put("a", b"0123456789")
    service.fail[:] = [503, 500]
    assert await bucket.parts("a", [(0, 2), (8, 10)]) == [b"01", b"89"]
    service.fail[:] = [503] * 10
    with pytest.raises(Unavailable, match="archive: the bucket"):
        await bucket.get("a")


async def test_what_is_wrong_is_said_without_link_or_key(service: Service) -> None:
    sound = config(service)
    said = []
    for wrong in (
        replace(sound, secret="not it"),
        replace(sound, access_key="nobody"),
        replace(sound, bucket="another"),
        replace(sound, endpoint="http://127.0.0.1:9"),
    ):
        with pytest.raises(Unavailable) as caught:
            await Bucket(wrong).names("manifest")
        said.append(caught.value.what)
    assert said == [
        "archive: the bucket does not admit these credentials",
        "archive: the bucket does not admit these credentials",
        "archive: there is no such bucket",
        "archive: the bucket cannot be reached",
    ]
    with pytest.raises(Unavailable, match="archive: there is no such bucket"):
        await Bucket(replace(sound, bucket="another")).get("a")
    with pytest.raises(Unavailable, match="archive: there is no such bucket"):
        await Bucket(replace(sound, bucket="another")).put("a", b"12")
    with pytest.raises(Damaged, match="archive: a is missing"):
        await Bucket(sound).get("a")
    await Bucket(sound).put("a", b"12")
    with pytest.raises(Damaged, match="archive: a is cut"):
        await Bucket(sound).parts("a", [(0, 9)])


SHORT = """
import asyncio, os, sys
from gateway.edges.archive.bucket import Bucket, BucketConfig

async def short():
    bucket = Bucket(BucketConfig(*sys.argv[1:]))
    await bucket.names("manifest")
    await bucket.put(f"x/{os.getpid()}", b"1")
    await bucket.remove(f"x/{os.getpid()}")

asyncio.run(short())
"""


@pytest.mark.slow
def test_a_process_that_ends_at_once_ends_well(service: Service) -> None:
    """The library's calls for asyncio aborted one short process in ten; see decision 0028."""
    words = (BUCKET, REGION, service.endpoint, "short", KEY, SECRET)
    for _ in range(25):
        subprocess.run([sys.executable, "-c", SHORT, *words], cwd=ROOT, check=True, timeout=30)
