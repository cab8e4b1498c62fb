"""Mail that leaves with a return path of ours, and what its failures lead to: for the mailbox, for the notice, for the tool."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from email.message import EmailMessage

import pytest

from gateway.core.bouncing import SoftBounds
from gateway.core.change import GiveNotice, KeepRoutes, Learn
from gateway.core.evidence import Kind
from gateway.core.model import Replies, Stream
from gateway.core.own_mail import MailKind
from gateway.core.record import Block, Door, NoticeGiven, NoticeKind, Who
from gateway.core.routes import Routes, read_routes, write_routes
from gateway.core.signal import Reported, Told
from gateway.core.task import TaskKind
from gateway.core.token import mint
from gateway.core.verdict import Reason
from gateway.flow.bounces import Bounces, Case
from gateway.flow.desk import MailFrom, RcptTo
from gateway.flow.inbound import InboundDesk
from gateway.flow.incoming import Arrived
from gateway.flow.ports import Envelope, Unavailable
from tests.support.answers import INBOUND, MARC, NEWS, Answers, FalteringBook, letter
from tests.support.clock import StillClock
from tests.support.company import CLAIRE, SENDER, SERVICE, TOKENS, VOISIN, Company, address, letterhead, newsletter, read, reported
from tests.support.doors import Tally
from tests.support.failures import complaint, report, vacation
from tests.support.spool import EVERYTHING, ScriptedProvider

CAPTURED = replace(NEWS, replies=Replies.OFF, capture_bounces=True)
SEPTEMBER = "<septembre.1@maison.example>"


@dataclass
class House:
    """A company that captures its bounces: its way out, and what takes the mail that comes back, over one book."""

    stream: Stream = CAPTURED
    book: FalteringBook = field(default_factory=FalteringBook)
    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    clock: StillClock = field(default_factory=StillClock)
    domain: str = INBOUND

    def __post_init__(self) -> None:
        streams = {"news": self.stream, "service": replace(SERVICE, capture_bounces=True)}
        heads = {name: letterhead(one, inbound_domain=self.domain) for name, one in streams.items()}
        self.out = Company(streams=streams, heads=heads, book=self.book, provider=self.provider, clock=self.clock)
        self.bounces = Bounces(self.book, self.book, streams, (VOISIN,), SoftBounds(), self.clock, Tally(), self.out.log)
        self.back = Answers(
            tuple(streams.values()),
            self.book,
            self.clock,
            self.provider,
            self.out.log,
            bounces=self.bounces,
            identity=self.out.identity,
        )

    def path(self, text: str = CLAIRE) -> str:
        """The return path of a person's mail."""
        return f"b-{mint(TOKENS, self.stream.number, self.out.person(text))}@{INBOUND}"

    async def send(self, text: str = CLAIRE, mail: MailFrom | None = None, notify: str = "", **headers: str) -> None:
        """One newsletter to somebody who wants it, taken by the provider."""
        *_, answer = await self.out.send(RcptTo(text, notify), data=newsletter(**headers), mail=mail)
        assert answer.positive, answer

    async def arrives(self, raw: bytes, text: str = CLAIRE, sender: str = "") -> None:
        """A mail at somebody's return path."""
        await self.back.incoming.take(Arrived(raw, sender, self.back.holder(text, self.stream), Door.BOUNCE))

    async def fails(self, text: str = CLAIRE, status: str = "5.1.1", **more: str) -> None:
        """A report that somebody's mailbox did not take the mail."""
        await self.arrives(report(self.path(text), text, status, **more), text)  # type: ignore[arg-type]

    async def routes(self, text: str = CLAIRE) -> Routes:
        """What is remembered of a person's mail."""
        sealed = await self.book.routes(self.out.person(text), "news")
        return read_routes(self.back.vault.open(sealed)) if sealed else Routes()

    async def blocks(self, text: str = CLAIRE) -> list[Block]:
        """What stands against a person."""
        return [one.block for one in await self.book.oppositions(self.out.person(text))]

    @property
    def told(self) -> list[tuple[str, EmailMessage]]:
        """The reports that wait for the tool, and to which return path."""
        rows = [row.parcel for row in self.back.spool.rows if not row.parcel.envelope.slip]
        assert all(parcel.envelope.sender == "" for parcel in rows)
        return [(parcel.addressee.address, read(parcel.message)) for parcel in rows]


async def wanted(**changed: object) -> House:
    """A house from which Claire and Marc want the newsletter."""
    house = House(**changed)  # type: ignore[arg-type]
    for text in (CLAIRE, MARC):
        await house.out.consent(text)
        for one, _ in await house.book.consents(house.out.person(text)):
            await house.book.commit((), [Learn(one, house.back.vault.seal(text.encode()))])
    return house


