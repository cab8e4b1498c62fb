"""Mail in the advertiser's own mailbox: whom it is about, what it leads to, and for whom it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from gateway.core.change import GiveNotice, KeepRoutes, Learn
from gateway.core.model import Replies
from gateway.core.record import Block, Door
from gateway.core.task import TaskKind
from gateway.flow.mailbox import Box, Mailbox, Vouched
from gateway.flow.ports import Unavailable
from tests.support.answers import CLAIRE, MARC, NEWS, Answers, letter
from tests.support.company import HOST, at_once
from tests.support.people import consent, notice

LIES = replace(NEWS, replies=Replies.MAILBOX)
OFFERS = replace(LIES, name="offers", number=4711, purpose="offres")
OURS = "mx.maison.example"
CONTACT = "contact@maison.example"
PASS = f"{OURS}; dmarc=pass header.from="


@dataclass
class Desk:
    """The desk of one mailbox, over everything in memory."""

    answers: Answers = field(default_factory=lambda: Answers(streams=(LIES, OFFERS)))
    trusted: str = OURS

    def __post_init__(self) -> None:
        given = self.answers
        box = Box("answers", (LIES, OFFERS), self.trusted, frozenset({"maison.example"}))
        vouched = Vouched(box, given.book, given.book, given.identity, given.proofs)
        given.writers._proof = vouched
        self.mailbox = Mailbox(
            box, given.back, given.incoming, vouched, given.book, given.book, given.vault, at_once, given.clock, given.log
        )

    async def lies(self, text: str = "STOP", author: str = CLAIRE, **headers: str) -> bool:
        """Have a mail read that lies there."""
        return await self.mailbox.take(letter(text, author, headers.pop("To", CONTACT), **headers))

    async def known(self, text: str = CLAIRE) -> None:
        """Put somebody on record."""
        await self.answers.book.commit((), (Learn(consent(self.answers.person(text), advertiser="maison"), b""),))

    def quoting(self, text: str = CLAIRE, said: str = "STOP") -> str:
        """An answer that quotes mail of ours to somebody."""
        return (
            f"{said}\r\n\r\nOn Monday Maison wrote:\r\n> News\r\n> https://gateway.example/u/{self.answers.token(text, LIES)}\r\n"
        )

    async def tasks(self) -> list[tuple[TaskKind, bytes]]:
        """What waits for a person, and about whom."""
        return [(task.kind, bytes(task.person)) for task in await self.answers.book.tasks()]


async def test_who_answers_mail_of_ours_is_never_mailed_again_and_thanked() -> None:
    """R-FR-56, R-FR-57: the quoted link says who is meant."""
    desk = Desk()
    assert await desk.lies(desk.quoting())
    assert await desk.answers.oppositions() == [(Block.OPPOSED, Door.REPLY.value)]
    assert desk.answers.mails == [("ack", CLAIRE)]


async def test_the_token_decides_and_never_who_says_they_wrote() -> None:
    """T10: Marc, whoever he is, answers Claire's mail; nobody can vouch for him, so nothing happens to him."""
    desk = Desk()
    assert await desk.lies(desk.quoting(), author=MARC)
    assert await desk.answers.oppositions() == [(Block.OPPOSED, Door.REPLY.value)]
    assert await desk.answers.oppositions(MARC) == []
    assert desk.answers.mails == []


async def test_who_answers_somebody_else_s_mail_is_heard_too_where_it_is_proven() -> None:
    """R-FR-57: the person the mail was sent to, and the one who replies."""
    desk = Desk()
    await desk.known(MARC)
    assert await desk.lies(desk.quoting(), author=MARC, Authentication_Results=f"{PASS}example.net")
    assert await desk.answers.oppositions() == [(Block.OPPOSED, Door.REPLY.value)]
    assert await desk.answers.oppositions(MARC) == [(Block.OPPOSED, Door.REPLY.value)]
    assert desk.answers.mails == [("ack", MARC)]


async def test_a_signature_of_the_author_proves_them_without_a_trusted_server() -> None:
    desk = Desk(trusted="")
    desk.answers.proofs.authors.add(CLAIRE)
    await desk.lies()
    assert await desk.answers.oppositions() == [(Block.OPPOSED, Door.REPLY.value)]


