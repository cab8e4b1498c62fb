"""The text of messages of any bytes: the part a person would read, its charset, and what HTML clients mark as quoted (R-STD-69)."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.mail_text import MOST, MailText, text_of
from gateway.core.own_words import own_words
from tests.support.corpora import corpus
from tests.support.timing import within

CASES = Path(__file__).resolve().parents[1] / "cases" / "replies"
HEADER = "From: a@example.com\r\nSubject: Re: Offre\r\nMIME-Version: 1.0\r\n"


def _mail(rest: str, codec: str = "utf-8") -> bytes:
    return (HEADER + rest).replace("\r\n", "\n").replace("\n", "\r\n").encode(codec)


def _html(page: str) -> bytes:
    return _mail(f"Content-Type: text/html; charset=utf-8\n\n{page}")


def _multipart(*parts: str, kind: str = "alternative") -> bytes:
    body = "".join(f"--xx\n{part}\n" for part in parts)
    return _mail(f'Content-Type: multipart/{kind}; boundary="xx"\n\nA preamble nobody reads.\n{body}--xx--\nAn epilogue.\n')


def test_plain_text_is_read_before_html() -> None:
    mail = _multipart("Content-Type: text/html\n\n<p>HTML</p>", "Content-Type: text/plain\n\nplain")
    assert text_of(mail) == MailText("Re: Offre", "plain")


def test_html_is_read_where_the_plain_part_is_empty() -> None:
    assert text_of(_multipart("Content-Type: text/plain\n\n \n", "Content-Type: text/html\n\n<p>STOP</p>")).text == "STOP"


def test_attachments_and_enclosed_messages_are_not_opened() -> None:
    mail = _multipart(
        'Content-Type: text/plain; name="a.txt"\nContent-Disposition: attachment; filename="a.txt"\n\nattached',
        "Content-Type: message/rfc822\n\nSubject: enclosed\n\nenclosed",
        "Content-Type: text/plain\n\nsaid",
        "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=",
        kind="mixed",
    )
    assert text_of(mail).text == "said"


def test_text_on_both_sides_of_a_picture_is_read() -> None:
    mail = _multipart(
        "Content-Type: text/plain\n\nSee the picture.",
        "Content-Type: image/png\n\nx",
        "Content-Type: text/plain\n\nSTOP",
        kind="mixed",
    )
    assert text_of(mail).text == "See the picture.\n\nSTOP"


def test_signed_and_nested_parts_are_read() -> None:
    inner = 'Content-Type: multipart/alternative; boundary="yy"\n\n--yy\nContent-Type: text/plain\n\nSTOP\n--yy--'
    assert text_of(_multipart(inner, "Content-Type: application/pgp-signature\n\nx", kind="signed")).text == "STOP"


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        *(("utf-8", "utf-8"), ("iso-8859-1", "latin-1"), ("windows-1252", "cp1252"), ("us-ascii", "utf-8"), ("us-ascii", "cp1252")),
        *(
            ("x-nobody", "utf-8"),
            ("utf-8", "cp1252"),
            ("iso-8859-1", "cp1252"),
            ("", "utf-8"),
            ("utf-16", "utf-16"),
            ("UTF8", "utf-8"),
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_letters_are_right_whatever_was_declared(charset: str, codec: str, encoding: str) -> None:
    text = "Désinscrivez-moi, ça suffit"
    octets = text.encode(codec)
    declared = f'; charset="{charset}"' if charset else ""
    if encoding == "base64":
        octets = base64.encodebytes(octets)
    elif encoding == "quoted-printable":
        octets = b"".join(b"=%02X" % octet for octet in octets)
    head = f"Subject: x\nContent-Type: text/plain{declared}\nContent-Transfer-Encoding: {encoding}\n\n"
    assert text_of(head.encode() + octets).text.rstrip() == text


def test_the_subject_and_the_language_are_decoded() -> None:
    mail = b"Subject: =?utf-8?q?D=C3=A9sinscription?=\n =?iso-8859-1?q?_svp_=E9?=\nContent-Language: FR-be, en\n\nSTOP"
    assert text_of(mail) == MailText("Désinscription svp é", "STOP", "fr-be")


def test_the_language_of_the_part_is_told_where_the_message_tells_none() -> None:
    assert text_of(_multipart("Content-Type: text/plain\nContent-Language: de\n\nStopp")).language == "de"


def test_flowed_lines_are_joined_and_quotes_kept_apart() -> None:
    """RFC 3676 4: at one depth only, stuffed blanks removed, the signature's delimiter alone."""
    body = "Merci de me \nretirer. \n > not a quote\n> cited \n> line\nNon \n-- \nJ."
    mail = _mail(f"Content-Type: text/plain; format=flowed\n\n{body}")
    assert text_of(mail).text == "Merci de me retirer. > not a quote\n> cited line\nNon \n-- \nJ."
    assert text_of(_mail("Content-Type: text/plain; format=Flowed; DelSp=yes\n\nun \npeu")).text == "unpeu"


