"""Own words against replies of others: development half of the corpus; the figures are those of decision 0019.

Two replies "agree" when their words are the same, in order, whatever the blanks between. Lines which a pair keeps although they are
marked as quoted are left out on both sides: here no quoted line may reach the reader. So is what the pair itself calls a signature.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from gateway.core.mail_text import text_of
from gateway.core.own_words import own_words
from gateway.core.quotation import is_quote
from gateway.core.signature import without_signature
from tests.support.corpora import corpus
from tests.support.timing import within

BAR = 0.95


def _words(text: str) -> list[str]:
    return [word for line in text.splitlines() if not is_quote(line) for word in line.split()]


def _rows() -> list[dict[str, str]]:
    return [json.loads(line) for line in (corpus("replies") / "own.jsonl").read_text(encoding="utf-8").splitlines()]


def _trimmed(folder: Path) -> list[tuple[str, str, str]]:
    """(name, reply, what is kept of it) of the pairs with a text of their own."""
    pairs = []
    for file in sorted((folder / "emails").iterdir()):
        kept = folder / "trimmed" / file.name
        pairs.append((file.name, file.read_text(encoding="utf-8"), kept.read_text(encoding="utf-8") if kept.exists() else ""))
    return pairs


def test_own_replies_are_read_as_their_authors_meant_them() -> None:
    """R-FR-57: the gold keeps a signature where the author has one; we cut it, and that is the only difference allowed."""
    rows = _rows()
    strict = [row["id"] for row in rows if _words(own_words(row["text"]).text) != row["reply_only"].split()]
    loose = [row["id"] for row in rows if _words(own_words(row["text"]).text) != _without_signature(row["reply_only"])]
    assert 1 - len(strict) / len(rows) >= BAR, strict
    assert not loose


def _without_signature(gold: str) -> list[str]:
    return _words("\n".join(without_signature([line for line in gold.splitlines() if not is_quote(line)], said=False).lines))


def test_no_line_of_the_original_reaches_the_reader() -> None:
    for row in _rows():
        gold = {line.strip() for line in row["reply_only"].splitlines()}
        original = {line.lstrip("> ").strip() for line in row["text"].splitlines()} - gold - {""}
        assert not original & {line.strip() for line in own_words(row["text"]).text.splitlines()}, row["id"]


def test_pairs_of_others_agree_on_the_new_text() -> None:
    pairs = _trimmed(corpus("replies") / "email_reply_trimmer")
    apart = [name for name, reply, kept in pairs if _words(own_words(reply).text) != _words(kept)]
    assert 1 - len(apart) / len(pairs) >= BAR, apart


def test_what_others_elide_never_reaches_the_reader() -> None:
    folder = corpus("replies") / "email_reply_trimmer"
    for name, reply, kept in _trimmed(folder):
        elided = folder / "elided" / name
        if elided.exists():
            gone = {line.strip() for line in elided.read_text(encoding="utf-8").splitlines()}
            gone -= {line.strip() for line in kept.splitlines()} | {""}
            assert not gone & {line.strip() for line in own_words(reply).text.splitlines()}, name


def test_messages_of_others_give_their_one_line_of_answer() -> None:
    """Whole messages, plain and HTML: AOL, Apple, iPhone, Yahoo, Outlook, Hotmail, Windows Mail."""
    folder = corpus("replies") / "talon"
    for file in (folder / "standard_replies").glob("*.eml"):
        assert own_words(text_of(file.read_bytes()).text).text == "Hello", file.name
    for file in (folder / "html_replies").glob("*.html"):
        page = b"Content-Type: text/html\r\n\r\n" + file.read_bytes()
        assert own_words(text_of(page).text).text.split() == ["Hi.", "I", "am", "fine.", "Thanks,", "Alex"], file.name


def test_signed_bodies_of_others_lose_no_more_than_their_signature() -> None:
    folder = corpus("replies") / "talon" / "signature" / "emails" / "stripped"
    for file in sorted(folder.glob("*_body")):
        signature = (
            file.with_name(file.name.replace("_body", "_signature")).read_text(encoding="utf-8").replace("#sig#", "").strip()
        )
        body = file.read_text(encoding="utf-8")
        kept = own_words(body).text
        assert _words(kept)[: len(_words(body.replace(signature, "")))] == _words(body.replace(signature, "")), file.name


@pytest.mark.parametrize("folder", ["crisp-reply-parser", "mail-parser-reply", "willdurand", "zapier", "github-reply-parser"])
def test_replies_of_others_keep_no_quoted_line(folder: str) -> None:
    for file in sorted((corpus("replies") / folder).iterdir()):
        words = own_words(file.read_text(encoding="utf-8", errors="replace"))
        assert not any(is_quote(line) for line in words.text.splitlines()), file.name
        assert "Etiam non sagittis" not in words.text or not words.quoted, file.name


def test_forwards_as_html_leave_the_words_above_them() -> None:
    folder = corpus("replies") / "quotequail"
    expected = {
        "apple_forward": "test blah",
        "gmail_forward": "test blah",
        "gmail_reply": "foo bar",
        "outlook_forward": "Original message More text",
    }
    for name, words in expected.items():
        page = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + (folder / f"{name}.html").read_bytes()
        assert own_words(text_of(page).text).text.split() == words.split(), name


@pytest.mark.usefixtures("undisturbed")
def test_one_reply_is_read_in_ten_milliseconds() -> None:
    for row in _rows():
        within(0.01, partial(own_words, row["text"]), of=row["id"])