# Out


async def test_mail_leaves_with_the_person_s_own_return_path_and_the_tool_s_is_remembered() -> None:
    """R-STD-56."""
    house = await wanted()
    await house.send(mail=MailFrom(SENDER, envid="QQ314159"))
    (handed,) = house.provider.handed
    assert handed.sender == house.path()
    assert await house.routes() == Routes(("news@maison.example",), SENDER, "QQ314159")
    assert len(handed.sender.partition("@")[0]) <= 64


async def test_routes_are_written_with_the_attempt_and_cost_no_write_of_their_own() -> None:
    captured, plain = await wanted(), await wanted(stream=replace(CAPTURED, capture_bounces=False))
    for house in (captured, plain):
        await house.send()
    assert captured.book.writes == plain.book.writes


async def test_reports_to_us_are_asked_for_failures_only_and_without_content() -> None:
    house = await wanted()
    await house.send(mail=MailFrom(SENDER, ret="FULL"), notify="SUCCESS,DELAY,FAILURE")
    (handed,) = house.provider.handed
    assert (handed.to.notify, handed.envelope.ret) == ("FAILURE", "HDRS")
    (relayed,) = house.out.reports  # the success it asked for is told by us
    assert reported(relayed)[1] == "relayed"


async def test_mail_from_nobody_stays_from_nobody() -> None:
    """RFC 5321 4.5.5."""
    house = await wanted()
    await house.send(mail=MailFrom(""))
    (handed,) = house.provider.handed
    assert handed.sender == ""
    assert (await house.routes()).return_path == ""


@pytest.mark.parametrize(
    "changed", [{"stream": replace(CAPTURED, capture_bounces=False)}, {"domain": ""}], ids=["off", "no inbound domain"]
)
async def test_what_is_not_to_be_captured_keeps_its_own_return_path(changed: dict[str, object]) -> None:
    house = await wanted(**changed)
    await house.send(notify="NEVER")
    (handed,) = house.provider.handed
    assert (handed.sender, handed.to.notify) == (SENDER, "NEVER")
    assert await house.book.routes(house.out.person(CLAIRE), "news") is None


async def test_a_provider_without_reports_is_no_obstacle() -> None:
    house = await wanted(provider=ScriptedProvider(offers=replace(EVERYTHING, dsn=False)))
    await house.send()
    assert house.provider.handed[0].sender == house.path()


async def test_kept_mail_leaves_with_each_person_s_own_return_path() -> None:
    house = await wanted()
    await house.out.send(CLAIRE, MARC)
    await house.out.round()
    assert [handed.sender for handed in house.provider.handed] == [house.path(CLAIRE), house.path(MARC)]
    assert (await house.routes(MARC)).return_path == SENDER


# The mailbox


async def test_a_mailbox_reported_dead_is_mailed_no_more() -> None:
    """R-STD-63, R-MBX-14."""
    house = await wanted()
    await house.send()
    await house.fails()
    assert await house.blocks() == [Block.BOUNCED]
    (answer,) = await house.out.send(CLAIRE, data=newsletter(Message_ID="<2@maison.example>"))
    assert answer.token == Reason.BOUNCED.value
    assert await house.blocks(MARC) == []


async def test_five_temporary_failures_over_sixteen_days_are_a_dead_mailbox() -> None:
    """R-MBX-15."""
    house = await wanted()
    for number in range(5):
        assert await house.blocks() == []
        await house.send(Message_ID=f"<{number}@maison.example>")
        await house.fails(status="4.2.2", message_id=f"<{number}@maison.example>")
        house.clock.advance(days=4)
    assert await house.blocks() == [Block.BOUNCED]


async def test_a_refusal_by_policy_never_kills_an_address() -> None:
    """R-STD-64."""
    house = await wanted()
    for number in range(9):
        await house.fails(status="5.7.1", message_id=f"<{number}@maison.example>")
        house.clock.advance(days=4)
    assert await house.blocks() == []


async def test_a_report_that_names_somebody_else_changes_nothing_for_them() -> None:
    """R-STD-63: the token says who is meant; whoever holds one speaks for its holder only."""
    house = await wanted()
    await house.send()
    await house.send(MARC, Message_ID="<2@maison.example>")
    await house.arrives(report(house.path(), MARC))
    assert await house.blocks(MARC) == []
    assert await house.blocks() == [Block.BOUNCED]
    ((_, told),) = house.told
    assert MARC not in told.as_string()
    assert reported(told)[0] == CLAIRE