async def test_mail_that_people_must_answer_stays_where_it_lies() -> None:
    """R-FR-57: it lies in their mailbox already, so nobody gets it twice."""
    desk = Desk()
    assert await desk.lies(desk.quoting(said="Do you deliver to Lyon on Saturdays?"))
    assert desk.answers.mails == []
    assert desk.answers.book.kept_mail == []
    assert await desk.tasks() == []


async def test_an_author_our_server_vouches_for_and_whom_we_know_is_heard() -> None:
    """R-FR-57, R-STD-72."""
    desk = Desk()
    await desk.known()
    assert await desk.lies(Authentication_Results=f"{PASS}example.org")
    assert await desk.answers.oppositions() == [(Block.OPPOSED, Door.REPLY.value)]
    assert desk.answers.mails == [("ack", CLAIRE)]


async def test_who_was_written_to_is_known() -> None:
    for change in (
        KeepRoutes(Answers().person(), "offers", b"", Answers().clock.now()),
        GiveNotice(notice(Answers().person(), advertiser="maison")),
    ):
        desk = Desk()
        await desk.answers.book.commit((), (change,))
        assert await desk.lies(Authentication_Results=f"{PASS}example.org")
        assert [block for block, _ in await desk.answers.oppositions()] == [Block.OPPOSED]


@pytest.mark.parametrize(
    "results",
    [
        "",
        f"{OURS}; dmarc=fail header.from=example.org",
        f"{PASS}else.example",
        "mx.else.example; dmarc=pass header.from=example.org",
        f"{OURS}; spf=pass smtp.mailfrom={CLAIRE}",
        f"{OURS}; dkim=pass header.d=else.example",
    ],
)
async def test_a_forged_refusal_changes_nothing_for_anybody_and_waits_for_a_person(results: str) -> None:
    """T10, R-FR-58."""
    desk = Desk()
    await desk.known()
    assert not await desk.lies(Authentication_Results=results)
    assert await desk.answers.oppositions() == []
    assert await desk.tasks() == [(TaskKind.UNCLEAR, b"")]
    assert desk.answers.mails == []
    assert [one.withdrawn_at for one, _ in await desk.answers.book.consents(desk.answers.person())] == [None]


async def test_a_proven_stranger_changes_nothing_and_waits_for_a_person() -> None:
    desk = Desk()
    assert not await desk.lies(Authentication_Results=f"{PASS}example.org")
    assert await desk.answers.oppositions() == []
    assert await desk.tasks() == [(TaskKind.UNCLEAR, b"")]


async def test_a_genuine_mail_to_somebody_else_that_was_sent_on_proves_nothing() -> None:
    desk = Desk()
    await desk.known()
    assert not await desk.lies(Authentication_Results=f"{PASS}example.org", To="shop@else.example")
    assert await desk.answers.oppositions() == []


async def test_without_a_trusted_server_only_tokens_count() -> None:
    desk = Desk(trusted="")
    await desk.known()
    assert not await desk.lies(Authentication_Results=f"{PASS}example.org")
    assert await desk.answers.oppositions() == []
    assert await desk.lies(desk.quoting())
    assert await desk.answers.oppositions() != []


async def test_a_request_about_rights_is_always_put_before_a_person() -> None:
    """R-FR-59."""
    desk = Desk()
    await desk.lies("Please send me a copy of all personal data you hold about me (article 15 GDPR).", author=MARC)
    assert [kind for kind, _ in await desk.tasks()] == [TaskKind.RIGHTS]


async def test_where_tokens_name_several_people_only_the_one_who_writes_is_meant() -> None:
    desk = Desk()
    both = f"STOP\r\n\r\n> https://gateway.example/u/{desk.answers.token(MARC, LIES)}\r\n" + desk.quoting().partition("\r\n")[2]
    assert await desk.lies(both)
    assert await desk.answers.oppositions() == [(Block.OPPOSED, Door.REPLY.value)]
    assert await desk.answers.oppositions(MARC) == []
    assert not await desk.lies(both, author="else@else.example")
    assert await desk.answers.oppositions(MARC) == []
    assert [kind for kind, _ in await desk.tasks()] == [TaskKind.UNCLEAR]


