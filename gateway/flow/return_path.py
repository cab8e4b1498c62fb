"""What a failure that came back to our own return path leads to, beside what it says of the mailbox (`bounces`).

A notice in that mail was not given (R-FR-31), and the tool hears of it where it wanted to (R-STD-56). Only the person whom the
token names is meant, and only what our own records know of the mail is passed on: a report is foreign (R-STD-63, R-STD-69).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial

from gateway.core.change import OpenTask, Remember, TakeBackNotice
from gateway.core.compose import delivery_key
from gateway.core.deadline import due_of, opened, task_id
from gateway.core.evidence import Event, Kind, read_event
from gateway.core.model import PersonKey, Stream
from gateway.core.record import NoticeGiven, Who
from gateway.core.return_path import TOLD_BY_MAIL, attempt_of, digest_of, named, not_given, orcpt, wrote_ourselves
from gateway.core.routes import Routes, read_routes
from gateway.core.signal import Reported
from gateway.core.task import TaskKind
from gateway.flow.arrived import Came
from gateway.flow.back_ports import Returns
from gateway.flow.bounces import MEMORY
from gateway.flow.notify import CameBack, Notifications
from gateway.flow.ports import Book, Clock, Compute, Entry, Journal, Log, Unavailable, Vault

KeyOf = Callable[[str], PersonKey | None]
"""The key of an address that a mail names; None where it is none (`writer.Writers.key_of`)."""

NO_ROUTES = Routes()
_OF_MAIL = (b'"kind":"attempt"', b'"kind":"outcome"')
UNREAD = "mail to a return path that is no report, and nobody to pass it on to"


class ReturnPath:
    """Settles failures. `inbound` are the domains that lead back to us, where nothing is reported to (T15)."""

    def __init__(
        self,
        book: Book,
        journal: Journal,
        returns: Returns,
        vault: Vault,
        key_of: KeyOf,
        notifications: Notifications,
        compute: Compute,
        inbound: Set[str],
        hostname: str,
        clock: Clock,
        log: Log,
    ) -> None:
        self._book = book
        self._journal = journal
        self._returns = returns
        self._vault = vault
        self._key_of = key_of
        self._notifications = notifications
        self._compute = compute
        self._inbound = inbound
        self._hostname = hostname
        self._clock = clock
        self._log = log

    async def failed(self, came: Came, reported: Reported, message_id: str) -> None:
        """Settle one final failure of the mail of that Message-ID, empty where the report does not tell; again, it does nothing."""
        if came.holder is None or came.holder.stream is None:
            return
        person, stream = came.holder.person, came.holder.stream
        (facts,) = await self._book.facts(stream.advertiser.name, [Who(person)])
        notices = [one for one in facts.notices if one.kind in TOLD_BY_MAIL]
        trail = await self._trail(person, message_id, whole=bool(notices))
        if unsaid := not_given(notices, trail, message_id, self._clock.now()):
            await self._take_back(came, person, stream, unsaid)
        if not wrote_ourselves(message_id, self._hostname):
            await self._tell(came, person, stream, reported, attempt_of(trail, message_id), message_id)

    async def leave(self, came: Came) -> None:
        """Have somebody read what came to a return path and could be sent to nobody; the same mail opens one task (R-STD-56)."""
        if await self._returns.task(task_id(came.key, TaskKind.MAIL)) is not None:
            return
        now, holder = self._clock.now(), came.holder
        sealed = await self._compute(len(came.arrived.data), partial(self._vault.seal, came.whole))
        person = holder.person if holder else PersonKey(b"")
        task = opened(came.key, TaskKind.MAIL, person, came.stream, (), UNREAD, now, due_of(TaskKind.MAIL, now), sealed)
        detail = f"task={task.id}; kind={task.kind.value}; due={task.due_at.date().isoformat()}"
        event = Event(
            now,
            Kind.TASK,
            "opened",
            stream=task.stream,
            advertiser=task.advertiser,
            person=person.hex(),
            rules=("R-STD-56",),
            detail=detail,
        )
        await self._book.commit([event], [OpenTask(task)])

    async def _trail(self, person: PersonKey, message_id: str, *, whole: bool) -> Mapping[str, Event]:
        """The person's entries about that mail, or about every mail to them: all they were ever sent, so not read on the loop."""
        entries = await self._journal.of_person(person)
        return await self._compute(sum(len(one.body) for one in entries), partial(_events, entries, digest_of(message_id), whole))

    # Notices

    async def _take_back(self, came: Came, person: PersonKey, stream: Stream, unsaid: Sequence[NoticeGiven]) -> None:
        """What was in the mail that came back was not told: it is due again (R-FR-31)."""
        told = " ".join(sorted({one.kind.value for one in unsaid}))
        event = self._event(came, person, stream, "notice-not-given", ("R-FR-31",), told)
        await self._book.commit([event], [TakeBackNotice(one) for one in unsaid])
        self._log.say("notice not given", stream=stream.name, notices=len(unsaid))

    # The tool

    async def _tell(
        self, came: Came, person: PersonKey, stream: Stream, reported: Reported, attempt: Event | None, message_id: str
    ) -> None:
        """Report it to where the tool wanted failures, once a report."""
        once = delivery_key("told the tool", (came.key,))
        if await self._returns.remembered([once], self._clock.now() - MEMORY):
            return
        routes = await self._routes(person, stream)
        if not self._reachable(routes.return_path):
            return
        recipient = await self._address(person, reported)
        if not recipient:
            self._log.say("tool-not-told", stream=stream.name, reason="recipient unknown")
            return
        now = self._clock.now()
        fields = [f"To: <{recipient}>", *([f"Message-ID: {message_id}"] if attempt else ())]
        back = CameBack(
            stream,
            routes,
            recipient,
            orcpt(recipient) if recipient == reported.original else "",
            reported.status,
            "".join(f"{field}\r\n" for field in fields).encode(),
            attempt.at if attempt else now,
            once.hex(),
        )
        await self._notifications.returned(back)
        event = self._event(came, person, stream, "tool-told", ("R-STD-56", "R-STD-57"), "")
        await self._book.commit([event], [Remember(once, now)])

    def _reachable(self, path: str) -> bool:
        """Whether there is a return path, and one that does not lead back to us."""
        return bool(path) and path.rpartition("@")[2].lower() not in self._inbound

    async def _routes(self, person: PersonKey, stream: Stream) -> Routes:
        """What the tool asked for with its latest mail to the person, as far as that is still known."""
        sealed = await self._returns.routes(person, stream.name)
        return read_routes(self._opened(sealed)) if sealed else NO_ROUTES

    async def _address(self, person: PersonKey, reported: Reported) -> str:
        """The person's own address: as the report writes it, else as it was collected; never somebody else's."""
        if found := named(reported, lambda text: self._key_of(text) == person):
            return found
        kept: Sequence[bytes] = [sealed for _, sealed in await self._book.consents(person) if sealed]
        texts = (self._opened(sealed).decode("utf-8", "replace") for sealed in reversed(kept))
        return next((text for text in texts if self._key_of(text) == person), "")

    def _opened(self, sealed: bytes) -> bytes:
        """What was sealed; nothing where its key is gone."""
        try:
            return self._vault.open(sealed)
        except Unavailable:
            return b""

    def _event(self, came: Came, person: PersonKey, stream: Stream, outcome: str, rules: tuple[str, ...], detail: str) -> Event:
        return Event(
            self._clock.now(),
            Kind.RETURN,
            outcome,
            stream=stream.name,
            advertiser=stream.advertiser.name,
            category=stream.category.value,
            person=person.hex(),
            rules=rules,
            body=came.digest.hex(),
            door=came.arrived.door.value,
            detail=detail,
        )


def _events(entries: Sequence[Entry], digest: str, whole: bool) -> Mapping[str, Event]:
    """By reference, the events that name the mail of that digest, or all about mail."""
    marks = _OF_MAIL if whole else (digest.encode(),) if digest else ()
    found = ((f"{one.writer}-{one.seq}", read_event(one.body)) for one in entries if any(mark in one.body for mark in marks))
    return {ref: event for ref, event in found if event is not None}