async def test_of_several_recipients_the_person_s_own_line_counts() -> None:
    house = await wanted()
    await house.arrives(report(house.path(), CLAIRE, "4.2.2", others=((MARC, "5.1.1"),)))
    assert await house.blocks() == []
    await house.arrives(report(house.path(), "list@elsewhere.example", "4.2.2", others=((MARC, "5.1.1"),)))
    assert await house.blocks() == []
    await house.arrives(report(house.path(), "fwd@elsewhere.example", "5.1.1", original=CLAIRE))
    assert await house.blocks() == [Block.BOUNCED]


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
async def test_what_is_no_failure_is_on_record_and_nothing_else(action: str) -> None:
    """R-STD-63."""
    house = await wanted()
    await house.send()
    status = "4.4.1" if action == "delayed" else "2.0.0"
    await house.fails(status=status, action=action)
    assert await house.blocks() == []
    assert house.told == []
    assert [event.outcome for event in house.book.events if event.kind is Kind.RETURN] in (["delayed"], ["delivered"])


async def test_a_complaint_to_the_return_path_is_a_complaint() -> None:
    """R-STD-66."""
    house = await wanted()
    await house.send()
    await house.arrives(complaint(house.path(), CLAIRE))
    assert await house.blocks() == [Block.COMPLAINED]
    assert house.told == []


async def test_an_absence_notice_there_changes_nothing() -> None:
    """R-FR-62."""
    house = await wanted()
    await house.send()
    await house.arrives(vacation(house.path(), CLAIRE), sender=CLAIRE)
    assert await house.blocks() == []
    assert house.told == []
    assert house.back.mails == []


# People


async def test_a_person_who_says_stop_there_is_opposed_and_not_dead() -> None:
    """R-FR-56, R-FR-57."""
    house = await wanted()
    await house.arrives(letter("STOP", CLAIRE, house.path()), sender=CLAIRE)
    assert await house.back.oppositions() == [(Block.OPPOSED, "reply")]


@pytest.mark.parametrize("sender", ["", CLAIRE], ids=["null sender", "a person"])
async def test_what_nobody_recognises_is_passed_on_to_people(sender: str) -> None:
    """R-STD-56."""
    house = await wanted()
    raw = letter(
        "The number you have dialled is not in service today.", "x@elsewhere.example" if not sender else CLAIRE, house.path()
    )
    await house.arrives(raw.replace(b"In-Reply-To: <septembre.1@maison.example>\r\n", b""), sender=sender)
    assert await house.blocks() == []
    assert house.told == []
    assert house.back.mails == [("passed-on", "contact@maison.example")]


async def test_where_nobody_is_named_to_pass_it_on_to_it_waits_as_a_task() -> None:
    """R-STD-56."""
    nobody = replace(CAPTURED, advertiser=replace(CAPTURED.advertiser, contact="+33 1 23 45 67 89", sender=""))
    house = await wanted(stream=nobody)
    raw = letter("The number you have dialled is not in service today.", "x@elsewhere.example", house.path())
    for _ in range(2):
        await house.arrives(raw)
    (task,) = await house.back.tasks.waiting()
    assert (task.kind, task.person) == (TaskKind.MAIL, house.out.person(CLAIRE))
    stored = await house.book.task(task.id)
    assert stored is not None
    assert house.back.vault.open(stored.sealed).endswith(raw)


# The notice


async def given_notices(house: House) -> list[str]:
    """Of which sources Marc was told."""
    (facts,) = await house.book.facts("maison", [Who(house.out.person(MARC))])
    return [one.source for one in facts.notices]


async def contacted() -> House:
    """A house whose first mail to Marc told him where his address came from."""
    house = House()
    await house.out.buyer(MARC)
    await house.send(MARC)
    assert await given_notices(house) == ["voisin"]
    return house


@pytest.mark.parametrize("status", ["5.1.1", "5.7.1", "4.4.7"])
@pytest.mark.parametrize("message_id", [SEPTEMBER, ""], ids=["mail known", "mail unknown"])
async def test_a_first_contact_that_came_back_was_no_notice(status: str, message_id: str) -> None:
    """R-FR-31."""
    house = await contacted()
    house.clock.advance(days=1)
    await house.fails(MARC, status, message_id=message_id)
    assert await given_notices(house) == []
    (event,) = [event for event in house.book.events if event.outcome == "notice-not-given"]
    assert (event.rules, event.detail) == (("R-FR-31",), "first-contact")


