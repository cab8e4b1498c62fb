"""What a pack asks of content is asked of every marketing copy, told with its token, counted in the evidence (R-FR-72 to 79)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.evidence import Kind
from gateway.core.mime import Message
from gateway.core.record import Covers
from gateway.core.sieve import Sieve
from gateway.core.token import mint
from gateway.flow.judge import Judge
from tests.support.clock import START
from tests.support.company import CLAIRE, DAY, FR, MAISON, MARC, NEWS, TOKENS, Company, letterhead, newsletter, read

PIXEL = '<img src="https://pixels.example/open?id=5f3a9c1b" width="1" height="1">'
DETOUR = '<a href="https://click.example/r?u=https%3A%2F%2Fshop.example%2F">x</a>'
TRACKED = newsletter(f"Bonjour {PIXEL} {DETOUR}")


async def sent(data: bytes, one: Company | None = None, stream: str = "news", **consent: object) -> tuple[Company, bytes]:
    """What reaches Claire."""
    one = one or Company()
    await one.consent(CLAIRE, **consent)
    answers = await one.send(CLAIRE, data=data, stream=stream)
    assert answers[-1].positive, answers[-1].line()
    return one, one.provider.handed[-1].message


def judged_by(one: Company, **changed: object) -> Company:
    """A company judged by the French pack with other content rules."""
    policies = {"fr": replace(FR, conduct=replace(FR.conduct, **changed))}  # type: ignore[arg-type]
    judge = Judge(one.book, one.identity, policies, {}, one.clock)
    one.desk.judge = one.desk.guard._judge = one.attempts._judge = one.handover._judge = judge
    return one


@pytest.mark.parametrize("subject", ["Re: votre demande", "=?utf-8?Q?Re=3A_x?=", "TR : x"])
async def test_a_pretended_answer_is_refused_with_its_token_and_a_reference(subject: str) -> None:
    """R-FR-72."""
    one = Company()
    await one.consent(CLAIRE)
    answer = (await one.send(CLAIRE, data=newsletter(Subject=subject)))[-1]
    assert answer.line().startswith(b"550 5.7.1 [SUBJECT]")
    assert one.reached == []
    assert (one.told(Kind.DECISION)[-1].outcome, one.told(Kind.DECISION)[-1].reason) == ("refuse", "SUBJECT")
    assert answer.ref == f"memory-{len(one.book.events)}"


async def test_a_true_answer_and_service_mail_may_say_re() -> None:
    await sent(newsletter(Subject="Re: votre demande", In_Reply_To="<1@example.org>"))
    await sent(newsletter(Subject="Re: votre demande"), stream="service")
    await sent(newsletter(Subject=""), stream="service")


async def test_several_recipients_hear_it_before_anything_is_kept() -> None:
    one = Company()
    await one.consent(CLAIRE)
    await one.consent(MARC)
    assert (await one.send(CLAIRE, MARC, data=newsletter(Subject="")))[-1].token == "SUBJECT"
    assert one.spool.rows == []


async def test_a_pack_may_mark_such_a_subject_instead() -> None:
    _, left = await sent(newsletter(Subject="Re: votre demande"), judged_by(Company(), subject="tag"))
    assert read(left)["Subject"] == "[Publicité] Re: votre demande"
    _, left = await sent(newsletter(Subject=""), judged_by(Company(), subject="tag"))
    assert read(left)["Subject"] == "[Publicité] Maison Exemple SAS"
    _, left = await sent(newsletter(Subject="Re: votre demande"), judged_by(Company(), subject="allow"))
    assert read(left)["Subject"] == "Re: votre demande"


async def test_an_ad_label_is_put_before_every_subject_once_and_signed() -> None:
    """R-FR-74."""
    labelled = judged_by(Company(), label="Publicité :")
    _, left = await sent(newsletter(Subject="=?utf-8?q?L=27=C3=A9t=C3=A9?="), labelled)
    assert read(left)["Subject"] == "Publicité : L'été"
    _, left = await sent(newsletter(Subject="Publicité : x"), judged_by(Company(), label="Publicité :"))
    assert left.count(b"Publicit") == left.count(b"\nSubject: =?utf-8?") or read(left)["Subject"] == "Publicité : x"
    _, left = await sent(newsletter(), labelled, stream="service")
    assert read(left)["Subject"] == "Septembre"


async def test_an_address_nobody_reads_is_answered_by_the_advertiser() -> None:
    """R-FR-73."""
    _, left = await sent(newsletter(From="Maison <noreply@maison.example>"))
    assert read(left)["Reply-To"] == "contact@maison.example"
    assert read(left)["From"] == "Maison <noreply@maison.example>"
    _, left = await sent(newsletter(Reply_To="no-reply@maison.example"))
    assert read(left).get_all("Reply-To") == ["contact@maison.example"]
    _, left = await sent(newsletter(From="noreply@maison.example", Reply_To="anne@maison.example"))
    assert read(left)["Reply-To"] == "anne@maison.example"


async def test_where_nobody_of_the_advertiser_reads_mail_we_keep_the_answer() -> None:
    telephone = replace(NEWS, advertiser=replace(MAISON, contact="+33 1 23 45 67 89"))
    one = Company(streams={"news": telephone})
    _, left = await sent(newsletter(From="noreply@maison.example"), one)
    token = mint(TOKENS, telephone.number, one.person(CLAIRE))
    assert read(left)["Reply-To"] == f"r-{token}@back.example"


async def test_where_there_is_no_way_back_at_all_it_is_refused() -> None:
    telephone = replace(NEWS, advertiser=replace(MAISON, contact="+33 1 23 45 67 89"))
    one = Company(streams={"news": telephone}, heads={"news": letterhead(telephone, inbound_domain="")})
    await one.consent(CLAIRE)
    answer = (await one.send(CLAIRE, data=newsletter(From="noreply@maison.example")))[-1]
    assert answer.line().startswith(b"550 5.7.1 [REPLY-TO]")
    refusing = judged_by(Company(), reply="refuse")
    await refusing.consent(CLAIRE)
    assert (await refusing.send(CLAIRE, data=newsletter(From="noreply@maison.example")))[-1].token == "REPLY-TO"
    await sent(newsletter(From="noreply@maison.example"), judged_by(Company(), reply="allow"))


async def test_a_domain_that_takes_no_mail_is_no_way_back() -> None:
    one = Company()
    one.attempts._posture = Posture(dead=frozenset({"maison.example"}))
    telephone = newsletter()
    await one.consent(CLAIRE)
    await one.send(CLAIRE, data=telephone)
    token = mint(TOKENS, NEWS.number, one.person(CLAIRE))
    assert read(one.provider.handed[-1].message)["Reply-To"] == f"r-{token}@back.example"


async def test_trackers_and_detours_are_taken_out_and_counted_in_the_evidence() -> None:
    """R-FR-75, R-FR-79."""
    one, left = await sent(TRACKED)
    assert b"click.example" not in left
    page = read(left).get_body(("html",))
    assert page is not None
    assert "pixels.example" not in page.get_content()
    (attempt,) = one.told(Kind.ATTEMPT)
    assert attempt.detail == "trackers=1 clicks=2"


async def test_a_consent_to_tracking_keeps_them() -> None:
    """R-FR-76."""
    one = Company()
    await one.consent(CLAIRE, covers=Covers.TRACKING, collected_at=START - DAY)
    one, left = await sent(TRACKED, one)
    assert b"pixels.example" in left
    assert b"click.example" in left
    assert one.told(Kind.ATTEMPT)[-1].detail == ""


async def test_service_mail_keeps_its_own_pixels() -> None:
    """R-FR-77: what an exempt use needs, a tool declares by sending service mail."""
    _, left = await sent(TRACKED, stream="service")
    assert b"pixels.example" in left


async def test_a_pack_may_refuse_trackers() -> None:
    one = judged_by(Company(), refuses_trackers=True)
    await one.consent(CLAIRE)
    assert (await one.send(CLAIRE, data=TRACKED))[-1].line().startswith(b"550 5.7.1 [TRACKER]")
    assert (await one.send(CLAIRE))[-1].positive


async def test_a_pack_may_take_detours_out_even_with_consent() -> None:
    strict = Sieve(False, frozenset(), True, frozenset({"click.example"}))
    one = judged_by(Company(), consented=strict)
    await one.consent(CLAIRE, covers=Covers.TRACKING, collected_at=START - DAY)
    _, left = await sent(TRACKED, one)
    assert b"pixels.example" in left
    assert b"https://shop.example/" in left


async def test_forwarded_mail_of_others_is_refused_by_its_name() -> None:
    """R-MBX-18."""
    one = Company()
    await one.consent(CLAIRE)
    traces = b"Received: from a.example by b.example; x\r\nDelivered-To: x@maison.example\r\n"
    answer = (await one.send(CLAIRE, data=traces + newsletter(From="a@elsewhere.example")))[-1]
    assert answer.line().startswith(b"550 5.7.1 [NOT-ORIGINATED]")
    assert (await one.send(CLAIRE, data=traces + newsletter(Message_ID="<2@maison.example>")))[-1].positive


class Posture:
    """A posture of the domains that a test sets."""

    def __init__(self, dead: frozenset[str] = frozenset(), held: bool = False) -> None:
        self.dead = dead
        self.held = held

    def holds(self, message: Message) -> bool:
        """See `preflight.Posture`."""
        return self.held


async def test_marketing_of_a_domain_nobody_could_verify_is_held_where_configured_so() -> None:
    """R-MBX-05."""
    one = Company()
    one.attempts._posture = Posture(held=True)
    await one.consent(CLAIRE)
    assert (await one.send(CLAIRE))[-1].line().startswith(b"550 5.7.1 [ALIGNMENT]")
    assert (await one.send(CLAIRE, stream="service"))[-1].positive
