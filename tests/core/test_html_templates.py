"""Every HTML file of the html-templates corpus, wrapped as tools wrap it: the words once, inside the body, nothing else changed."""

from __future__ import annotations

import base64
import binascii
import email
import json
import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from gateway.core.html import insertion_point, walked
from tests.support.corpora import corpus
from tests.support.letters import HEAD, MARK, SHOWN, leaves, words

WORDS = words(shown=SHOWN)
ASCII_WORDS = WORDS.html.encode("ascii", "xmlcharrefreplace").replace(b"\n", b"\r\n")


def pages() -> list[tuple[str, bytes, bool]]:
    """(name, page with CRLF line ends, whether it has a body close)."""
    folder = corpus("html-templates")
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    found = []
    for row in rows:
        if row["kind"] == "html":
            page = re.sub(rb"\r\n|\r|\n", b"\r\n", (folder / row["file"]).read_bytes()).replace(b"\0", b"")
            found.append((row["file"], page if page.endswith(b"\r\n") else page + b"\r\n", row["has_body_close"]))
    return found


def coded(page: bytes, encoding: str) -> bytes:
    match encoding:
        case "quoted-printable":
            return binascii.b2a_qp(page, istext=True)
        case "base64":
            return base64.encodebytes(page).replace(b"\n", b"\r\n")
        case _:
            return page


def wrapped(page: bytes, encoding: str, alternative: bool) -> bytes:
    leaf = f"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + coded(
        page, encoding
    )
    if not alternative:
        return HEAD + leaf
    return (
        HEAD + b'Content-Type: multipart/alternative; boundary="=_b_="\r\n\r\n'
        b"--=_b_=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBonjour\r\n--=_b_=\r\n" + leaf + b"\r\n--=_b_=--\r\n"
    )


def page_of(raw: bytes) -> bytes:
    part = next(part for part in email.message_from_bytes(raw).walk() if part.get_content_type() == "text/html")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


@pytest.mark.parametrize("alternative", [True, False])
@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
def test_words_appear_once_inside_the_body_and_the_page_is_otherwise_the_same(encoding: str, alternative: bool) -> None:
    for name, page, _ in pages():
        raw = wrapped(page, encoding, alternative)
        before, after = page_of(raw), page_of(leaves(raw, WORDS))
        at = insertion_point(before)
        added = b"\r\n" + ASCII_WORDS
        assert after.count(ASCII_WORDS) == 1, name
        assert after in {before[:at] + added + pad + before[at:] for pad in (b"", b" ", b"  ")}, name


def test_words_stand_inside_the_body_as_a_browser_reads_it() -> None:
    for name, page, _ in pages():
        tree = LexborHTMLParser(page_of(leaves(wrapped(page, "8bit", False), WORDS)).decode("utf-8", "replace"))
        links = [node for node in tree.css("body a") if MARK in (node.attributes.get("href") or "")]
        assert len(links) == WORDS.html.count(MARK), name
        for node in links:
            above = node.parent
            while above is not None:
                assert above.tag not in ("script", "style", "title", "textarea", "noscript", "template", "head"), name
                above = above.parent


def test_words_stand_after_everything_else_that_is_shown() -> None:
    for name, page, has_close in pages():
        at = insertion_point(page)
        assert at == walked(page), name
        if has_close:
            assert page[at:].lower().startswith(b"</body"), name
            shown = re.sub(rb"<!--.*?-->|<[^>]*>", b"", page[at:], flags=re.DOTALL).strip()
            assert len(shown) < 200, (name, shown)


def test_placeholders_and_outlook_conditionals_stay_whole() -> None:
    marks = re.compile(rb"\{\{.*?\}\}|\*\|.*?\|\*|<%.*?%>|<!--\[if.*?-->", re.DOTALL)
    for name, page, _ in pages():
        assert marks.findall(page_of(leaves(wrapped(page, "quoted-printable", True), WORDS))) == marks.findall(page), name