async def test_the_notice_is_given_again_with_the_next_mail() -> None:
    """R-FR-31."""
    house = await contacted()
    await house.fails(MARC, "4.2.2", message_id=SEPTEMBER)
    await house.send(MARC, Message_ID="<2@maison.example>")
    assert await given_notices(house) == ["voisin"]
    body = read(house.provider.handed[-1].message).get_body(("plain",))
    assert body is not None
    assert "Voisin SARL" in body.get_content()


async def test_a_later_mail_that_came_back_takes_no_notice_back() -> None:
    house = await contacted()
    house.clock.advance(days=2)
    await house.send(MARC, Message_ID="<2@maison.example>")
    await house.fails(MARC, message_id="<2@maison.example>")
    assert await given_notices(house) == ["voisin"]


async def test_a_report_of_no_mail_in_particular_long_after_takes_no_notice_back() -> None:
    house = await contacted()
    house.clock.advance(days=30)
    await house.fails(MARC)
    assert await given_notices(house) == ["voisin"]
    assert await house.blocks(MARC) == [Block.BOUNCED]


@pytest.mark.parametrize(("days", "status", "left"), [(1, "5.1.1", []), (9, "5.1.1", ["voisin"]), (1, "4.2.2", ["voisin"])])
async def test_a_provider_that_reports_a_dead_mailbox_takes_back_the_notice_under_way(
    days: int, status: str, left: list[str]
) -> None:
    """R-FR-31."""
    house = await contacted()
    house.clock.advance(days=days)
    case = Case(house.out.person(MARC), Told.BOUNCE, Reported(MARC, status), house.clock.now(), house.stream, reporter="ses")
    await house.bounces.record([case])
    assert await given_notices(house) == left


async def test_only_what_was_told_by_mail_is_taken_back() -> None:
    house = await wanted()
    now = house.clock.now()
    kinds = [NoticeGiven(house.out.person(MARC), "maison", "", now, "", kind) for kind in NoticeKind]
    await house.book.commit((), [GiveNotice(one) for one in kinds])
    await house.fails(MARC)
    (facts,) = await house.book.facts("maison", [Who(house.out.person(MARC))])
    assert [one.kind for one in facts.notices] == [NoticeKind.STAY]


# The tool


async def test_the_tool_hears_of_a_final_failure_at_its_own_return_path() -> None:
    """R-STD-56, R-STD-57."""
    house = await wanted()
    await house.send(mail=MailFrom(SENDER, envid="QQ314159"))
    house.clock.advance(seconds=3600)
    await house.fails(message_id=SEPTEMBER, original=CLAIRE)
    ((to, told),) = house.told
    assert to == SENDER
    assert told["To"].addresses[0].addr_spec == SENDER
    assert reported(told) == (CLAIRE, "failed", "5.1.1 smtp; 550 5.1.1 next-hop: reported by a mail system behind it")
    text = told.as_string()
    assert "Original-Envelope-Id: QQ314159" in text
    assert f"Original-Recipient: rfc822; {CLAIRE}" in text
    assert f"Message-ID: {SEPTEMBER}" in text
    assert "Arrival-Date: Mon, 02 Mar 2026 09:00:00 +0000" in text
    assert "User unknown" not in text  # a foreign server's words, the tool's parser need not read them


async def test_the_report_asks_for_no_report_and_comes_from_nobody() -> None:
    """R-STD-57."""
    house = await wanted()
    await house.send()
    await house.fails()
    (row,) = [row for row in house.back.spool.rows if not row.parcel.envelope.slip]
    assert (row.parcel.envelope.sender, row.parcel.addressee.notify) == ("", "NEVER")


@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS"])
async def test_a_tool_that_wants_no_failures_hears_none_and_the_mailbox_is_dead_all_the_same(notify: str) -> None:
    house = await wanted()
    await house.send(notify=notify)
    await house.fails()
    assert house.told == []
    assert await house.blocks() == [Block.BOUNCED]


async def test_a_null_return_path_is_told_nothing() -> None:
    """R-STD-57."""
    house = await wanted()
    await house.send(mail=MailFrom(""))
    await house.fails()
    assert house.told == []


async def test_a_return_path_that_leads_back_to_us_is_told_nothing() -> None:
    """T15."""
    house = await wanted()
    routes = write_routes(Routes((), house.path(MARC)))
    await house.book.commit((), [KeepRoutes(house.out.person(CLAIRE), "news", house.back.vault.seal(routes), house.clock.now())])
    await house.fails()
    assert house.told == []


