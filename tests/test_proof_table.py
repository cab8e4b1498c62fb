"""The proof table is whole: every rule of the book has a row, every row a proof or an honest reason, every named test exists."""

from __future__ import annotations

import re

import pytest

from tests.support import proof
from tests.support.corpora import corpus

ROWS = proof.rows()


def test_every_rule_of_the_book_has_a_row() -> None:
    book = corpus("mime").parents[1] / "reference" / "rules.md"
    if not book.is_file():
        pytest.skip("the rule book is not here")
    known = {row.id for row in ROWS}
    assert set(re.findall(proof.ID.pattern.replace("(", "(?:"), book.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_is_proven_or_says_why_not(row: proof.Row) -> None:
    assert proof.ID.fullmatch(row.id)
    assert row.says
    if row.because:
        return
    assert row.where, "no code cites this rule and none is named"
    assert row.tests or row.cases, "no test and no example shows this rule"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_what_a_row_names_is_there(row: proof.Row) -> None:
    assert [place for place in row.where if not (proof.ROOT / place).exists()] == []
    assert set(row.tests) <= proof.test_names()


def test_the_page_is_the_table() -> None:
    assert proof.PAGE.read_text(encoding="utf-8") == proof.page(), "run `make docs`"
