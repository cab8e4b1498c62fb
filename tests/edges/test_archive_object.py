"""The archive's object and index: random entries come back, and whatever is done to the bytes, never another entry."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.evidence import GENESIS, Break, Event, Kind, canonical, link
from gateway.core.model import PersonKey
from gateway.edges.archive import block, index, manifest
from gateway.edges.archive.block import Unfit
from gateway.edges.archive.folder import Folder
from gateway.edges.archive.parcel import Parcel, recognise
from gateway.edges.archive.shelf import Span, Taken
from gateway.edges.archive.shelved import ShelvedArchive
from gateway.flow.archive_ports import Damaged, Run
from gateway.flow.ports import Entry, Unavailable

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = [bytes([number]) * 16 for number in range(9)]


class Memory:
    """`Shelf` in a dictionary, for thousands of small cases."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def put(self, name: str, content: bytes) -> None:
        if name in self.objects:
            raise Taken
        self.objects[name] = content

    async def get(self, name: str) -> bytes:
        if name not in self.objects:
            raise Damaged(f"archive: {name} is missing")
        return self.objects[name]

    async def parts(self, name: str, spans: Sequence[Span]) -> Sequence[bytes]:
        content = await self.get(name)
        found = [content[start:end] for start, end in spans]
        if [len(part) for part in found] != [end - start for start, end in spans]:
            raise Damaged(f"archive: {name} is cut")
        return found

    async def names(self, prefix: str) -> Sequence[str]:
        return sorted(name for name in self.objects if name.startswith(f"{prefix}/"))

    async def remove(self, name: str) -> None:
        self.objects.pop(name, None)


def chained(people: Sequence[int], first: int = 1, before: bytes = GENESIS, writer: str = "gw0", text: str = "") -> list[Entry]:
    """One entry a person, number 0 being nobody."""
    entries = []
    for seq, who in enumerate(people, first):
        person = KEYS[who].hex() if who else ""
        body = canonical(Event(AT + timedelta(seconds=seq), Kind.DECISION, "allow", person=person, detail=f"{text}{seq}"))
        before = link(before, writer, seq, body)
        entries.append(Entry(writer, seq, body, before))
    return entries


def made(entries: Sequence[Entry], before: bytes = GENESIS) -> tuple[Run, bytes, bytes]:
    parcel = Parcel(entries[0].writer, entries[0].seq, before)
    parcel.add(entries)
    run = parcel.close()
    return run, parcel.content, parcel.index


async def stored(entries: Sequence[Entry]) -> tuple[ShelvedArchive, Memory, Run]:
    shelf = Memory()
    archive = ShelvedArchive(shelf)
    sealing = archive.begin(entries[0].writer, entries[0].seq, GENESIS)
    await sealing.add(entries)
    run = await archive.keep(sealing)
    await archive.name(run)
    return archive, shelf, run


people = st.lists(st.integers(0, 8), min_size=1, max_size=700)


