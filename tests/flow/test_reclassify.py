"""Service mail that is none is judged, completed and signed as marketing, and stays so when it is tried again (R-FR-16)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gateway.core.evidence import Kind
from gateway.core.model import Fate, Outcome, RefusalMode, Stage
from gateway.core.policy import Policy
from gateway.core.reply import RECIPIENT_OK
from gateway.flow.judge import Judge
from tests.support.company import CLAIRE, FR, MAISON, MARC, NEWS, PAUL, SERVICE, VOISIN, Company, newsletter, read

ORDER = newsletter(Subject="Votre commande 1", Message_ID="<o.1@maison.example>")
ADVERT = newsletter(Subject="Vente flash", Message_ID="<v.1@maison.example>")
SENT_AS_NEWS = replace(SERVICE, purpose="newsletter")


def company(refusal: RefusalMode = RefusalMode.REJECT, **changed: object) -> Company:
    """A company whose service stream would be for the newsletter's purpose, were it marketing."""
    return Company(refusal=refusal, streams={"news": NEWS, "service": SENT_AS_NEWS}, **changed)  # type: ignore[arg-type]


def with_bounds(one: Company, **bounds: object) -> None:
    """Judge by the French pack with other bounds of service mail."""
    assert FR.conduct.guard is not None
    conduct = replace(FR.conduct, guard=replace(FR.conduct.guard, **bounds))  # type: ignore[arg-type]
    policies: Mapping[str, Policy] = {"fr": replace(FR, conduct=conduct)}
    judge = Judge(one.book, one.identity, policies, {"voisin": VOISIN}, one.clock)
    one.desk.guard._judge = judge
    one.desk.judge = judge


async def test_an_order_goes_out_as_service_mail() -> None:
    one = company()
    await one.oppose(MARC)
    assert (await one.send(MARC, data=ORDER, stream="service"))[-1].positive
    assert one.told(Kind.DECISION)[-1].category == "transactional"
    assert "List-Unsubscribe" not in read(one.provider.handed[-1].message)


async def test_an_advertisement_in_a_service_stream_is_completed_as_marketing() -> None:
    """R-FR-16, R-FR-50: footer and opt-out are in it."""
    one = company()
    await one.consent(CLAIRE)
    assert (await one.send(CLAIRE, data=ADVERT, stream="service"))[-1].positive
    left = read(one.provider.handed[-1].message)
    assert "One-Click" in left["List-Unsubscribe-Post"]
    assert ":marketing:" in left["Feedback-ID"]
    first, doubt, again = one.told(Kind.DECISION)
    assert (first.outcome, first.category) == ("allow", "transactional")
    assert (doubt.outcome, doubt.reason, doubt.rules, doubt.detail) == ("reclassify", "CATEGORY", ("R-FR-16",), "promotional")
    assert (again.outcome, again.category, again.basis, again.about) == ("allow", "marketing", "consent", "memory-1")
    assert again.setup != first.setup


async def test_who_may_not_be_advertised_to_is_refused_then() -> None:
    one = company()
    await one.oppose(MARC)
    accepted, answer = await one.send(MARC, data=ADVERT, stream="service")
    assert accepted == RECIPIENT_OK
    assert answer.line().startswith(b"550 5.7.1 [OPPOSED]")
    assert one.reached == []


async def test_of_several_the_refused_are_told_by_report_and_the_others_get_it() -> None:
    one = company()
    await one.consent(CLAIRE)
    await one.consent(PAUL)
    await one.oppose(MARC)
    assert (await one.send(CLAIRE, MARC, PAUL, data=ADVERT, stream="service"))[-1].positive
    assert [MARC in report.as_string() for report in one.reports] == [True]
    while await one.round():
        pass
    assert sorted(one.reached) == sorted([CLAIRE, PAUL])


async def test_a_withholding_tool_is_answered_as_ever() -> None:
    one = company(RefusalMode.WITHHOLD)
    await one.oppose(MARC)
    assert (await one.send(MARC, data=ADVERT, stream="service"))[-1].code == 250
    assert one.reached == []
    assert len(one.reports) == 1


