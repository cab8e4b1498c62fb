"""Open trackers and detours of links are found where a client would read them, and nothing else is (R-FR-75, R-FR-79)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.cut import applied
from gateway.core.sieve import NOTHING, Sieve, Sifted, sift
from gateway.core.trackers import individual
from gateway.core.weblink import host, target
from tests.support.corpora import corpus
from tests.support.timing import grows

ALL = Sieve(True, frozenset({"tracker.example"}), True, frozenset({"click.example"}))
PIXELS_ONLY = Sieve(True, frozenset(), False, frozenset())
SHOP = b"https://click.example/r?u=https%3A%2F%2Fshop.example%2F%3Fa%3D1%26b%3D2"

# As the tools of the field write them, hosts changed.
TRACKERS = {
    "mautic": b'<img height="1" width="1" src="https://m.example/email/5f3a9c1b2d4e6.gif" alt="" />',
    "odoo": b'<img src="https://odoo.example/mail/track/12345/5f3a9c1b2d4e6aa/blank.gif"/>',
    "brevo": b'<img width="1" height="1" src="https://abc.r.bh.example/tr/op/AbCdEfGh1234567_x">',
    "mailchimp": b'<img src="https://x.example/track/open.php?u=1a2b&id=3c4d5e6f&e=77" height="1" width="1" alt="">',
    "sendgrid": b'<img src="https://u1.ct.example/wf/open?upn=AAbb" width="1" height="1" style="height:1px !important">',
    "mailjet": b'<img src="http://xyz.example/oo/AAA/BBB12345/e.gif" height="1" width="1" style="height:1px;width:1px;">',
    "ses": b'<img alt="" src="http://x.us-east.example/I0/0100018abcdef-1234/tok" style="display: none; width: 1px; height: 1px;">',
    "postmark": b'<img src="https://pst.example/open?m=v3_1.xxx" width="1" height="1" border="0" alt="" />',
    "mailgun": b'<img width="1px" height="1px" alt="" src="https://email.mg.example/o/eJwVyz0KgDAMQOF">',
    "hubspot": b'<IMG SRC=https://d1.example/Cto/abc12345/open WIDTH=1 HEIGHT=1 STYLE="display:none!important">',
    "zero": b'<img src="https://t.example/o?id=abc12345" width="0" height="0">',
    "max": b'<img src="https://t.example/o?id=abc12345" style="max-width:1px;max-height:1px">',
    "opacity": b'<img src="https://t.example/i/a1b2c3d4.png" style="opacity:0">',
    "hidden": b'<img src="https://t.example/i/a1b2c3d4.png" hidden>',
    "unquoted": b"<img src=//t.example/x.gif?u=1 width=1 height=1>",
    "no-slashes": b'<img src="https:t.example/x.gif?u=1" width=1 height=1>',
    "references": b'<img src="https&#58;&#x2f;/t.example/x.gif?u=1" width=1 height=1>',
    "old-name": b'<image src="https://t.example/x.gif?u=1" width=1 height=1>',
    "address": b'<img src="https://t.example/camille@example.com/p.png" width="2" height="2">',
    "line": b'<img src="https://t.example/track/5f3a9c1b2d.gif" width="600" height="1">',
    "outlook": b'<!--[if mso]><img src="https://t.example/x.gif?u=1" width="1" height="1"><![endif]-->',
    "named": b'<img src="https://t.example/images/tracker.png" width="1" height="1">',
    "known-host": b'<img src="https://a.tracker.example/banner.png" width="600" height="200">',
    "known-sheet": b'<link rel="stylesheet" href="https://tracker.example/a.css">',
    "srcset": b'<img src="cid:logo" srcset="https://tracker.example/a.png 2x">',
}
SILENCED = {
    b'<div style="background-image:url(https://t.example/open?id=abc12345);width:1px;height:1px"></div>': (
        b'<div style="background-image:url();width:1px;height:1px"></div>'
    ),
    b'<div style="background:url(&quot;https://tracker.example/a&quot;)">x</div>': b'<div style="background:url()">x</div>',
    b'<td background="https://a.tracker.example/x">x</td>': b'<td background="">x</td>',
    b"<style>p{background:url('https://tracker.example/a')} b{}</style>": b"<style>p{background:url('')} b{}</style>",
    b'<style>@import "https://tracker.example/a";</style>': b'<style>@import "";</style>',
    b'<iframe src="https://tracker.example/a"></iframe>': b'<iframe src=""></iframe>',
}
SHOWN = (
    b'<img src="https://m.example/logo.png" width="200" height="80">',
    b'<img src="https://m.example/hero.jpg?v=12345678" width="600">',
    b'<img src="https://m.example/u/5f3a9c1b2d4e6/photo.jpg">',
    b'<img src="https://m.example/hero-mobile.jpg" style="display:none;max-height:0;width:0">',
    b'<img src="https://m.example/spacer.gif" width="1" height="1">',
    b'<img src="https://m.example/images/blank.png" width="1" height="20">',
    b'<img src="https://m.example/line.gif" width="600" height="1">',
    b'<img src="https://m.example/i.gif" width="1" height="1"><br><img src="https://m.example/i.gif" width="1" height="1">',
    b'<img src="https://d1ergv6ync1qqr.cdn.example/assets/spacer.gif" width="1" height="1">',
    b'<img src="cid:pixel123456" width="1" height="1">',
    b'<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" width="1" height="1">',
    b'<img src="images/open12345.gif" width="1" height="1">',
    b'<img width="1" height="1" alt="no source">',
    b'<!-- <img src="https://t.example/x.gif?u=1" width="1" height="1"> -->',
    b"<a title='<img src=\"https://t.example/x.gif?u=1\" width=1 height=1>'>x</a>",
    b'<style><img src="https://t.example/x.gif?u=1" width=1 height=1></style>',
    b'<p>&lt;img src="https://t.example/x.gif?u=1" width=1 height=1></p>',
    b'<imgx src="https://t.example/x.gif?u=1" width=1 height=1>',
    b'<a style="mso-hide:all;background:url(https://m.example/dAvmvHGrRz24EccHeI6t.png)">x</a>',
    b'<td style="background:url(https://m.example/track/a1b2c3d4.jpg)" width="600">x</td>',
)


def page(middle: bytes) -> bytes:
    return b"<html><head><title>x</title></head><body><p>Bonjour</p>" + middle + b"<p>Fin</p></body></html>"


@pytest.mark.parametrize("tag", TRACKERS.values(), ids=TRACKERS)
def test_a_tracker_goes_and_every_other_octet_stays(tag: bytes) -> None:
    """R-FR-75."""
    found = sift(page(tag), True, ALL)
    assert (found.trackers, found.clicks, found.left) == (1, 0, 0)
    rest = b"<!--[if mso]><![endif]-->" if tag.startswith(b"<!--[") else b""
    assert applied(page(tag), found.cuts) == page(rest)


@pytest.mark.parametrize(("tag", "silent"), SILENCED.items())
def test_what_has_content_stays_and_loads_nothing(tag: bytes, silent: bytes) -> None:
    found = sift(page(tag), True, ALL)
    assert found.trackers == 1
    assert applied(page(tag), found.cuts) == page(silent)


@pytest.mark.parametrize("tag", SHOWN)
def test_what_shows_something_or_tells_nobody_apart_stays(tag: bytes) -> None:
    assert sift(page(tag), True, ALL) == NOTHING


def test_nothing_is_taken_out_where_the_person_consented() -> None:
    """R-FR-76."""
    consented = Sieve(False, frozenset(), False, frozenset())
    for tag in TRACKERS.values():
        assert sift(page(tag + b'<a href="' + SHOP + b'">x</a>'), True, consented) == NOTHING


@pytest.mark.parametrize(
    ("link", "left"),
    [
        (b'<a href="%b">x</a>', b'<a href="https://shop.example/?a=1&amp;b=2">x</a>'),
        (b"<a href=%b>x</a>", b"<a href=https://shop.example/?a=1&amp;b=2>x</a>"),
        (b"<AREA HREF='%b'>", b"<AREA HREF='https://shop.example/?a=1&amp;b=2'>"),
        (
            b'<!--[if mso]><a href="%b">x</a><![endif]-->',
            b'<!--[if mso]><a href="https://shop.example/?a=1&amp;b=2">x</a><![endif]-->',
        ),
    ],
)
def test_a_tracked_link_leads_where_its_detour_leads(link: bytes, left: bytes) -> None:
    """R-FR-79."""
    found = sift(page(link % SHOP), True, ALL)
    assert (found.clicks, found.left, found.trackers) == (1, 0, 0)
    assert applied(page(link % SHOP), found.cuts) == page(left)


def test_a_detour_whose_end_nobody_knows_stays_and_is_counted() -> None:
    tag = page(b'<a href="https://click.example/c/AbCdEf">x</a><a href="https://shop.example/">y</a>')
    assert sift(tag, True, ALL) == Sifted((), 0, 0, 1)


@pytest.mark.parametrize("path", [b"unsubscribe/abc", b"desinscription?u=1", b"d%C3%A9sabonner/x", b"optout", b"opt-out/1"])
def test_a_way_out_is_left_as_the_tool_made_it(path: bytes) -> None:
    """R-FR-51, R-FR-79."""
    link = b'<a href="https://click.example/' + path + b'&u=https%3A%2F%2Fshop.example%2F">x</a>'
    assert sift(page(link), True, ALL) == NOTHING


def test_links_of_a_plain_text_lead_straight_too() -> None:
    text = b"Lire : " + SHOP + b".\r\nSuite (https://click.example/c/1), https://shop.example/\r\n"
    found = sift(text, False, ALL)
    assert (found.clicks, found.left) == (1, 1)
    assert applied(text, found.cuts) == text.replace(SHOP, b"https://shop.example/?a=1&b=2")


@pytest.mark.parametrize(
    ("url", "led"),
    [
        ("https://click.example/r?url=https://shop.example/x", "https://shop.example/x"),
        ("https://click.example/r?id=1&amp;target=https%3A%2F%2Fshop.example".replace("&amp;", "&"), "https://shop.example"),
        ("https://a.click.example/L0/https:%2F%2Fshop.example%2Fp%3Fq=1/1/0102", "https://shop.example/p?q=1"),
        (
            "https://click.example/lnk/AA/BB/" + base64.urlsafe_b64encode(b"https://shop.example/a?b=c").decode(),
            "https://shop.example/a?b=c",
        ),
        ("https://click.example/r?u=https%253A%252F%252Fshop.example%252F", "https://shop.example/"),
        (
            "https://click.example/r?u=https%3A%2F%2Fclick.example%2Fr%3Fu%3Dhttps%253A%252F%252Fshop.example",
            "https://shop.example",
        ),
        ("https://click.example/r?u=javascript%3Aalert(1)", ""),
        ("https://click.example/r?u=//shop.example", ""),
        ("https://click.example/r?u=https%3A%2F%2Fshop.example%2F%22%3E%3Cscript%3E", "https://shop.example/%22%3E%3Cscript%3E"),
        ("https://click.example/r?u=https%3A%2F%2Fshop.example%2F%0D%0Ax", ""),
        ("https://click.example/r?a=https%3A%2F%2Fa.example&b=https%3A%2F%2Fb.example", ""),
        ("https://click.example/r?u=https%3A%2F%2Fuser%40shop.example", ""),
        ("https://click.example/c/AbCdEfGhIjKlMnOpQr", ""),
        ("https://click.example/", ""),
    ],
)
def test_a_detour_is_read_only_where_it_says_where_it_leads(url: str, led: str) -> None:
    assert target(url, frozenset({"click.example"})) == led


@pytest.mark.parametrize(
    ("url", "name"),
    [
        *(("https://A.Example./x", "a.example"), ("//a.example", "a.example"), ("\\\\a.example\\x", "a.example")),
        *(("https:/a.example", "a.example"), ("ht\ntps://u:p@a.example:8/x", "a.example"), ("https://a.example?x", "a.example")),
        *(("/x", ""), ("x.png", ""), ("cid:a", ""), ("data:a", ""), ("", ""), ("mailto:a@b.example", "")),
    ],
)
def test_a_host_is_read_as_a_browser_reads_it(url: str, name: str) -> None:
    assert host(url) == name


@pytest.mark.parametrize(
    ("url", "own"),
    [
        *(("https://a.example/2026/03/12/photo.jpg", False), ("https://a.example/images/600x200/header-2.png", False)),
        *(
            ("https://a.example/20260312/x.png", False),
            ("https://a.example/o/12345678.gif", True),
            ("https://a.example/x?e=a%40b.example", True),
        ),
        *(("https://a.example/open?id=7f3a9c1b", True), ("https://d1ergv6ync1qqr.cdn.example/spacer.gif", False)),
        *(("https://a.example/our-newsletter-of-september.png", False), ("https://a.example/icon24px.png", False)),
    ],
)
def test_an_address_that_could_stand_for_one_person_is_told(url: str, own: bool) -> None:
    assert individual(url) == own


SOUP = [
    *(
        b"<img src=https://t.example/o?u=12345 width=1 height=1>",
        b"<img ",
        b"<a href='",
        SHOP,
        b"'",
        b'"',
        b">",
        b"<!--",
        b"-->",
        b"<!--[if mso]>",
    ),
    *(
        b"<![endif]-->",
        b"<style>",
        b"</style>",
        b"url(https://tracker.example/",
        b")",
        b"<p style='",
        b"<script>",
        b"</script>",
        b" ",
        b"text",
    ),
]


@given(st.lists(st.sampled_from(SOUP), max_size=14))
@settings(max_examples=800)
def test_cuts_of_any_soup_are_in_order_and_apart(pieces: list[bytes]) -> None:
    soup = b"".join(pieces)
    found = sift(soup, True, ALL)
    at = 0
    for start, end, _ in found.cuts:
        assert at <= start < end <= len(soup)
        at = end


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    "piece",
    [
        *(
            TRACKERS["mautic"],
            b"<img ",
            b"<img src=//a.example/ width=1 x='",
            b"url(",
            b"<p style='url(",
            b"<!--<img src=//tracker.example>",
        ),
        *(
            b"<a href='//click.example/",
            b"//tracker.example ",
            b"<style>url(//tracker.example/",
            b"<style>url(//tracker.example/a)</style>",
        ),
        *(
            b'<a href="' + SHOP + b'">',
            b"<!--[if mso]><img src=//t.example/a?u=1 width=1 height=1>",
            b"<img src=x width=1 " + b"a=b " * 50,
        ),
    ],
)
def test_a_hostile_page_takes_time_linear_in_its_size(piece: bytes) -> None:
    def sifting(size: int) -> Callable[[], object]:
        return partial(sift, (piece * (size // len(piece) + 1))[:size], True, ALL)

    grows(sifting, 60_000, 480_000, lambda small: 8 * max(small, 0.02) * 3)  # were it quadratic: 64


def test_the_templates_of_real_tools_lose_no_image_that_shows_something() -> None:
    """R-FR-75: the figures of docs/content.md."""
    folder = corpus("html-templates")
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    pages = {row["file"]: (folder / row["file"]).read_bytes() for row in rows if row["kind"] == "html"}
    found = {name: sift(content, True, PIXELS_ONLY) for name, content in pages.items()}
    cut = {name: [pages[name][start:end] for start, end, _ in one.cuts] for name, one in found.items() if one.cuts}
    assert len(pages) == 133
    assert sorted(cut) == ["konsav/general.html", "konsav/promotional.html"]
    assert all(b"images/tracker.png" in tag and b'width="1" height="1"' in tag for tags in cut.values() for tag in tags)