@given(people, st.text(max_size=20))
@example([1] * 256, "").via("a whole block")
@example([1] * 257, "").via("one more")
@example([0], "\ud800\n\r").via("what JSON escapes")
async def test_whatever_is_put_in_comes_out(who: list[int], text: str) -> None:
    entries = chained(who, text=text)
    archive, _, run = await stored(entries)
    assert [entry async for entry in archive.entries(run)] == entries
    assert [entry async for entry in archive.proven(run)] == entries
    for place in {0, len(who) // 2, len(who) - 1}:
        assert await archive.entry(run, place + 1) == entries[place]
        assert [entry async for entry in archive.entries(run, place)] == entries[place:]
    for number in range(1, 9):
        assert await archive.of_person([run], PersonKey(KEYS[number])) == [
            entry for entry, one in zip(entries, who, strict=True) if one == number
        ]
    assert (run.earliest, run.latest) == (AT + timedelta(seconds=1), AT + timedelta(seconds=len(who)))


@given(people)
async def test_content_is_gzip_with_one_event_a_line(who: list[int]) -> None:
    entries = chained(who)
    _, content, _ = made(entries)
    assert gzip.decompress(content).split(b"\n")[:-1] == [entry.body for entry in entries]


@given(
    st.integers(1, 600),
    st.booleans(),
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 1 << 20), st.integers(1, 255)),
        st.tuples(st.just("cut"), st.integers(0, 1 << 20), st.just(0)),
        st.tuples(st.just("grow"), st.integers(1, 50), st.integers(0, 255)),
        st.tuples(st.just("zero"), st.integers(0, 1 << 20), st.integers(1, 64)),
    ),
    st.integers(0, 8),
)
@example(2, True, ("zero", 36, 64), 1).via("a hole that read as nobody")
async def test_damage_is_an_error_or_harmless_and_never_another_entry(
    count: int, in_index: bool, damage: tuple[str, int, int], number: int
) -> None:
    who = [place * place % 9 for place in range(count)]
    entries = chained(who)
    archive, shelf, run = await stored(entries)
    name = (manifest.index_name if in_index else manifest.content_name)(run.writer, run.first, run.last)
    was = shelf.objects[name]
    shelf.objects[name] = damaged(was, *damage)
    if shelf.objects[name] == was:
        return
    found = [one async for one in archive.proven(run)]
    assert any(isinstance(one, Break) for one in found)
    assert all(one in entries for one in found if isinstance(one, Entry))
    with suppress(Damaged):
        assert [entry async for entry in archive.entries(run)] == entries
    try:
        theirs = await archive.of_person([run], PersonKey(KEYS[number]))
    except Damaged:
        pass
    else:
        assert theirs == [entry for entry, one in zip(entries, who, strict=True) if one == number and number]


def damaged(content: bytes, how: str, place: int, value: int) -> bytes:
    at = place % len(content)
    match how:
        case "flip":
            return content[:at] + bytes((content[at] ^ value,)) + content[at + 1 :]
        case "cut":
            return content[:at]
        case "zero":
            return content[:at] + bytes(value) + content[at + value :]
        case _:
            return content + bytes((value,)) * place


@given(st.binary(max_size=400), st.integers(1, 600))
async def test_bytes_that_are_no_block_are_refused(packed: bytes, count: int) -> None:
    with pytest.raises(Unfit):
        block.unpack(packed, "gw0", 1, count, GENESIS, bytes(32))


@given(st.binary(max_size=600), st.binary(max_size=600), st.integers(1, 600))
def test_bytes_that_are_no_object_are_not_recognised(content: bytes, told: bytes, last: int) -> None:
    with pytest.raises(Unfit):
        recognise("gw0", (1, last), content, told)


@given(st.binary(max_size=200), st.integers(0, 1 << 32), st.binary(max_size=20), st.integers(1, 9))
def test_bytes_that_are_no_bucket_are_refused_or_tell_nobody(bucket: bytes, check: int, person: bytes, buckets: int) -> None:
    with suppress(Unfit):
        assert index.find(bucket, check, person, buckets) == ()


@given(st.binary(max_size=300))
@example(b'{"format": 1, "number": 3, "previous": "", "runs": [null]}')
@example(b'{"format": 2, "number": 3, "previous": "", "runs": []}')
@example(b'{"format": 1, "number": 4, "previous": "", "runs": []}')
def test_bytes_that_are_no_manifest_are_refused(text: bytes) -> None:
    with pytest.raises(Unfit):
        manifest.read(text, 3)


@given(st.lists(st.sampled_from(["gw0", "cli.n1", "a/b", "é=ÿ%2E", ".."]), min_size=1, max_size=6))
def test_a_manifest_survives_its_text(writers: list[str]) -> None:
    page, text = manifest.Manifest(), b""
    reached: dict[str, tuple[int, bytes]] = {}
    for writer in writers:
        seq, last = reached.get(writer, (0, GENESIS))
        entries = chained([1, 0, 2], seq + 1, last, writer)
        run, _, _ = made(entries, last)
        reached[writer] = run.last, run.hash
        page, text = page.with_run(run)
    assert manifest.read(text, len(writers)) == page
    for run in page.runs:
        name = manifest.content_name(run.writer, run.first, run.last)
        assert manifest.ends_of(name) == (run.writer, run.first, run.last)
        assert name.count("/") == 2
        assert ".." not in name