async def test_a_token_that_is_not_genuine_names_nobody() -> None:
    desk = Desk()
    forged = desk.quoting().replace(desk.answers.token(CLAIRE, LIES), "a" * 56)
    assert not await desk.lies(forged)
    assert await desk.answers.oppositions() == []
    assert [kind for kind, _ in await desk.tasks()] == [TaskKind.UNCLEAR]


@pytest.mark.parametrize("name", ["List-Id", "List-Unsubscribe", "Precedence"])
async def test_mail_to_many_is_nobody_s_answer(name: str) -> None:
    """R-FR-62: a copy of a campaign in the mailbox quotes a way out, and refuses nothing."""
    desk = Desk()
    await desk.known()
    value = "bulk" if name == "Precedence" else "<https://else.example>"
    assert not await desk.lies(desk.quoting(), **{name: value, "Authentication_Results": f"{PASS}example.org"})
    assert await desk.answers.oppositions() == []
    assert await desk.tasks() == []
    assert desk.answers.book.events == []


async def test_mail_that_a_gateway_passed_on_is_nobody_s_answer() -> None:
    desk = Desk()
    await desk.lies(desk.quoting(), X_Passed_On_By=HOST)
    assert [event.outcome for event in desk.answers.book.events] == ["loop"]
    assert await desk.answers.oppositions() == []


async def test_an_absence_notice_opposes_nobody() -> None:
    """R-FR-62."""
    desk = Desk()
    await desk.lies(desk.quoting(said="I am away. Please stop writing until Monday."), Auto_Submitted="auto-replied")
    assert await desk.answers.oppositions() == []
    assert await desk.tasks() == []


async def test_a_failure_that_lies_there_is_read_too() -> None:
    """R-STD-63: the token in the returned mail says whose address it was."""
    desk = Desk()
    report = (
        "--x\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        "Final-Recipient: rfc822; claire@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: news@maison.example\r\n"
        f"List-Unsubscribe: <https://gateway.example/u/{desk.answers.token(CLAIRE, LIES)}>\r\n\r\nNews\r\n--x--"
    )
    kind = "multipart/report; report-type=delivery-status; boundary=x"
    await desk.lies(report, author="mailer-daemon@mx.example.org", Return_Path="<>", Precedence="bulk", Content_Type=kind)
    assert [(person, one.status) for person, _, one in desk.answers.reports.bounced] == [(desk.answers.person(), "5.1.1")]
    assert await desk.tasks() == []


async def test_the_same_mail_again_changes_nothing() -> None:
    desk = Desk()
    for _ in range(3):
        assert await desk.lies(desk.quoting())
    assert len(desk.answers.mails) == 1
    assert len([event for event in desk.answers.book.events if event.kind.value == "opposition"]) == 1


async def test_a_mail_that_the_gateway_cannot_read_waits_for_a_person_once() -> None:
    """R-FR-58."""
    desk = Desk()
    for _ in range(2):
        await desk.mailbox.leave(b"whatever it is")
    (task,) = await desk.answers.book.tasks()
    assert (task.kind, task.stream, desk.answers.vault.open(task.sealed)) == (TaskKind.UNCLEAR, LIES.name, b"whatever it is")
    assert [event.outcome for event in desk.answers.book.events] == ["opened"]


async def test_the_place_is_remembered_in_the_book() -> None:
    desk = Desk()
    assert await desk.mailbox.place() == (0, 0)
    await desk.mailbox.move(1_700_000_000, 42)
    assert await Desk(desk.answers).mailbox.place() == (1_700_000_000, 42)
    desk.answers.book.cursors["mailbox:answers"] = "nonsense"
    assert await desk.mailbox.place() == (0, 0)


async def test_a_book_that_fails_has_the_mail_asked_for_again() -> None:
    desk = Desk()
    desk.answers.book.read_only = True
    with pytest.raises(Unavailable):
        await desk.lies(desk.quoting())
    desk.answers.book.read_only = False
    assert await desk.lies(desk.quoting())
    assert await desk.answers.oppositions() == [(Block.OPPOSED, Door.REPLY.value)]
