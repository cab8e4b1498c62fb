"""The opt-out over real HTTP: a page to look at, a button that records."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from gateway.core.record import Door, Scope, Who
from gateway.edges.web.pages import Pages, link
from gateway.edges.web.public import MAX_BODY, Form, read_form
from tests.support.clock import START
from tests.support.doors import ACME, ANNE, GONE_TOKEN, LETTER, PAGES, PROBE_TOKEN, TOKEN, Doors, listening
from tests.support.timing import within

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": 'multipart/form-data; boundary="b"'}
URL = f"/u/{TOKEN}"


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
async def client(doors: Doors) -> AsyncIterator[httpx.AsyncClient]:
    async with listening(doors.routes()) as url, httpx.AsyncClient(base_url=url) as one:
        yield one


def part(name: str, value: str, more: str = "") -> str:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n{more}\r\n{value}\r\n'


async def scopes(doors: Doors) -> list[Scope]:
    (facts,) = await doors.book.facts("acme", [Who(ANNE)])
    return [one.scope for one in facts.oppositions]


# Looking changes nothing


async def test_looking_never_opposes(doors: Doors, client: httpx.AsyncClient) -> None:
    for _ in range(20):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = await client.request(method, URL, headers={"Purpose": "prefetch"})
            assert answer.status_code in (200, 204)
    assert doors.book.changes == []
    assert doors.book.events == []
    assert (await client.post(URL, content=ONE_CLICK, headers=FORM)).status_code == 200
    assert await scopes(doors) == [Scope.ADVERTISER]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
async def test_other_methods_change_nothing(doors: Doors, client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, URL)).status_code == 405
    assert doors.book.changes == []


# The button and the one-click


@pytest.mark.parametrize(
    ("headers", "body", "door"),
    [
        (FORM, ONE_CLICK, Door.ONE_CLICK),
        (MULTIPART, part("List-Unsubscribe", "One-Click") + "--b--\r\n", Door.ONE_CLICK),
        (MULTIPART, part("List-Unsubscribe", "One-Click", "Content-Type: text/plain\r\n") + "--b--\r\n", Door.ONE_CLICK),
        ({}, "", Door.LINK),
        (FORM, "", Door.LINK),
        (FORM, "scope=nonsense&=&&%ZZ=\x00", Door.LINK),
        (FORM, "&".join("a=b" for _ in range(500)), Door.LINK),
        (MULTIPART, "no boundary at all", Door.LINK),
        ({"Content-Type": "multipart/form-data"}, ONE_CLICK, Door.LINK),
        ({"Content-Type": "application/json"}, '{"a": 1}', Door.LINK),
        ({"Content-Type": "\xff;;;"}, "\x00\x01\x02", Door.LINK),
    ],
)
async def test_every_post_with_a_valid_token_opts_out(
    doors: Doors, client: httpx.AsyncClient, headers: dict[str, str], body: str, door: Door
) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = await client.post(URL, content=body.encode("latin-1"), headers=raw)
    assert answer.status_code == 200
    assert await scopes(doors) == [Scope.ADVERTISER]
    assert doors.tally.doors == [door.value]


@pytest.mark.parametrize("scope", list(Scope))
async def test_the_chosen_scope_is_what_is_recorded(doors: Doors, client: httpx.AsyncClient, scope: Scope) -> None:
    assert (await client.post(URL, data={"scope": scope.value})).status_code == 200
    assert await scopes(doors) == [scope]
    assert doors.tally.doors == ["link"]


async def test_pressing_a_thousand_times_is_answered_the_same(doors: Doors, client: httpx.AsyncClient) -> None:
    first = await client.post(URL, content=ONE_CLICK, headers=FORM)
    for _ in range(10):
        again = await client.post(URL.upper().replace("/U/", "/u/"), content=ONE_CLICK, headers=FORM)
        assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len(doors.book.events) == 1


async def test_no_cookie_no_redirect_no_trace_and_no_third_party(doors: Doors, client: httpx.AsyncClient) -> None:
    for answer in (await client.get(URL), await client.post(URL), await client.get("/u/none"), await client.post("/u/none")):
        assert not answer.is_redirect
        assert "set-cookie" not in answer.headers
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert "127.0.0.1" not in str(doors.lines.said) + str(doors.book.events)


async def test_what_cannot_be_recorded_is_never_answered_200(doors: Doors, client: httpx.AsyncClient) -> None:
    doors.book.read_only = True
    answer = await client.post(URL, data={"scope": "stream"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert 'value="stream"' in answer.text
    assert "Réessayer" in answer.text
    doors.book.down = True
    assert (await client.post(URL)).status_code == 503
    assert (await client.get(URL)).status_code == 200
    assert doors.book.changes == []


async def test_a_fault_of_ours_is_never_answered_200(client: httpx.AsyncClient, doors: Doors) -> None:
    doors.tally.doors = None  # type: ignore[assignment]  # the journey breaks in a way nobody foresaw
    answer = await client.post(URL)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 200), (MAX_BODY + 1, 413), (10 * MAX_BODY, 413)])
async def test_bodies_have_a_limit(doors: Doors, client: httpx.AsyncClient, size: int, status: int) -> None:
    answer = await client.post(URL, content=b"x" * size)
    assert answer.status_code == status
    assert bool(doors.book.changes) is (status == 200)


async def test_the_probe_opposes_nobody(doors: Doors, client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/u/{PROBE_TOKEN}")).status_code == 200
    assert (await client.post(f"/u/{PROBE_TOKEN}", content=ONE_CLICK, headers=FORM)).status_code == 200
    assert doors.book.probes == [START]
    assert doors.book.changes == []


# Forged tokens


async def test_every_token_altered_in_one_character_gets_one_same_answer(doors: Doors, client: httpx.AsyncClient) -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    expected = await client.get("/u/x")
    assert expected.status_code == 404
    for place in range(len(TOKEN)):
        for letter, method in zip(alphabet, itertools.cycle(["GET", "POST"]), strict=False):
            if letter == TOKEN[place]:
                continue
            doors.clock.advance(2.5)
            answer = await client.request(method, f"/u/{TOKEN[:place]}{letter}{TOKEN[place + 1 :]}")
            assert (answer.status_code, answer.content) == (404, expected.content)
    assert doors.book.changes == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/b",
        TOKEN[:-1],
        TOKEN + "=",
        TOKEN + "/",
        f"x/{TOKEN}",
        "%00",
        "%ff" * 20,
        "é" * 56,
        "a" * 4000,
        TOKEN + "%0d%0aX: y",
    ],
)
async def test_cut_and_mangled_tokens_get_that_answer_too(doors: Doors, client: httpx.AsyncClient, text: str) -> None:
    expected = await client.get("/u/x")
    for method in ("GET", "POST"):
        answer = await client.request(method, f"/u/{text}")
        assert (answer.status_code, answer.content) == (404, expected.content)
    assert doors.book.changes == []


async def test_guessing_is_slowed_down_and_a_right_token_is_never_refused_for_it(doors: Doors, client: httpx.AsyncClient) -> None:
    answers = [(await client.post("/u/x")).status_code for _ in range(32)]
    assert answers == [404] * 30 + [429] * 2
    assert (await client.get(URL)).status_code == 200
    assert (await client.post(URL)).status_code == 200
    doors.clock.advance(60)
    assert (await client.post("/u/x")).status_code == 404


# The pages


@pytest.mark.parametrize(
    ("path", "accept", "language", "words"),
    [
        (URL, "", "fr", "Ne plus recevoir"),
        (URL, "en-GB,en;q=0.9,fr;q=0.5", "en", "Stop receiving"),
        (URL, "pl, fr;q=0.3, en;q=0.2", "fr", "Ne plus recevoir"),
        (URL, "en;q=0, fr;q=nonsense", "fr", "Ne plus recevoir"),
        (URL + "?lang=en", "fr", "en", "Stop receiving"),
        (URL + "?lang=../../x", "*", "fr", "Ne plus recevoir"),
        ("/u/x", "en", "en", "not complete"),
        ("/u/x?lang=fr", "en", "fr", "pas complet"),
    ],
)
async def test_the_page_speaks_the_readers_language(
    client: httpx.AsyncClient, path: str, accept: str, language: str, words: str
) -> None:
    answer = await client.get(path, headers={"Accept-Language": accept})
    page = HTMLParser(answer.text)
    assert page.css_first("html").attributes["lang"] == language
    assert words in page.css_first("h1").text()


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_page_says_who_writes_and_works_without_script(client: httpx.AsyncClient, language: str) -> None:
    page = HTMLParser((await client.get(f"{URL}?lang={language}")).text)
    words = page.body.text()
    for fact in ("Acme Outillage SAS", "12 rue des Lilas, 69003 Lyon, France", "lettre mensuelle"):
        assert fact in words
    targets = {one.attributes["href"] for one in page.css("footer a")}
    assert targets == {"mailto:contact@acme.example", "mailto:dpo@acme.example", "https://acme.example/confidentialite"}
    (form,) = page.css("form")
    assert form.attributes["method"] == "post"
    assert [(one.attributes["value"], "checked" in one.attributes) for one in form.css("input")] == [
        ("advertiser", True),
        ("stream", False),
    ]
    assert len(form.css("button[type=submit]")) == 1
    assert not page.css("script")
    assert TOKEN not in page.html


@pytest.mark.parametrize(
    ("scope", "words"),
    [("stream", "cette liste"), ("advertiser", "Acme Outillage SAS ne vous enverra plus"), ("all", "par ce service")],
)
async def test_the_answer_says_what_was_recorded(client: httpx.AsyncClient, scope: str, words: str) -> None:
    page = HTMLParser((await client.post(f"{URL}?lang=fr", data={"scope": scope})).text)
    assert words in page.css_first("[role=status]").text()


async def test_a_link_of_a_stream_that_is_gone_shows_a_page_and_works(doors: Doors, client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/u/{GONE_TOKEN}")).status_code == 200
    assert (await client.post(f"/u/{GONE_TOKEN}")).status_code == 200
    assert await scopes(doors) == [Scope.ALL]


def every_page() -> list[str]:
    pages = Pages(PAGES)
    made = []
    for language in pages.languages:
        for stream in (LETTER, None):
            made += [pages.ask(language, stream), pages.later(language, stream, Scope.STREAM), pages.forged(language)]
            made += [pages.done(language, stream, scope) for scope in Scope]
    return [page.decode() for page in made]


def test_no_page_loads_anything_from_anywhere() -> None:
    for text in every_page():
        page = HTMLParser(text)
        assert not page.css("script, img, iframe, object, embed, video, audio, source, base")
        assert {one.attributes["href"] for one in page.css("link")} == {"data:,"}
        assert "url(" not in text
        assert "@import" not in text
        assert not [name for node in page.css("*") for name in node.attributes if name == "style" or name.startswith("on")]


def test_every_page_has_a_language_a_title_one_heading_and_labelled_inputs() -> None:
    for text in every_page():
        page = HTMLParser(text)
        assert text.startswith("<!doctype html>")
        assert page.css_first("html").attributes["lang"] in ("fr", "en")
        assert page.css_first("title").text().strip()
        assert len(page.css("h1")) == 1
        assert len(page.css("main")) == 1
        assert len(page.css("label input[type=radio]")) == len(page.css("input[type=radio]"))


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    "pair",
    [
        *("ink paper", "soft paper", "act paper", "act-over paper"),
        *("ink chosen", "soft chosen", "act chosen"),
        *("act-ink act", "act-ink act-over", "ink good-paper", "good good-paper"),
    ],
)
def test_every_text_has_enough_contrast(mode: int, pair: str) -> None:
    block = re.findall(r":root \{(.*?)\}", (PAGES / "page.css").read_text(), re.DOTALL)[mode]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    light, dark = sorted((_luminance(colours[name]) for name in pair.split()), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_configured_words_cannot_become_markup_or_script() -> None:
    evil = replace(ACME, legal_name="<script>x</script>", contact="javascript:alert(1)", privacy_url="javascript:alert(1)")
    page = Pages(PAGES).ask("fr", replace(LETTER, advertiser=evil)).decode()
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert link("a b@c.example").href == ""
    assert link("mailto:a@c.example").href == "mailto:a@c.example"


# Reading a body, and hostile peers


@given(st.text(max_size=60), st.binary(max_size=400))
def test_reading_a_body_never_fails(content_type: str, body: bytes) -> None:
    for kind in (content_type, "multipart/form-data; boundary=b"):
        assert isinstance(read_form(kind, body), Form)


@pytest.mark.usefixtures("undisturbed")
def test_hostile_bodies_are_read_quickly() -> None:
    for unit in (b"name=scope", b'name="scope"\r\n', b"name=scope\r\nx\r\n", b"\r\n"):
        body = (unit * MAX_BODY)[:MAX_BODY]
        within(0.05, partial(read_form, "multipart/form-data", body))


async def test_a_peer_that_never_finishes_its_headers_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, doors: Doors) -> None:
    monkeypatch.setattr("gateway.edges.web.server.HEADER_SECONDS", 0.05)
    async with listening(doors.routes()) as url, asyncio.timeout(5):
        for words in (b"", b"POST /u/x HTTP/1.1\r\nHost: a\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
            writer.write(words)
            await reader.read()
            writer.close()


async def test_a_slow_but_honest_body_is_waited_for(doors: Doors, client: httpx.AsyncClient) -> None:
    async def drops() -> AsyncIterator[bytes]:
        for letter in ONE_CLICK:
            await asyncio.sleep(0)
            yield letter.encode()

    assert (await client.post(URL, content=drops(), headers=FORM)).status_code == 200
    assert doors.tally.doors == ["one-click"]


async def test_a_peer_that_hangs_up_in_its_body_opposes_nobody(doors: Doors) -> None:
    async with listening(doors.routes()) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
        writer.write(f"POST {URL} HTTP/1.1\r\nHost: a\r\nContent-Length: 26\r\n\r\nList-".encode())
        await writer.drain()
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert doors.book.changes == []


async def test_answers_leave_at_once(client: httpx.AsyncClient) -> None:
    """40 ms each would mean that Nagle's algorithm holds them back, and would do so in every try; a busy machine does not."""
    await client.post(URL)
    took: list[float] = []
    while not took or (min(took) >= 25 * 0.02 and len(took) < 10):
        started = time.monotonic()
        for _ in range(25):
            await client.post(URL)
        took.append(time.monotonic() - started)
    assert min(took) < 25 * 0.02, took