def test_bytes_without_a_header_are_read_as_text() -> None:
    assert text_of(b"STOP").text == "STOP"
    assert text_of(b"\xff\xfe\x00 arr\xeatez").text.endswith("arrêtez")
    assert text_of(b"") == MailText("", "")


def test_a_broken_container_is_read_as_text() -> None:
    assert "STOP" in text_of(_mail("Content-Type: multipart/mixed\n\nSTOP")).text
    assert "STOP" in text_of(_mail("Content-Type: multipart/mixed; boundary=none\n\nSTOP")).text
    assert text_of(_mail("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSTOP")).text == "STOP"
    assert text_of(_mail("Content-Type: nonsense\n\nSTOP")).text == "STOP"


def test_more_than_64_kilobytes_is_cut_and_said_so() -> None:
    mail = text_of(_mail("Content-Type: text/plain\n\n" + "x" * (MOST + 10)))
    assert (len(mail.text), mail.truncated) == (MOST, True)
    assert text_of(_html("STOP<p>" + "x" * (MOST + 10))).truncated


QUOTE = "<p>Nos offres. <a href='https://x.example'>unsubscribe</a></p>"
PAGES = [
    pytest.param("\n".join(block.split("\n")[1:]).replace("ORIGINAL", QUOTE), id=block.split("\n")[0].removeprefix("# "))
    for block in (CASES / "pages.txt").read_text(encoding="utf-8").split("\n", 1)[1].rstrip("\n").split("\n%%\n")
]


@pytest.mark.parametrize("page", PAGES)
def test_nothing_an_html_client_quotes_is_taken_for_the_answer(page: str) -> None:
    """R-FR-57: only the own text is read."""
    words = own_words(text_of(_html(f"<html><head><title>t</title><style>p {{}}</style></head><body>{page}</body></html>")).text)
    assert words.text == "STOP"
    assert words.quoted


def test_answers_between_gmails_quotes_survive() -> None:
    page = '<div class="gmail_quote"><div class="gmail_attr">Le 3 mars, X a écrit :</div>'
    page += '<blockquote class="gmail_quote">Un devis ?</blockquote>'
    page += '<div>Non, retirez-moi.</div><blockquote class="gmail_quote">Un appel ?</blockquote><div>Non plus.</div></div>'
    words = own_words(text_of(_html(page)).text)
    assert words.text.split() == ["Non,", "retirez-moi.", "Non", "plus."]
    assert words.unsure


def test_an_answer_after_a_quote_survives() -> None:
    assert (
        own_words(text_of(_html(f"<blockquote><div>{QUOTE}<blockquote>older</blockquote></div></blockquote><p>STOP</p>")).text).text
        == "STOP"
    )


