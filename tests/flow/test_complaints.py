"""A stream that too many complain about waits until a person lets it go on; the DPO is told once (R-MBX-10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.change import Count
from gateway.core.complaint_rate import Rate
from gateway.core.evidence import Kind
from gateway.core.model import Category
from gateway.core.oppose import Act, meaning
from gateway.core.record import Door
from gateway.flow.complaints import Complaints, Pausing
from gateway.flow.ports import Unavailable
from tests.support.company import CLAIRE, FR, NEWS, SERVICE, Company


def watch(one: Company, shown: list[Sequence[Rate]] | None = None) -> Complaints:
    bounds = FR.book.complaints
    return Complaints(
        one.book, one.streams, lambda _: bounds, one.clock, one.log, (shown if shown is not None else []).append, every=0.01
    )


async def count(one: Company, what: str, times: int, provider: str = "google", stream: str = "news") -> None:
    await one.book.commit((), [Count(stream, provider, what, one.clock.now())] * times)


async def paused(one: Company) -> frozenset[str]:
    return (await one.book.arrangements()).paused


@pytest.mark.parametrize(
    ("complained", "delivered", "waits", "warned"),
    [
        (0, 1000, False, False),
        (1, 1001, False, False),
        (1, 1000, False, True),
        (2, 999, False, False),
        (3, 1001, False, True),
        (3, 1000, True, True),
    ],
)
async def test_a_stream_waits_from_the_bound_on(complained: int, delivered: int, waits: bool, warned: bool) -> None:
    """R-MBX-10."""
    one = Company()
    await count(one, "delivered", delivered)
    await count(one, "complained", complained)
    await watch(one).once()
    assert ("news" in await paused(one)) == waits
    assert any(what == "complaints-high" for what, _ in one.log.said) == warned


async def test_a_paused_stream_answers_451_and_service_mail_goes_on() -> None:
    one = Company()
    await one.consent(CLAIRE)
    await count(one, "delivered", 1000)
    await count(one, "complained", 5)
    await watch(one).once()
    _, (answer,) = await one.rcpt(CLAIRE)
    assert answer.line().startswith(b"451 4.7.0 [STREAM-PAUSED]")
    assert (await one.send(CLAIRE, stream="service"))[-1].positive
    (event,) = one.told(Kind.STREAM)
    assert (event.outcome, event.stream, event.tool, event.rules) == ("paused", "news", "gateway", ("R-MBX-10",))
    assert event.detail == "5 complaints, 1000 delivered in 24 hours at all"


async def test_one_providers_complaints_suffice_and_it_is_said_once() -> None:
    one = Company()
    await count(one, "delivered", 1000, "orange")
    await count(one, "delivered", 100_000, "google")
    await count(one, "complained", 4, "orange")
    shown: list[Sequence[Rate]] = []
    looking = watch(one, shown)
    for _ in range(3):
        await looking.once()
    assert await paused(one) == {"news"}
    assert [facts["provider"] for what, facts in one.log.said if what == "complaints-high"] == ["orange"]
    assert len(one.told(Kind.STREAM)) == 1
    assert {(rate.provider, rate.complained) for rate in shown[-1]} == {("all", 4), ("orange", 4), ("google", 0)}


async def test_service_mail_is_warned_about_and_never_paused() -> None:
    one = Company()
    await count(one, "delivered", 1000, stream="service")
    await count(one, "complained", 50, stream="service")
    await watch(one).once()
    assert await paused(one) == frozenset()
    assert any(what == "complaints-high" for what, _ in one.log.said)


async def test_a_person_resumes_with_a_reason_and_what_was_is_forgiven() -> None:
    one = Company()
    await count(one, "delivered", 1000)
    await count(one, "complained", 5)
    await watch(one).once()
    pausing = Pausing(one.book, one.streams, one.clock)
    assert await pausing.resume("news", "cli", "list cleaned")
    assert not await pausing.resume("news", "cli", "again")
    await watch(one).once()
    assert await paused(one) == frozenset()
    assert (one.told(Kind.STREAM)[-1].outcome, one.told(Kind.STREAM)[-1].detail) == ("resumed", "list cleaned")
    one.clock.advance(seconds=3600)
    await count(one, "delivered", 1000)
    await count(one, "complained", 3)
    await watch(one).once()
    assert await paused(one) == {"news"}


async def test_yesterdays_complaints_no_longer_count() -> None:
    one = Company()
    await count(one, "complained", 50)
    await count(one, "delivered", 2000)
    one.clock.advance(days=1, seconds=7200)
    await watch(one).once()
    assert await paused(one) == frozenset()


async def test_deliveries_count_by_provider_and_complaints_against_their_stream() -> None:
    one = Company()
    await one.consent("claire@mail.example")
    assert (await one.send("claire@mail.example"))[-1].positive
    event, changes = meaning(
        Act(one.person("claire@mail.example"), NEWS, None, Door.COMPLAINT, one.clock.now(), "other"), {"maison"}, ()
    )
    await one.book.commit((event,), changes)
    tallies = {(tally.provider, tally.what, tally.count) for tally in await one.book.tallies(one.clock.now() - timedelta(hours=1))}
    assert tallies == {("other", "delivered", 1), ("other", "complained", 1)}
    _, unknown = meaning(Act(one.person(CLAIRE), None, None, Door.COMPLAINT, one.clock.now()), {"maison"}, ())
    assert not any(isinstance(change, Count) for change in unknown)
    _, link = meaning(Act(one.person(CLAIRE), NEWS, None, Door.LINK, one.clock.now()), {"maison"}, ())
    assert not any(isinstance(change, Count) for change in link)


async def test_what_is_shown_of_a_stream_is_its_day() -> None:
    one = Company(streams={"news": NEWS, "quiet": replace(SERVICE, name="quiet", category=Category.MARKETING)})
    await count(one, "delivered", 100)
    await count(one, "complained", 1)
    news, quiet = await Pausing(one.book, one.streams, one.clock).standing()
    assert (news.stream, news.paused, news.mitigated) == ("news", False, 0)
    assert news.overall == Rate("news", "all", 1, 100)
    assert (quiet.overall, quiet.mitigated) == (None, 7)


async def test_an_unreadable_book_stops_no_watch() -> None:
    one = Company()
    one.book.down = True
    with pytest.raises(Unavailable):
        await watch(one).once()