async def test_a_mail_of_somebody_else_s_number_is_not_named_to_the_tool() -> None:
    """R-STD-69: a report's own header proves nothing about other mail of the tool's."""
    house = await wanted()
    await house.send()
    await house.send(MARC, Message_ID="<2@maison.example>")
    await house.fails(message_id="<2@maison.example>")
    ((_, told),) = house.told
    assert "<2@maison.example>" not in told.as_string()


async def test_the_same_report_again_tells_the_tool_nothing_new() -> None:
    house = await wanted()
    await house.send()
    for _ in range(3):
        await house.fails(status="5.7.1")
    assert len(house.told) == 1
    house.clock.advance(days=1)
    await house.fails(status="5.7.1", message_id="<other@maison.example>")
    assert len(house.told) == 2


async def test_nobody_is_named_whose_address_nobody_knows() -> None:
    """A service mail to somebody without a record, forwarded: the report names a mailbox the tool never wrote to."""
    house = House()
    stranger = "stranger@example.org"
    await house.out.send(RcptTo(stranger), stream="service")
    service = house.out.streams["service"]
    raw = report("b-x@back.example", "private@home.example")
    await house.back.incoming.take(Arrived(raw, "", house.back.holder(stranger, service), Door.BOUNCE))
    assert house.told == []
    assert ("tool-not-told", {"stream": "service", "reason": "recipient unknown"}) in house.out.log.said
    assert await house.blocks(stranger) == [Block.BOUNCED]


async def test_where_nothing_is_known_of_the_tool_s_return_path_the_mailbox_is_dead_all_the_same() -> None:
    """Routes go after sixty days, and with the person's data."""
    house = await wanted()
    await house.fails()
    assert house.told == []
    assert await house.blocks() == [Block.BOUNCED]


# Record first, answer after


async def test_a_crash_at_any_write_has_the_report_sent_again_and_everything_done_once() -> None:
    """Reliability 0: recorded, or asked for again, never half."""

    async def before() -> House:
        house = House()
        await house.out.buyer(MARC)
        await house.send(MARC)
        house.book.writes = 0
        return house

    whole = await before()
    await whole.fails(MARC, message_id=SEPTEMBER)
    writes = whole.book.writes
    assert writes == 4  # the mailbox, the notice, the tool, the mail itself
    for failing in range(writes):
        house = await before()
        house.book.fail_write = failing
        with pytest.raises(Unavailable):
            await house.fails(MARC, message_id=SEPTEMBER)
        house.book.fail_write = None
        await house.fails(MARC, message_id=SEPTEMBER)
        assert await house.blocks(MARC) == [Block.BOUNCED]
        assert await given_notices(house) == []
        assert len({told["Message-ID"] for _, told in house.told}) == 1  # a second copy is known as one
        assert len(house.told) <= 2
        outcomes = [event.outcome for event in house.book.events if event.kind is Kind.RETURN]
        assert sorted(outcomes) == ["bounce", "bounced", "notice-not-given", "tool-told"]


async def test_no_address_is_in_the_evidence_or_the_log() -> None:
    house = await contacted()
    await house.fails(MARC, message_id=SEPTEMBER)
    told = str(house.book.events) + str(house.out.log.said)
    assert all(secret not in told for secret in ("marc", "example.org", "maison.example", "septembre"))


# The inbound desk


async def test_only_a_genuine_token_is_taken_at_the_door() -> None:
    """R-STD-63."""
    house = await wanted()
    desk = InboundDesk(
        house.back.back, house.back.incoming, house.book, house.back.vault, house.clock, house.out.log, INBOUND, ["maison.example"]
    )
    forged = "b-" + "a" * 56 + f"@{INBOUND}"
    assert desk.addressed(forged) is None
    assert desk.addressed(house.path().replace(INBOUND, "maison.example")) is None
    assert desk.addressed(house.path().upper()) == (house.back.holder(stream=CAPTURED), Door.BOUNCE)


# Own mail


async def test_own_mail_to_a_person_comes_back_too_and_no_tool_hears_of_it() -> None:
    """R-FR-31."""
    house = await wanted()
    await house.send()
    person = house.out.person(CLAIRE)
    await house.back.own_mail.send(
        MailKind.DOI, house.stream, person, address(CLAIRE), {"link": "https://optout.example/c/x"}, "fr"
    )
    ((_, mail),) = house.back.waiting
    (row,) = house.back.spool.rows
    assert isinstance(row.parcel.envelope, Envelope)
    assert row.parcel.envelope.sender == house.path()
    await house.fails(message_id=str(mail["Message-ID"]))
    assert house.told == []
    assert await house.blocks() == [Block.BOUNCED]
