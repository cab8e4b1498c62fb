"""One attempt: decided anew, recorded before and after with the digest of the very bytes; a notice counts only once it has left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest

from gateway.core import reply as replies
from gateway.core.evidence import Kind
from gateway.core.model import Outcome, RefusalMode
from gateway.core.notice import Notices
from gateway.core.record import Audience, Basis
from gateway.flow.ports import Addressee, Envelope, Still
from tests.support.company import CLAIRE, FR, MARC, Company, address, letterhead, newsletter, read
from tests.support.letters import TEMPLATES
from tests.support.spool import EVERYTHING, GREYLISTED, NO_MAILBOX, NOT_US, SILENT, TAKEN, UNREACHABLE, ScriptedProvider

NOT_TAKEN = [GREYLISTED, NO_MAILBOX, SILENT, UNREACHABLE, NOT_US]


def words(company: Company, number: int = -1) -> str:
    """The text a person reads."""
    body = read(company.provider.handed[number].message).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_decision_attempt_and_outcome_are_on_record_in_that_order_and_refer_to_each_other() -> None:
    company = Company()
    await company.consent(CLAIRE)
    seen: list[int] = []
    company.provider.on_deliver = lambda: seen.append(len(company.book.events))
    await company.send(CLAIRE)
    decision, attempt, outcome = company.book.events
    assert [event.kind for event in company.book.events] == [Kind.DECISION, Kind.ATTEMPT, Kind.OUTCOME]
    assert seen == [2]  # the provider saw the message after the attempt was on record, and before the outcome
    assert (attempt.about, outcome.about) == ("memory-1", "memory-2")
    assert {event.person for event in company.book.events} == {company.person(CLAIRE).hex()}
    assert (attempt.basis, attempt.policy) == (decision.basis, decision.policy)
    assert (outcome.outcome, outcome.detail) == ("delivered", "end 250 2.0.0")


async def test_the_attempt_holds_the_digest_of_the_very_bytes_the_provider_got() -> None:
    company = Company()
    await company.consent(CLAIRE)
    await company.send(CLAIRE)
    (attempt,) = company.told(Kind.ATTEMPT)
    (handed,) = company.provider.handed
    assert attempt.body == sha256(handed.message).hexdigest()
    assert attempt.message == sha256(b"<septembre.1@maison.example>").hexdigest()
    assert attempt.template


@pytest.mark.parametrize("outcome", [TAKEN, *NOT_TAKEN])
async def test_every_end_of_an_attempt_is_on_record(outcome: Outcome) -> None:
    company = Company(on_defer=False)
    await company.consent(CLAIRE)
    company.provider.answers = [outcome]
    await company.send(CLAIRE)
    assert company.told(Kind.OUTCOME)[0].outcome == outcome.fate.value


async def test_an_outcome_that_cannot_be_recorded_leaves_the_providers_verdict_standing() -> None:
    company = Company()
    await company.consent(CLAIRE)

    def break_book() -> None:
        company.book.read_only = True

    company.provider.on_deliver = break_book
    *_, answer = await company.send(CLAIRE)
    assert answer.text == replies.RELAYED.text  # 451 would only make a second copy
    assert "outcome-not-recorded" in [what for what, _ in company.log.said]
    assert company.told(Kind.OUTCOME) == []


async def test_no_event_holds_an_address_a_subject_or_a_text() -> None:
    company = Company()
    await company.consent(CLAIRE)
    await company.send(CLAIRE)
    told = str(company.book.events).lower()
    for secret in ("claire", "septembre", "bonjour", "example.org"):
        assert secret not in told


# The last moment


class Hesitant(ScriptedProvider):
    """A provider before whose DATA the person says stop."""

    company: Company

    async def deliver(
        self, sender: str, addressee: Addressee, envelope: Envelope, body: Sequence[bytes | memoryview], still: Still | None = None
    ) -> Outcome:
        """See `ports.Provider`."""
        self.company.oppose_now(addressee.address)
        return await super().deliver(sender, addressee, envelope, body, still)


@pytest.mark.parametrize("mode", RefusalMode)
@pytest.mark.parametrize("people", [(CLAIRE,), (CLAIRE, MARC)])
async def test_an_opposition_after_the_attempt_is_on_record_and_before_data_still_wins(
    mode: RefusalMode, people: tuple[str, ...]
) -> None:
    provider = Hesitant()
    provider.company = company = Company(refusal=mode, provider=provider)
    for one in people:
        await company.consent(one)
    *_, answer = await company.send(*people)
    if len(people) > 1:
        await company.round()
    elif mode is not RefusalMode.WITHHOLD:
        assert answer.token == "OPPOSED"
    assert company.reached == []
    assert {event.outcome for event in company.told(Kind.OUTCOME)} <= {"withdrawn", "failed"}
    drops = [event for event in company.told(Kind.DECISION) if event.outcome == "drop"]
    assert [event.reason for event in drops] == ["OPPOSED"] * len(people)


# First contact


async def test_a_partners_address_gets_the_full_notice_once_and_then_a_source_line() -> None:
    company = Company()
    await company.buyer(MARC)
    await company.send(MARC)
    first = words(company)
    assert "Voisin SARL" in first
    assert FR.authority_url in first
    (given,) = (await company.book.facts("maison", [company.identity.who(address(MARC), False)]))[0].notices
    assert (given.source, given.advertiser, given.at) == ("voisin", "maison", company.clock.now())
    assert given.template == company.told(Kind.ATTEMPT)[0].template
    await company.send(MARC, data=newsletter(Message_ID="<2@maison.example>"))
    second = words(company)
    assert "Voisin SARL" in second
    assert FR.authority_url not in second


@pytest.mark.parametrize("outcome", NOT_TAKEN)
async def test_a_notice_that_did_not_leave_was_not_given(outcome: Outcome) -> None:
    company = Company(on_defer=False)
    await company.buyer(MARC)
    company.provider.answers = [outcome]
    await company.send(MARC)
    await company.send(MARC, data=newsletter(Message_ID="<2@maison.example>"))
    assert FR.authority_url in words(company)  # R-FR-31


async def test_a_notice_of_one_source_does_not_stand_for_another() -> None:
    company = Company()
    await company.buyer(MARC)
    await company.send(MARC)
    company.book._consents.clear()
    await company.consent(
        MARC, audience=Audience.PROFESSIONAL, basis=Basis.LEGITIMATE_INTEREST, source="salon de Lyon", function="achats"
    )
    await company.send(MARC, data=newsletter(Message_ID="<2@maison.example>"))
    assert FR.authority_url in words(company)
    assert "salon de Lyon" in " ".join(words(company).split())


async def test_somebody_who_gave_the_address_knowingly_gets_no_words_about_its_origin() -> None:
    company = Company()
    await company.consent(CLAIRE)
    await company.send(CLAIRE)
    assert FR.authority_url not in words(company)
    assert not [change for change in company.book.changes if type(change).__name__ == "GiveNotice"]


async def test_monitored_mail_carries_identity_and_a_working_opt_out() -> None:
    company = Company(refusal=RefusalMode.MONITOR)
    await company.send(CLAIRE)
    message = read(company.provider.handed[0].message)
    assert "/u/" in message["List-Unsubscribe"]
    assert "Maison Exemple SAS" in words(company)
    assert company.told(Kind.ATTEMPT)[0].reason == "UNKNOWN-RECIPIENT"


async def test_the_tools_own_unsubscribe_is_remembered_sealed() -> None:
    company = Company()
    await company.consent(CLAIRE)
    await company.send(CLAIRE, data=newsletter(List_Unsubscribe="<https://tool.example/out>"))
    sealed = await company.book.own_unsubscribe(company.person(CLAIRE), "news")
    assert sealed == b"<https://tool.example/out>"[::-1]


# What stops an attempt


async def test_a_signature_that_does_not_verify_stops_the_message() -> None:
    company = Company()
    await company.consent(CLAIRE)
    company.check.sampled, company.check.good = True, False
    *_, answer = await company.send(CLAIRE)
    assert answer == replies.DKIM_FAULT
    assert company.reached == []
    assert company.told(Kind.ATTEMPT) == []
    company.check.good = True
    assert (await company.send(CLAIRE))[-1].positive


async def test_words_that_cannot_be_composed_stop_the_message_for_now() -> None:
    broken = {name: text for name, text in TEMPLATES.items() if not name.startswith("footer")}
    company = Company(heads={"news": letterhead(notices=Notices(broken))})
    await company.consent(CLAIRE)
    *_, answer = await company.send(CLAIRE)
    assert answer == replies.NOTICE_FAULT
    assert company.reached == []


async def test_a_provider_without_8bitmime_gets_seven_bits() -> None:
    company = Company()
    await company.consent(CLAIRE)
    company.provider.offers = replace(EVERYTHING, eight_bit=False)
    await company.send(CLAIRE, data=newsletter("Déjà reçu\n"))
    assert company.provider.handed[0].message.isascii()
    assert "Déjà reçu" in words(company)


async def test_service_mail_reaches_an_opposed_customer_untouched_but_for_trace_and_signature() -> None:
    company = Company()
    await company.oppose(MARC)
    data = newsletter()
    await company.send(MARC, data=data, stream="service")
    (handed,) = company.provider.handed
    assert handed.message.endswith(data)
    assert company.told(Kind.DECISION)[0].basis == "service"