async def test_monitor_lets_it_go_on_record_but_never_to_an_opposed_person() -> None:
    one = company(RefusalMode.MONITOR)
    assert (await one.send(PAUL, data=ADVERT, stream="service"))[-1].positive
    assert one.told(Kind.DECISION)[-1].outcome == "monitor"
    await one.oppose(MARC)
    assert not (await one.send(MARC, data=ADVERT, stream="service"))[-1].positive


async def test_mail_kept_as_marketing_is_marketing_when_it_is_tried_again() -> None:
    """The spool survives restarts: what was decided must too."""
    one = company()
    await one.consent(CLAIRE)
    one.provider.answers.append(Outcome(Fate.DEFERRED, Stage.END, 451))
    assert (await one.send(CLAIRE, data=ADVERT, stream="service"))[-1].code == 250
    (row,) = one.spool.rows
    assert row.parcel.envelope.stream == "service+marketing"
    await one.oppose(CLAIRE)
    one.clock.advance(days=0.01)
    await one.round()
    assert len(one.reached) == 1  # the deferred attempt only
    assert any(event.reason == "OPPOSED" for event in one.book.events)
    assert all("+" not in event.stream for event in one.book.events)


async def test_the_five_hundred_and_first_recipient_of_a_template_within_an_hour_gives_it_away() -> None:
    """R-FR-16: 500 is service mail, 501 is not, and an hour later it is again."""
    one = company()
    with_bounds(one, recipients_per_hour=5)
    answers = []
    for number in range(6):
        data = newsletter(Subject=f"Votre commande {number}", Message_ID=f"<o.{number}@maison.example>")
        answers.append((await one.send(f"person{number}@example.org", data=data, stream="service"))[-1])
    assert [answer.code for answer in answers] == [250] * 5 + [550]
    assert answers[-1].token == "UNKNOWN-RECIPIENT"
    assert one.told(Kind.DECISION)[-2].detail == "recipients"
    one.clock.advance(seconds=3700)
    data = newsletter(Subject="Votre commande 99", Message_ID="<o.99@maison.example>")
    assert (await one.send("person99@example.org", data=data, stream="service"))[-1].code == 250


async def test_one_message_to_too_many_is_given_away_as_well() -> None:
    one = company()
    with_bounds(one, recipients_per_hour=2)
    assert (await one.send(CLAIRE, MARC, PAUL, data=ORDER, stream="service"))[-1].code == 550


async def test_a_pack_may_refuse_instead() -> None:
    one = company()
    await one.consent(CLAIRE)
    with_bounds(one, then="refuse")
    answer = (await one.send(CLAIRE, data=ADVERT, stream="service"))[-1]
    assert answer.line().startswith(b"550 5.7.1 [CATEGORY]")
    assert one.told(Kind.DECISION)[-1].outcome == "refuse"
    assert answer.ref == f"memory-{len(one.book.events)}"


async def test_without_the_facts_a_footer_needs_it_is_refused() -> None:
    bare = replace(SENT_AS_NEWS, advertiser=replace(MAISON, postal_address=""))
    one = Company(streams={"service": bare})
    await one.consent(CLAIRE)
    assert (await one.send(CLAIRE, data=ADVERT, stream="service"))[-1].token == "CATEGORY"


async def test_marketing_waits_for_the_opt_out_whatever_stream_it_came_in_by() -> None:
    """R-FR-52."""
    one = company()
    await one.consent(CLAIRE)
    one.health.healthy = False
    assert (await one.send(CLAIRE, data=ADVERT, stream="service"))[-1].token == "OPTOUT-DOWN"
    assert (await one.send(CLAIRE, data=ORDER, stream="service"))[-1].positive


@pytest.mark.parametrize("broken", ["down", "read_only"])
async def test_what_cannot_be_recorded_does_not_leave(broken: str) -> None:
    one = company()
    await one.consent(CLAIRE)
    submission, _ = await one.rcpt(CLAIRE, stream="service")
    setattr(one.book, broken, True)
    assert (await submission.send(ADVERT)).code == 451
    assert one.reached == []
