"""The sign-up pages over real HTTP: one answer for everybody, clear errors, no trace."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from gateway.core.evidence import Kind
from gateway.core.record import Block, Covers
from gateway.edges.web.pages import Pages
from gateway.edges.web.public import MAX_BODY
from gateway.edges.web.signup import POSTS_A_MINUTE, POSTS_AN_HOUR, Sent, SignUp, read_sent
from gateway.edges.web.turnstile import MOST_KEPT, Turnstile
from tests.support.clock import StillClock
from tests.support.doors import listening
from tests.support.signup import CLAIRE, FORM, LETTER, PAGES, House, address, signing_up

FRENCH = {"Accept-Language": "fr"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with signing_up(tmp_path) as one:
        yield one


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with listening(house.routes()) as url, httpx.AsyncClient(base_url=url, headers=FRENCH) as one:
        yield one


async def filled(client: httpx.AsyncClient, address: str = CLAIRE, *ticked: str, path: str = "/s/news") -> dict[str, str]:
    """A form filled in on the page as it is now."""
    page = HTMLParser((await client.get(path)).text)
    hidden = {one.attributes["name"]: one.attributes["value"] for one in page.css('input[type="hidden"]')}
    return {**hidden, "email": address, **dict.fromkeys(ticked or ("own",), "yes")}  # type: ignore[dict-item]


async def post(client: httpx.AsyncClient, address: str = CLAIRE, *ticked: str) -> httpx.Response:
    return await client.post("/s/news", data=await filled(client, address, *ticked))


def error(answer: httpx.Response) -> str:
    found = HTMLParser(answer.text).css_first("[role=alert]")
    return found.text(strip=True) if found else ""


# The form


async def test_no_box_is_ticked_in_advance_and_each_consent_has_its_own(house: House, client: httpx.AsyncClient) -> None:
    """R-FR-05, R-FR-21, R-FR-22."""
    await house.publish()
    page = HTMLParser((await client.get("/s/news")).text)
    boxes = page.css('input[type="checkbox"]')
    assert [one.attributes["name"] for one in boxes] == ["own", "partners", "tracking"]
    assert not [one for one in boxes if "checked" in one.attributes]
    assert [one.text(strip=True) for one in page.css(".choice")] == [
        "Oui, la lettre de Maison.",
        "Oui, les partenaires de Maison.",
        "Oui, la mesure.",
    ]


async def test_the_whole_partner_list_is_shown_with_its_links_and_version(house: House, client: httpx.AsyncClient) -> None:
    """R-FR-26: in full, not by a link."""
    assert "Voisin SARL" not in (await client.get("/s/news")).text
    await house.publish("2026-03")
    page = (await client.get("/s/news")).text
    assert "Voisin SARL" in page
    assert 'href="https://voisin.example/privacy"' in page
    assert "version 2026-03" in page


async def test_the_page_says_who_asks_what_for_and_which_rights_there_are(client: httpx.AsyncClient) -> None:
    """GDPR 13."""
    page = HTMLParser((await client.get("/s/news")).text).body.text()  # type: ignore[union-attr]
    for words in ("Maison Exemple SAS", "1 rue de l'Exemple", "dpo@maison.example", "vous écrire", "faire rectifier", "retirer"):
        assert words in page


@pytest.mark.parametrize(
    ("asked", "accepted", "spoken"),
    [("", "fr", "fr"), ("", "en-GB,fr;q=0.5", "en"), ("en", "fr", "en"), ("", "", "fr"), ("de", "de", "fr")],
)
async def test_the_form_speaks_the_visitor_s_language(client: httpx.AsyncClient, asked: str, accepted: str, spoken: str) -> None:
    answer = await client.get(f"/s/news?lang={asked}", headers={"Accept-Language": accepted})
    assert f'<html lang="{spoken}">' in answer.text
    assert ("Yes, Maison's letter" in answer.text.replace("&#39;", "'")) is (spoken == "en")


@pytest.mark.parametrize("path", ["/s/service", "/s/", "/s/none", "/s/news/", "/s/News", "/s/%00", "/s/" + "a" * 3000])
async def test_there_is_one_answer_where_there_is_no_form(client: httpx.AsyncClient, path: str) -> None:
    expected = await client.get("/s/x")
    answer = await client.get(path)
    assert (answer.status_code, answer.content) == (404, expected.content)
    assert (await client.post(path)).status_code == 404


async def test_looking_changes_nothing(house: House, client: httpx.AsyncClient) -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        assert (await client.request(method, "/s/news")).status_code in (200, 204)
    assert await house.told(Kind.ENROLMENT) == []


async def test_no_cookie_no_script_no_third_party_and_no_trace(house: House, client: httpx.AsyncClient) -> None:
    answers = [
        await client.get("/s/news"),
        await post(client),
        await client.get("/s/none"),
        await client.get("/c/none"),
        await client.get(f"/c/{await house.token()}"),
        await client.post(f"/c/{await house.token()}"),
    ]
    for answer in answers:
        assert "set-cookie" not in answer.headers
        assert not answer.is_redirect
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        page = HTMLParser(answer.text)
        assert page.css("script, img, iframe, object, link[rel~=stylesheet], [onclick]") == []
    assert "127.0.0.1" not in str(house.log.said) + str(await house.told(Kind.ENROLMENT))
    assert CLAIRE not in str(house.log.said) + str(await house.told(Kind.ENROLMENT))


# What is sent


async def test_a_sign_up_records_exactly_what_was_shown_and_ticked(house: House, client: httpx.AsyncClient) -> None:
    """R-FR-40."""
    await house.publish("9")
    assert (await post(client, CLAIRE, "own", "partners")).status_code == 200
    (enrolment,) = await house.enrolments()
    own, partners = enrolment.consents
    assert (own.covers, own.wording) == (Covers.OWN, "Oui, la lettre de Maison.")
    assert (partners.covers, partners.partner_list_version, partners.proof.presentation) == (Covers.PARTNERS, "9", "full")
    assert house.vault.open(enrolment.sealed_address) == CLAIRE.encode()


async def test_the_answer_tells_nothing_about_the_address(house: House, client: httpx.AsyncClient) -> None:
    """No enumeration: unknown, known, opposed, complained, restricted, dead, asked already - one status, one page."""
    await house.imported("known@example.org")
    for block in Block:
        await house.oppose(f"{block.value}@example.org", block=block)
    people = ["unknown@example.org", "known@example.org", *(f"{block.value}@example.org" for block in Block), "unknown@example.org"]
    answers = [await post(client, person) for person in people]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert {tuple(sorted(answer.headers.items())) for answer in answers if answer.headers.pop("date")} == {
        tuple(sorted(answers[0].headers.items()))
    }
    assert b"example.org" not in answers[0].content


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.slow
async def test_the_answer_takes_as_long_whatever_is_on_record(house: House, client: httpx.AsyncClient) -> None:
    """No enumeration by the clock: medians of people who get a mail and of dead mailboxes, taken in turn.

    A difference of the gateway's own shows in each round, one that the machine made does not.
    """
    rounds: list[tuple[float, float]] = []
    while len(rounds) < 5:
        alive, dead = await _medians(house, client, len(rounds))
        if abs(alive - dead) < max(0.5 * max(alive, dead), 0.003):
            return
        rounds.append((alive, dead))
    raise AssertionError(rounds)


async def _medians(house: House, client: httpx.AsyncClient, turn: int) -> tuple[float, float]:
    times: dict[str, list[float]] = {"alive": [], "dead": []}
    for number in range(40):
        await house.oppose(f"dead{turn}.{number}@example.org", block=Block.BOUNCED)
    for number in range(40):
        house.clock.advance(60)
        for kind in times:
            form = await filled(client, f"{kind}{turn}.{number}@example.org")
            began = time.perf_counter()
            assert (await client.post("/s/news", data=form)).status_code == 200
            times[kind].append(time.perf_counter() - began)
    return statistics.median(times["alive"]), statistics.median(times["dead"])


@pytest.mark.parametrize("ticked", [(), ("tracking",)])
async def test_without_a_tick_nothing_happens_and_the_page_says_why(
    house: House, client: httpx.AsyncClient, ticked: tuple[str, ...]
) -> None:
    form = await filled(client)
    del form["own"]
    answer = await client.post("/s/news", data=form | dict.fromkeys(ticked, "yes"))
    assert answer.status_code == 422
    assert error(answer).startswith("Cochez ce que vous acceptez")
    assert f'value="{CLAIRE}"' in answer.text
    assert await house.told(Kind.ENROLMENT) == []


NO_ADDRESSES = ["", "claire", "claire@", "a b@example.org", "a@b", '"><script>@example.org', "x" * 300, "a@[1.2.3.4]"]


@pytest.mark.parametrize("typed", NO_ADDRESSES)
async def test_an_address_that_is_none_is_said_so_and_kept_as_typed(house: House, client: httpx.AsyncClient, typed: str) -> None:
    answer = await post(client, typed)
    assert answer.status_code == 422
    assert error(answer).startswith("Cette adresse")
    field = HTMLParser(answer.text).css_first("#email")
    assert field is not None
    assert (field.attributes["value"], field.attributes["aria-invalid"]) == (typed, "true")
    assert HTMLParser(answer.text).css('input[name="own"][checked]') != []
    assert await house.told(Kind.ENROLMENT) == []


async def test_a_box_that_is_not_on_the_page_cannot_be_ticked(house: House, client: httpx.AsyncClient) -> None:
    """R-FR-26: no consent to partners nobody was shown."""
    assert (await post(client, CLAIRE, "own", "partners")).status_code == 200
    (enrolment,) = await house.enrolments()
    assert [one.covers for one in enrolment.consents] == [Covers.OWN]


async def test_a_form_that_changed_meanwhile_is_shown_again_with_nothing_ticked(house: House, client: httpx.AsyncClient) -> None:
    """R-FR-26, R-FR-40: nobody consents to words or partners they did not see."""
    await house.publish("1")
    form = await filled(client, CLAIRE, "own", "partners")
    await house.publish("2")
    answer = await client.post("/s/news", data=form)
    assert answer.status_code == 409
    assert "a changé" in error(answer)
    assert "version 2" in answer.text
    assert HTMLParser(answer.text).css("[checked]") == []
    assert await house.enrolments() == []


async def test_whoever_fills_in_the_hidden_field_is_thanked_and_forgotten(house: House, client: httpx.AsyncClient) -> None:
    form = await filled(client)
    sound = await client.post("/s/news", data=await filled(client, "other@example.org"))
    answer = await client.post("/s/news", data={**form, "website": "https://spam.example"})
    assert (answer.status_code, answer.content) == (200, sound.content)
    assert await house.enrolments() == []


async def test_one_address_is_taken_five_times_an_hour_whoever_sends_it(house: House, client: httpx.AsyncClient) -> None:
    answers = [(await post(client, spelled)).status_code for spelled in (CLAIRE, CLAIRE.upper()) * 3]
    assert answers == [200] * POSTS_AN_HOUR + [429]
    assert (await post(client, "other@example.org")).status_code == 200
    house.clock.advance(3600)
    assert (await post(client)).status_code == 200
    assert len(await house.mails()) == 3


async def test_one_peer_is_slowed_down_and_told_so(house: House, client: httpx.AsyncClient) -> None:
    form = await filled(client, "nobody")
    answers = [(await client.post("/s/news", data=form)).status_code for _ in range(POSTS_A_MINUTE)]
    assert set(answers) == {422}
    busy = await client.post("/s/news", data=form)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "60")
    assert "Trop de demandes" in error(busy)
    assert (await client.get("/s/news")).status_code == 200
    house.clock.advance(60)
    assert (await client.post("/s/news", data=form)).status_code == 422


async def test_what_cannot_be_recorded_is_never_thanked_for_and_nothing_is_lost(house: House, client: httpx.AsyncClient) -> None:
    form = await filled(client)
    house.spool.read_only = True
    answer = await client.post("/s/news", data=form)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "Rien n’a été enregistré" in error(answer)
    assert HTMLParser(answer.text).css('input[name="own"][checked]') != []
    house.spool.read_only = False
    assert (await client.post("/s/news", data=form)).status_code == 200
    assert len(await house.mails()) == 1


async def test_a_store_that_is_down_is_said_so_on_every_page(house: House, client: httpx.AsyncClient) -> None:
    await post(client)
    token, form = await house.token(), await filled(client)
    await house.store.close()
    for answer in (
        await client.get("/s/news"),
        await client.post("/s/news", data=form),
        await client.get(f"/c/{token}"),
        await client.post(f"/c/{token}"),
    ):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "60"


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 422), (MAX_BODY + 1, 413)])
async def test_bodies_have_a_limit(client: httpx.AsyncClient, size: int, status: int) -> None:
    assert (await client.post("/s/news", content=b"x" * size)).status_code == status


@given(st.binary(max_size=600))
def test_no_body_makes_reading_a_form_fail(body: bytes) -> None:
    assert isinstance(read_sent(body), Sent)


@given(
    st.emails(),
    st.frozensets(st.sampled_from(Covers)),
    st.text("0123456789abcdef", max_size=16),
)
def test_a_form_reads_as_a_browser_sends_it(typed: str, ticked: frozenset[Covers], mark: str) -> None:
    pairs = {"email": typed, "mark": mark, **{covers.value: "yes" for covers in ticked}}
    assert read_sent(str(httpx.QueryParams(pairs)).encode()) == Sent(typed, ticked, mark)


# Confirming


async def test_pages_of_a_confirmation(house: House, client: httpx.AsyncClient) -> None:
    await house.publish("4")
    await post(client, CLAIRE, "own", "partners")
    url = f"/c/{await house.token()}"
    page = await client.get(url)
    assert page.status_code == 200
    assert [one.text(strip=True) for one in HTMLParser(page.text).css("main li")] == [
        "Oui, la lettre de Maison.",
        "Oui, les partenaires de Maison.",
    ]
    assert 'href="../p/maison/4"' in page.text
    done = await client.post(url)
    assert (done.status_code, 'data-page="confirmed"' in done.text) == (200, True)
    again = await client.post(url)
    assert (again.status_code, again.content) == (200, done.content)
    assert (await client.get(url)).content == done.content
    assert CLAIRE not in page.text + done.text


async def test_a_link_that_is_over_and_one_that_never_was_look_the_same(house: House, client: httpx.AsyncClient) -> None:
    await post(client)
    token = await house.token()
    house.clock.advance(days=30)
    over = await client.get(f"/c/{token}")
    assert over.status_code == 404
    for wrong in ("x", "a" * 26, f"{token}a", token[:-1], "%0d%0a", "a/b", ""):
        for method in ("GET", "POST"):
            answer = await client.request(method, f"/c/{wrong}")
            assert (answer.status_code, answer.content) == (404, over.content)


async def test_guessing_confirmations_is_slowed_down(client: httpx.AsyncClient) -> None:
    answers = [(await client.post(f"/c/{'a' * 26}")).status_code for _ in range(32)]
    assert answers == [404] * 30 + [429] * 2


async def test_two_presses_at_once_confirm_once(house: House, client: httpx.AsyncClient) -> None:
    await post(client)
    url = f"/c/{await house.token()}"
    answers = await asyncio.gather(*(client.post(url) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await house.consents()) == 1
    assert len(await house.told(Kind.CONSENT)) == 1


async def test_the_page_of_the_question_to_stay(house: House, client: httpx.AsyncClient) -> None:
    """R-FR-82."""
    await house.imported()
    await house.enrolling.ask_to_stay(LETTER, address(CLAIRE))
    url = f"/c/{await house.token()}"
    assert "Oui, je reste" in (await client.get(url)).text
    assert "Vous restez inscrit" in (await client.post(url)).text


async def test_what_a_wording_or_a_purpose_holds_is_text_on_the_page(house: House) -> None:
    words = replace(FORM.words["fr"], own='<b>Oui</b> & "non"', purposes=("<script>x</script>",))
    forms = {"news": replace(FORM, words={"fr": words})}
    routes = SignUp(house.enrolling, house.confirming, forms, Pages(PAGES), house.clock).routes()
    async with listening(routes) as url, httpx.AsyncClient(base_url=url) as client:
        page = await client.get("/s/news?lang=en")
    assert '<html lang="fr">' in page.text
    assert "<b>" not in page.text
    assert "<script" not in page.text
    assert re.search(r"&lt;b&gt;Oui&lt;/b&gt; &amp; &#34;non&#34;", page.text)


# The turnstile


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_a_turnstile_lets_each_pass_so_often_and_no_more(names: list[str]) -> None:
    gate = Turnstile(3, 60, StillClock())
    passed = [name for name in names if not gate.refuses(name)]
    assert {name: passed.count(name) for name in "abc"} == {name: min(3, names.count(name)) for name in "abc"}


def test_a_turnstile_forgets_with_its_window_and_never_grows_without_bound() -> None:
    clock = StillClock()
    gate = Turnstile(1, 60, clock)
    assert [gate.refuses("a"), gate.refuses("a")] == [False, True]
    clock.advance(60)
    assert not gate.refuses("a")
    for number in range(MOST_KEPT + 5):
        gate.refuses(str(number))
    assert len(gate._counts) <= MOST_KEPT