def test_a_manifest_with_a_gap_a_double_or_a_strange_key_is_refused() -> None:
    one, _, _ = made(chained([1] * 10))
    two, _, _ = made(chained([1] * 5, 11, one.hash), one.hash)
    page, _ = manifest.Manifest().with_run(one)
    _, text = page.with_run(two)
    told = json.loads(text)
    assert manifest.read(text, 2)
    for wrong in (
        {**told, "runs": told["runs"][1:]},
        {**told, "runs": [told["runs"][0], told["runs"][0]]},
        {**told, "runs": told["runs"][::-1]},
        {**told, "runs": [told["runs"][0], {**told["runs"][1], "first": 12}]},
        {**told, "runs": [told["runs"][0], {**told["runs"][1], "before": "00" * 32}]},
        {**told, "runs": [told["runs"][0], {**told["runs"][1], "earliest": "2026-03-01T12:00:00"}]},
        {**told, "extra": 1},
    ):
        with pytest.raises(Unfit):
            manifest.read(json.dumps(wrong).encode(), 2)


def test_a_block_that_unpacks_to_far_too_much_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(70 << 20), 1)
    with pytest.raises(Unfit):
        block.unpack(bomb, "gw0", 1, 1, GENESIS, bytes(32))


async def test_a_run_left_behind_is_found_whole_or_not_at_all() -> None:
    entries = chained([1] * 600)
    shelf = Memory()
    archive = ShelvedArchive(shelf)
    for count in (100, 300):
        sealing = archive.begin("gw0", 1, GENESIS)
        await sealing.add(entries[:count])
        await archive.keep(sealing)
    assert [run.last for run in await archive.found("gw0", 1)] == [300, 100]
    del shelf.objects[manifest.index_name("gw0", 1, 300)]
    shelf.objects["journal/gw0/notes.txt"] = b"not ours"
    assert [run.last for run in await archive.found("gw0", 1)] == [100]
    assert await archive.found("gw0", 101) == []
    assert await archive.found("gw1", 1) == []


async def test_a_body_of_two_lines_or_without_a_time_is_refused() -> None:
    for body in (b'{"at":"x"}\n{}', b"{}", b'{"at":"2026-03-01T12:00:00.000000Z","person":"zz"}'):
        archive = ShelvedArchive(Memory())
        sealing = archive.begin("gw0", 1, GENESIS)
        await sealing.add([Entry("gw0", 1, body, link(GENESIS, "gw0", 1, body))])
        with pytest.raises(Unavailable, match="no event of ours"):
            await archive.keep(sealing)


async def test_a_folder_writes_once_privately_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "a")
    assert await folder.names("manifest") == []
    await folder.put("manifest/1.json", b"one")
    with pytest.raises(Taken):
        await folder.put("manifest/1.json", b"two")
    assert await folder.get("manifest/1.json") == b"one"
    (tmp_path / "a" / "manifest" / "2.json.unfinished").write_bytes(b"half")
    assert await folder.names("manifest") == ["manifest/1.json"]
    await folder.put("manifest/2.json", b"whole")
    assert await folder.parts("manifest/2.json", [(0, 2), (3, 5)]) == [b"wh", b"le"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*.json")} == {0o600}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert len(list((tmp_path / "a" / "manifest").iterdir())) == 2
    with pytest.raises(Damaged, match="is cut"):
        await folder.parts("manifest/2.json", [(3, 9)])
    with pytest.raises(Damaged, match="is missing"):
        await folder.get("manifest/3.json")
    await folder.remove("manifest/1.json")
    await folder.remove("manifest/1.json")
    assert await folder.names("manifest") == ["manifest/2.json"]


async def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="archive: "):
        await Folder(tmp_path / "file").put("manifest/1.json", b"one")
    with pytest.raises(Unavailable, match="archive: "):
        await Folder(tmp_path).put("file/1.json", b"one")


async def test_an_object_in_the_way_is_not_written_over() -> None:
    entries = chained([1] * 10)
    archive, shelf, run = await stored(entries)
    name = manifest.content_name(run.writer, run.first, run.last)
    shelf.objects[name] = b"something else"
    again = archive.begin("gw0", 1, GENESIS)
    await again.add(entries)
    with pytest.raises(Damaged, match="something else"):
        await archive.keep(again)
    assert shelf.objects[name] == b"something else"
