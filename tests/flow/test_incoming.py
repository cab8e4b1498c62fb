"""What a person's answer leads to: opposition first, once thanked, never argued with; doubt to a person; the rest to people."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.change import KeepRoutes
from gateway.core.evidence import Kind
from gateway.core.model import Fate
from gateway.core.record import Block, Door, Who
from gateway.core.signal import Effect, Reported, Right, Signal, Told
from gateway.core.task import TaskKind
from gateway.flow.incoming import Arrived
from gateway.flow.ports import Unavailable
from gateway.flow.way_back import Holder
from tests.support.answers import CLAIRE, INBOUND, MARC, NEWS, Answers, letter
from tests.support.clock import START
from tests.support.spool import GREYLISTED, NO_MAILBOX

STOP = (Signal(Told.OPT_OUT, Effect.SUPPRESS, "rule"),)
RIGHTS = (Signal(Told.RIGHTS_REQUEST, Effect.REVIEW, "rule", rights=(Right.ACCESS, Right.SOURCE)),)
BOTH = (*STOP, *RIGHTS)
UNCLEAR = (Signal(Told.UNCLEAR, Effect.PAUSE, "doubt", 0.5),)
HUMAN = (Signal(Told.HUMAN, Effect.NONE, "question"),)


def about(target: str) -> tuple[Signal, ...]:
    return (Signal(Told.OPT_OUT, Effect.SUPPRESS, "rule", target=target),)


# Opposition


async def test_a_refusal_stops_the_mail_and_is_thanked_for_once() -> None:
    """R-FR-56, R-FR-57, R-FR-60, R-STD-62."""
    one = Answers()
    await one.answer("STOP")
    assert await one.oppositions() == [(Block.OPPOSED, "reply")]
    ((slip, mail),) = one.waiting
    assert (slip.kind.value, mail["To"], mail["Auto-Submitted"]) == ("ack", CLAIRE, "auto-replied")
    assert (mail["In-Reply-To"], mail["References"]) == (
        "<answer.1@example.org>",
        "<septembre.1@maison.example> <answer.1@example.org>",
    )
    assert mail.get_content_type() == "text/plain"
    assert "STOP" not in mail.get_content()
    await one.carry()
    (handed,) = one.provider.handed
    assert (handed.sender, handed.to.address) == ("", CLAIRE)
    assert [event.outcome for event in one.book.events if event.kind is Kind.RETURN] == ["opt_out"]
    assert "@" not in str(one.book.events) + str(one.log.said)


async def test_the_same_person_is_thanked_at_most_once_in_seven_days() -> None:
    """R-STD-61."""
    one = Answers()
    for wait in (0, 3, 4, 1):
        one.clock.advance(days=wait)
        await one.answer("STOP", Message_ID=f"<{wait}@example.org>")
    assert [kind for kind, _ in one.mails] == ["ack", "ack"]  # on day 0 and on day 8


@pytest.mark.parametrize("author", ["Claire@Example.org", "CLAIRE@example.org", '"Claire D." <claire@EXAMPLE.ORG>'])
async def test_the_person_is_known_in_every_spelling(author: str) -> None:
    """R-FR-65."""
    one = Answers()
    await one.answer("STOP", author)
    assert [kind for kind, _ in one.mails] == ["ack"]


async def test_who_answers_instead_is_left_alone_too_only_where_it_is_proven() -> None:
    """R-FR-57, T10."""
    one = Answers()
    one.proofs.authors.add(MARC)
    await one.answer("STOP", MARC, to=CLAIRE)
    assert await one.oppositions(CLAIRE) == await one.oppositions(MARC) == [(Block.OPPOSED, "reply")]
    assert one.mails == [("ack", MARC)]
    forged = Answers()
    await forged.answer("STOP", MARC, to=CLAIRE)
    assert await forged.oppositions(CLAIRE) == [(Block.OPPOSED, "reply")]
    assert await forged.oppositions(MARC) == []
    assert forged.mails == []


async def test_a_signature_for_somebody_else_s_mail_proves_nothing_here() -> None:
    one = Answers()
    one.proofs.authors.add(MARC)
    await one.answer("STOP", MARC, To="somebody@elsewhere.example")
    assert await one.oppositions(MARC) == []


async def test_without_a_token_a_forged_answer_changes_nothing_for_anybody() -> None:
    """T10: nobody is meant; a person looks."""
    one = Answers()
    raw = letter("STOP", CLAIRE, f"r-{'a' * 56}@{INBOUND}")
    await one.incoming.take(Arrived(raw, CLAIRE, None, Door.REPLY))
    assert await one.book.oppositions() == []
    assert one.mails == []
    (task,) = await one.tasks.waiting()
    assert (task.kind, task.person, task.asks) == (TaskKind.UNCLEAR, b"", ("another-address",))


async def test_without_a_token_a_proven_author_speaks_for_themselves() -> None:
    one = Answers()
    one.proofs.authors.add(MARC)
    raw = letter("STOP", MARC, "contact@maison.example")
    await one.incoming.take(Arrived(raw, None, None, Door.REPLY, "contact", NEWS))
    (filed,) = await one.book.oppositions()
    assert (filed.person, filed.advertiser, filed.block) == (one.person(MARC), "maison", Block.OPPOSED)


async def test_a_mailbox_s_mail_that_was_written_to_a_token_is_its_holder_s() -> None:
    """R-STD-63."""
    one = Answers()
    raw = letter("STOP", "somebody@home.example", f"r-{one.token()}@{INBOUND}")
    await one.incoming.take(Arrived(raw, None, None, Door.REPLY, "contact", NEWS))
    assert await one.oppositions() == [(Block.OPPOSED, "reply")]


@pytest.mark.parametrize("target", [CLAIRE, "CLAIRE@example.org"])
async def test_an_address_that_is_named_counts_where_it_is_the_one_written_to(target: str) -> None:
    one = Answers(signals=about(target))
    await one.answer(author="colleague@home.example")
    assert await one.oppositions() == [(Block.OPPOSED, "reply")]
    assert await one.tasks.waiting() == []


async def test_nobody_else_is_stopped_because_somebody_names_them() -> None:
    """T10: it waits for a person, and so does the mail to whom it came from."""
    one = Answers(signals=about(MARC))
    await one.answer()
    assert await one.oppositions(MARC) == []
    assert await one.oppositions() == [(Block.PENDING, "reply")]
    (task,) = await one.tasks.waiting()
    assert (task.kind, task.asks) == (TaskKind.UNCLEAR, ("another-address",))


async def test_a_wish_for_a_whole_domain_waits_for_a_person_and_the_writer_is_left_alone_at_once() -> None:
    """R-FR-66."""
    one = Answers(signals=about("@example.org"))
    await one.answer()
    assert await one.oppositions() == [(Block.OPPOSED, "reply")]
    assert [task.asks for task in await one.tasks.waiting()] == [("domain",)]
    assert [one_.person for one_ in await one.book.oppositions()] == [one.person()]


async def test_a_token_of_a_stream_that_is_gone_still_stops_the_mail() -> None:
    """R-FR-67."""
    one = Answers()
    holder = Holder(one.person(), None, probe=False)
    await one.incoming.take(Arrived(letter("STOP", CLAIRE, "r-x@back.example"), CLAIRE, holder, Door.REPLY))
    (filed,) = await one.book.oppositions()
    assert filed.scope.value == "all"


@pytest.mark.parametrize(
    "headers",
    [{"Precedence": "bulk"}, {"List_Id": "<x.example>"}, {"X_Auto_Response_Suppress": "All"}, {"X_Loop": "x"}],
)
async def test_what_may_be_a_machine_is_heard_and_not_answered(headers: dict[str, str]) -> None:
    """R-STD-61."""
    one = Answers(signals=STOP)
    await one.answer(**headers)
    assert await one.oppositions() == [(Block.OPPOSED, "reply")]
    assert one.mails == []


async def test_our_own_addresses_are_never_answered() -> None:
    """R-STD-61, T15."""
    one = Answers(signals=STOP)
    for author in ("claire@maison.example", f"r-{one.token()}@{INBOUND}"):
        await one.answer(author=author, to=author)
    assert one.mails == []
    assert len(await one.book.oppositions()) == 2


# Rights


async def test_a_request_about_rights_waits_for_the_officer_with_its_date() -> None:
    """R-FR-59, R-FR-61."""
    one = Answers(signals=RIGHTS)
    raw = await one.answer("Where did you get my address?")
    (task,) = await one.tasks.waiting()
    assert (task.kind, task.asks, task.person) == (TaskKind.RIGHTS, ("access", "source"), one.person())
    assert task.due_at == START.replace(month=START.month + 1)
    assert await one.oppositions() == []
    assert sorted(one.mails) == [("ack", CLAIRE), ("task", "dpo@maison.example")]
    note = next(mail for slip, mail in one.waiting if slip.kind.value == "task")
    assert task.id in note.get_content()
    assert "address" not in note.get_content().replace("adresse", "")
    assert CLAIRE not in note.as_string()
    stored = await one.book.task(task.id)
    assert stored is not None
    assert raw not in stored.sealed
    assert one.vault.open(stored.sealed).endswith(raw)


async def test_opposition_comes_first_and_both_are_acknowledged_in_one_mail() -> None:
    """R-FR-59."""
    one = Answers(signals=BOTH)
    await one.answer()
    assert await one.oppositions() == [(Block.OPPOSED, "reply")]
    kinds = [event.kind for event in one.book.events]
    assert kinds.index(Kind.OPPOSITION) < kinds.index(Kind.TASK)
    (ack,) = [mail for slip, mail in one.waiting if slip.kind.value == "ack"]
    said = " ".join(ack.get_content().split())
    assert "ne vous enverra plus" in said
    assert "transmise" in said


async def test_an_objection_is_an_opposition_whatever_the_reader_called_it() -> None:
    one = Answers(signals=(Signal(Told.RIGHTS_REQUEST, Effect.REVIEW, "rule", rights=(Right.OBJECTION,)),))
    await one.answer()
    assert await one.oppositions() == [(Block.OPPOSED, "reply")]


async def test_without_a_mail_address_the_officer_is_not_mailed() -> None:
    one = Answers((replace(NEWS, advertiser=replace(NEWS.advertiser, dpo="+33 1 23 45 67 89")),), signals=RIGHTS)
    await one.answer()
    assert one.mails == [("ack", CLAIRE)]
    assert len(await one.tasks.waiting()) == 1


# Doubt


async def test_doubt_pauses_and_waits_for_a_person() -> None:
    """R-FR-58."""
    one = Answers(signals=UNCLEAR)
    await one.answer("Hmm.")
    assert await one.oppositions() == [(Block.PENDING, "reply")]
    (task,) = await one.tasks.waiting()
    assert (task.kind, task.due_at - task.opened_at) == (TaskKind.UNCLEAR, timedelta(days=3))
    assert one.mails == []


# People


async def test_the_rest_is_passed_on_to_people_with_nothing_lost() -> None:
    """R-FR-57, R-FR-73."""
    one = Answers(signals=HUMAN)
    raw = await one.answer("When do you open?")
    ((slip, mail),) = one.waiting
    assert (slip.kind.value, mail["To"], mail["Reply-To"]) == ("passed-on", "contact@maison.example", CLAIRE)
    await one.carry()
    (handed,) = one.provider.handed
    assert handed.message.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]
    assert handed.sender == "contact@maison.example"


async def test_it_goes_where_the_stream_says_else_where_the_message_asked_else_to_the_advertiser() -> None:
    told = Answers((replace(NEWS, mailbox="service@maison.example"),), signals=HUMAN)
    routes = KeepRoutes(told.person(), "news", told.vault.seal(json.dumps({"reply_to": ["anne@maison.example"]}).encode()), START)
    await told.book.commit((), [routes])
    await told.answer()
    assert told.mails == [("passed-on", "service@maison.example")]
    asked = Answers(signals=HUMAN)
    await asked.book.commit((), [routes])
    await asked.answer()
    assert asked.mails == [("passed-on", "anne@maison.example")]


async def test_nothing_is_passed_on_into_a_gateway() -> None:
    """T15."""
    one = Answers((replace(NEWS, mailbox=f"r-{'a' * 56}@{INBOUND}"),), signals=HUMAN)
    await one.answer()
    assert one.mails == [("passed-on", "contact@maison.example")]


async def test_an_answer_of_the_person_is_an_act_and_another_s_is_not() -> None:
    """R-FR-81."""
    one = Answers(signals=HUMAN)
    await one.answer(author=MARC, to=CLAIRE)
    (facts,) = await one.book.facts("maison", [Who(one.person())])
    assert facts.last_act is None
    await one.answer()
    (facts,) = await one.book.facts("maison", [Who(one.person())])
    assert facts.last_act == START


async def test_what_lies_in_the_advertiser_s_mailbox_is_not_passed_on_to_it() -> None:
    one = Answers(signals=HUMAN)
    raw = letter("Hello", CLAIRE, "contact@maison.example")
    await one.incoming.take(Arrived(raw, None, one.holder(), Door.REPLY, "contact", NEWS))
    assert one.mails == []
    assert one.book.kept_mail == []


@pytest.mark.parametrize("answers", [[NO_MAILBOX], [GREYLISTED] * 9])
async def test_what_cannot_be_delivered_waits_for_a_person_and_is_never_lost(answers: list[object]) -> None:
    one = Answers(signals=HUMAN)
    raw = await one.answer("Please call me.")
    one.provider.answers = list(answers)  # type: ignore[arg-type]
    await one.carry()
    if answers[0].fate is not Fate.REFUSED:  # type: ignore[attr-defined]
        one.clock.advance(days=3)
        for row in one.spool.rows:
            row.leased = False
            row.due = one.clock.now()
        await one.carry()
    (task,) = await one.tasks.waiting()
    assert task.kind is TaskKind.MAIL
    stored = await one.book.task(task.id)
    assert stored is not None
    assert one.vault.open(stored.sealed).endswith(raw.partition(b"\r\n\r\n")[2])


# Machines


@pytest.mark.parametrize("told", [Told.AUTO_REPLY, Told.RECEIPT, Told.CHALLENGE_RESPONSE, Told.DELIVERED, Told.DELAYED])
async def test_what_machines_say_is_recorded_and_changes_nothing(told: Told) -> None:
    """R-FR-62."""
    one = Answers(signals=(Signal(told, Effect.NONE, "machine", machine=True),))
    await one.answer()
    assert [(event.kind, event.outcome) for event in one.book.events] == [(Kind.RETURN, told.value)]
    assert await one.book.oppositions() == []
    assert one.mails == []
    (facts,) = await one.book.facts("maison", [Who(one.person())])
    assert facts.last_act is None


async def test_a_bounce_and_a_complaint_go_to_who_takes_reports_and_only_with_a_token() -> None:
    """R-STD-63, R-STD-66."""
    soft, hard = Reported(CLAIRE, "4.2.2", False), Reported(CLAIRE, "5.1.1", True)
    one = Answers(signals=(Signal(Told.BOUNCE, Effect.SUPPRESS, "dsn", reported=(soft, hard), machine=True),))
    await one.answer(sender="")
    assert one.reports.bounced == [(one.person(), "maison", hard)]
    one.signals = (Signal(Told.COMPLAINT, Effect.SUPPRESS, "arf", provider="orange", machine=True),)
    await one.answer(sender="", Subject="x")
    assert one.reports.complained == [(one.person(), "maison", "orange")]
    forged = Answers(signals=one.signals)
    await forged.incoming.take(Arrived(b"From: x@y.example\r\n\r\nx\r\n", "", None, Door.BOUNCE))
    assert forged.reports.complained == []
    assert [event.outcome for event in forged.book.events] == ["complaint"]


async def test_what_came_round_goes_no_further_and_a_person_may_read_it() -> None:
    """T15, R-STD-20."""
    one = Answers(signals=STOP)
    await one.answer(X_Passed_On_By="other.example")
    assert await one.oppositions() == []
    assert one.mails == []
    assert len(one.book.kept_mail) == 1
    assert [event.outcome for event in one.book.events] == ["loop"]


async def test_mail_from_nobody_that_nobody_understands_is_passed_on_to_a_person() -> None:
    """R-STD-56."""
    one = Answers(signals=(Signal(Told.UNCLEAR, Effect.REVIEW, "null sender, no known form", machine=True),))
    await one.answer(sender="")
    assert one.mails == [("passed-on", "contact@maison.example")]
    assert await one.oppositions() == []


async def test_bytes_without_sense_are_kept_and_change_nothing() -> None:
    """R-STD-69."""
    one = Answers()
    await one.incoming.take(Arrived(b"\xff\x00\xfe", "x@y.example", one.holder(), Door.REPLY))
    assert [event.outcome for event in one.book.events] == ["malformed"]
    assert len(one.book.kept_mail) == 1


# The opt-out address


async def test_mail_to_the_opt_out_address_opposes_whatever_it_says_and_is_not_answered() -> None:
    """R-STD-68."""
    for signals in (HUMAN, UNCLEAR, about(MARC)):
        one = Answers(signals=signals)
        await one.answer(author=MARC, door=Door.MAILTO)
        assert await one.oppositions() == [(Block.OPPOSED, "mailto")]
        assert await one.oppositions(MARC) == []
        assert one.mails == []
        assert await one.tasks.waiting() == []


async def test_a_right_invoked_there_is_not_lost() -> None:
    """R-FR-59."""
    one = Answers(signals=RIGHTS)
    await one.answer(door=Door.MAILTO)
    assert await one.oppositions() == [(Block.OPPOSED, "mailto")]
    assert [task.kind for task in await one.tasks.waiting()] == [TaskKind.RIGHTS]


# Record first, answer after


@pytest.mark.parametrize("signals", [STOP, BOTH, UNCLEAR, HUMAN])
async def test_the_same_mail_again_does_nothing(signals: tuple[Signal, ...]) -> None:
    one = Answers(signals=signals)
    await one.answer()
    before = (len(one.book.events), len(one.book.changes), one.mails)
    one.clock.advance(days=8)
    await one.answer()
    assert (len(one.book.events), len(one.book.changes), one.mails) == before


@pytest.mark.parametrize("signals", [STOP, BOTH, UNCLEAR, HUMAN])
async def test_a_crash_at_any_write_has_the_mail_sent_again_and_nothing_done_twice(signals: tuple[Signal, ...]) -> None:
    """Reliability 0: recorded, or asked for again, never half."""
    whole = Answers(signals=signals)
    await whole.answer()
    writes = whole.book.writes
    await whole.carry()
    for failing in range(writes):
        one = Answers(signals=signals)
        one.book.fail_write = failing
        with pytest.raises(Unavailable):
            await one.answer()
        one.book.fail_write = None
        await one.answer()
        await one.carry()
        assert await one.oppositions() == await whole.oppositions()
        assert [task.id for task in await one.tasks.waiting()] == [task.id for task in await whole.tasks.waiting()]
        assert sorted(handed.to.address for handed in one.provider.handed) == sorted(
            handed.to.address for handed in whole.provider.handed
        )


async def test_a_spool_that_cannot_be_written_has_the_mail_sent_again() -> None:
    one = Answers(signals=HUMAN)
    one.spool.read_only = True
    with pytest.raises(Unavailable):
        await one.answer()
    one.spool.read_only = False
    await one.answer()
    assert len(one.mails) == 1


async def test_two_connections_that_bring_the_same_mail_at_once_do_it_once() -> None:
    one = Answers(signals=STOP)
    results = await asyncio.gather(one.answer(), one.answer(), return_exceptions=True)
    assert sum(isinstance(result, Unavailable) for result in results) <= 1
    assert len(one.mails) == 1