def test_what_a_person_indents_is_no_quote() -> None:
    style = "margin:0 0 0 40px;border:none;padding:0px"
    page = f'<div>Liste :</div><blockquote style="{style}"><div>retirez jean@example.com</div></blockquote>'
    assert "retirez jean@example.com" in own_words(text_of(_html(page)).text).text


def test_a_marked_signature_is_cut_and_the_words_stay() -> None:
    words = own_words(text_of(_html('<p>STOP</p><div class="gmail_signature">Jean Dupont<br>Directeur</div>')).text)
    assert (words.text, words.signature) == ("STOP", True)


def test_html_reads_as_a_person_sees_it() -> None:
    page = "<!-- no --><p>Un&nbsp;&eacute;t&eacute;\n  <b>sans</b> vous</p><script>no()</script><ul><li>a<li>b</ul>"
    page += "1 < 2<br>fin<![if !x]>!<![endif]>"
    assert text_of(_html(page)).text.split("\n") == ["Un été sans vous", "", "- a", "- b", "1 < 2", "fin!"]


PIECES = [
    *(b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: text/html\n", b"Content-Type: text/plain; charset=utf-7\n"),
    *(
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable\n",
        b"Content-Disposition: attachment\n",
    ),
    *(
        b"Content-Type: text/plain; format=flowed\n",
        b"> x \n",
        b"Content-Language: ",
        b"Subject: ",
        b"=?utf-8?b?x?=",
        b"+2AA-",
        b"=",
    ),
    *(
        b"<blockquote>",
        b"</blockquote>",
        b"<div class=gmail_quote>",
        b"</div>",
        b"<pre>",
        b"<!--",
        b"<",
        b">",
        b"<style>",
        b"<svg>",
    ),
    *(b"&#x110000;", b"&#xd800;", b"<head>", b"\xff", b"\x00", b"\n", b"\r", b"\n\n", b"--b\n", b"--b--"),
]


@given(st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    mail = text_of(data)
    assert len(mail.text) <= 2 * MOST
    (mail.subject + mail.text).encode()
    own_words(mail.text)


def test_every_message_of_the_corpora_is_read() -> None:
    for folder in ("mime", "bounces", "replies"):
        for file in corpus(folder).rglob("*"):
            if file.is_file() and file.stat().st_size < 400_000:
                mail = text_of(file.read_bytes())
                assert len(mail.text) <= 2 * MOST, file.name
                assert set(own_words(mail.text).text.split()) <= set(mail.text.split()), file.name


HOSTILE = {
    "tags": b"<b>",
    "marked divs": b"<div class=gmail_quote>",
    "quotes": b"<blockquote>",
    "comments": b"<!--",
    "open tags": b"<a b=",
    "ends": b"</div>",
    "less": b"<",
    "letters": b"&amp;",
    "paragraphs": b"<p>x",
    "cells": b"<td>",
    "pictures": b"<svg>",
    "words": b"a ",
}


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_megabyte_of_hostile_html_is_read_in_a_fifth_of_a_second(piece: bytes) -> None:
    _quick(b"Content-Type: text/html\n\n" + piece * (2**20 // len(piece)))


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    "data",
    [
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * 2**18,
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a" * 2**18,
        b"".join(b"Content-Type: multipart/mixed; boundary=a%d\n\n--a%d\n" % (number, number) for number in range(20_000)),
        b"A: b\n" * 2**18,
        b"Subject: " + b"=?utf-8?q?a?= \n " * 2**16,
        b"Content-Type: text/plain; format=flowed\n\n" + b"> x \n" * 2**18,
        b"\n" * 2**20,
    ],
    ids=["parts", "no parts", "depth", "fields", "subject", "flowed", "blank"],
)
def test_a_megabyte_of_hostile_structure_is_read_in_a_fifth_of_a_second(data: bytes) -> None:
    _quick(data)


def _quick(data: bytes) -> None:
    within(0.2, lambda: own_words(text_of(data).text))
