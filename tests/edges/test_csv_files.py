"""CSV files of other tools: every usual spelling is read, no line of a hostile one is lost or swallows the rest."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edges.csv_files import MAX_RECORD, Rejects, Unreadable, examine, records
from gateway.flow.intake import Row


def read(folder: Path, content: bytes, after: int = 0) -> list[Row]:
    file = folder / "list.csv"
    file.write_bytes(content)
    return list(records(examine(file), after))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_usual_spellings_are_read(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    text = end.join([delimiter.join(["address", "source"]), delimiter.join(["a@example.com", "Salon de l'été"])])
    found = read(tmp_path, text.encode(encoding))
    assert [record.cells for record in found] == [("address", "source"), ("a@example.com", "Salon de l'été")]


def test_line_breaks_inside_quotes_belong_to_the_record(tmp_path: Path) -> None:
    found = read(tmp_path, b'address,wording\na@example.com,"one\r\ntwo"\nb@example.com,x\n')
    assert [(record.line, record.cells) for record in found[1:]] == [
        (2, ("a@example.com", "one\r\ntwo")),
        (4, ("b@example.com", "x")),
    ]


def test_a_quote_that_is_never_closed_costs_only_its_own_line(tmp_path: Path) -> None:
    lines = [b"address,wording", b'a@example.com,"open', *(b"b%d@example.com,x" % i for i in range(200))]
    found = read(tmp_path, b"\n".join(lines))
    assert [record.line for record in found if record.fault] == [2]
    assert len(found) == 202


def test_an_endless_line_is_cut_and_rejected(tmp_path: Path) -> None:
    found = read(tmp_path, b"address\n" + b"x" * (MAX_RECORD * 20) + b"\nb@example.com\n")
    assert [(record.line, bool(record.fault)) for record in found] == [(1, False), (2, True), (3, False)]
    assert len(found[1].cells[0]) <= 200


def test_reading_can_go_on_after_a_line(tmp_path: Path) -> None:
    assert [record.line for record in read(tmp_path, b"address\na@example.com\nb@example.com\n", after=2)] == [3]


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"x" * 2000)
    with pytest.raises(Unreadable, match="split it"):
        examine(file, max_size=1000)


def test_utf16_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="save it as UTF-8"):
        read(tmp_path, codecs.BOM_UTF16_LE + "address".encode("utf-16-le"))


def test_rejects_are_private_and_none_means_no_file(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"address\nx\n")
    file = examine(tmp_path / "list.csv")
    with Rejects(file, ("address",), append=False):
        pass
    assert not (tmp_path / "list.csv.rejects.csv").exists()
    with Rejects(file, ("address",), append=False) as rejects:
        rejects.add(2, ("x",), "no address")
    assert rejects.path.read_bytes() == b"address;rejected_line;rejected_reason\r\nx;2;no address\r\n"
    assert rejects.path.stat().st_mode & 0o077 == 0


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader_and_no_line_is_lost(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return
    found = read(tmp_path_factory.mktemp("csv"), content)
    assert [record.line for record in found] == sorted({record.line for record in found})


CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20).map(str.strip)


@given(st.lists(st.tuples(CELL, CELL).filter(any), min_size=1, max_size=10))
def test_what_csv_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([("address", "source"), *rows])
    found = read(tmp_path_factory.mktemp("csv"), out.getvalue().encode())
    assert [record.cells for record in found[1:]] == [tuple(cell.strip() for cell in row) for row in rows]
