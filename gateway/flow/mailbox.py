"""A mailbox of the advertiser's own, read by us: finds out whom a mail is about, then does as with any mail that came back.

Most of what lies there is not for us. Whom a mail is about is said by a genuine token in it, or by an author who is proven and
known to the advertiser; without either nothing is changed for anybody, and a refusal waits for a person (R-FR-57, R-FR-58, T10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Protocol

from gateway.core.address import AddressFault, Identity, parse
from gateway.core.answered import Answer
from gateway.core.authentication import proven_author
from gateway.core.change import MoveCursor, OpenTask
from gateway.core.compose import delivery_key
from gateway.core.deadline import due_of, opened
from gateway.core.evidence import Event, Kind
from gateway.core.lying import Lying, read_lying
from gateway.core.model import PersonKey, Stream
from gateway.core.record import Door, Who
from gateway.core.task import TaskKind
from gateway.flow.arrived import Arrived
from gateway.flow.back_ports import Returns
from gateway.flow.ports import Book, Clock, Compute, Log, Vault
from gateway.flow.way_back import Holder, WayBack
from gateway.flow.writer import Proof

UNREADABLE = "an answer that the gateway could not read"


class Takes(Protocol):
    """What `flow.incoming` does."""

    async def take(self, arrived: Arrived) -> None:
        """Everything a mail leads to, recorded; the same mail again changes nothing."""


@dataclass(frozen=True, slots=True)
class Box:
    """One mailbox: `streams` are those whose answers lie there, all of one advertiser; `trusted` names its own mail server.

    `domains` are those its mail is addressed to: mail to somebody else that was sent on proves nothing.
    """

    name: str
    streams: tuple[Stream, ...]
    trusted: str
    domains: frozenset[str]


class Vouched:
    """Who wrote what lies in a mailbox, where it is known; also the `writer.Proof` of whoever takes its mail.

    The word of the mailbox's own server counts for people the advertiser has to do with; for others what `other` proves does.
    """

    def __init__(self, box: Box, book: Book, returns: Returns, identity: Identity, other: Proof) -> None:
        self._box = box
        self._book = book
        self._returns = returns
        self._identity = identity
        self._other = other

    async def author(self, answer: Answer) -> str:
        """The address in From where it is proven; empty otherwise."""
        return answer.author if await self.holder(answer) else await self._other.author(answer)

    async def holder(self, answer: Answer) -> Holder | None:
        """The author, where our own mail server vouches for them and the advertiser has to do with them."""
        if not answer.addressed(self._box.domains):
            return None
        person = self.person(proven_author(answer, self._box.trusted))
        stream = await self._known_in(person) if person else None
        return Holder(person, stream, probe=False) if person and stream else None

    def person(self, text: str) -> PersonKey | None:
        """The key of an address; None for any other text."""
        address = parse(text, smtputf8=True)
        return None if isinstance(address, AddressFault) else self._identity.person(address)

    async def _known_in(self, person: PersonKey) -> Stream | None:
        """In which of the streams the person is known: mail went to them, or the advertiser has them on record."""
        for stream in self._box.streams:
            if await self._returns.routes(person, stream.name) is not None:
                return stream
        advertiser = self._box.streams[0].advertiser.name
        purposes = {consent.purpose for consent, _ in await self._book.consents(person, advertiser)}
        (facts,) = await self._book.facts(advertiser, (Who(person),))
        if purposes or facts.notices or facts.oppositions or facts.last_act:
            return self._of(purposes)
        return None

    def _of(self, purposes: set[str]) -> Stream:
        streams: Sequence[Stream] = [one for one in self._box.streams if one.purpose in purposes]
        return (streams or self._box.streams)[0]


class Mailbox:
    """Implements the desk of a watch; every method may raise Unavailable."""

    def __init__(
        self,
        box: Box,
        way_back: WayBack,
        incoming: Takes,
        vouched: Vouched,
        book: Book,
        returns: Returns,
        vault: Vault,
        compute: Compute,
        clock: Clock,
        log: Log,
    ) -> None:
        self._box = box
        self._way_back = way_back
        self._incoming = incoming
        self._vouched = vouched
        self._book = book
        self._returns = returns
        self._vault = vault
        self._compute = compute
        self._clock = clock
        self._log = log
        self._cursor = f"mailbox:{box.name}"

    async def place(self) -> tuple[int, int]:
        """Under which validity, and up to which number, the folder has been read; zeros at the beginning."""
        words = (await self._returns.cursor(self._cursor)).split()
        return (int(words[0]), int(words[1])) if len(words) == 2 and all(word.isdecimal() for word in words) else (0, 0)

    async def move(self, validity: int, uid: int) -> None:
        """Remember how far it has been read: after what each mail led to, so that a crash repeats and never skips."""
        await self._book.commit((), (MoveCursor(self._cursor, f"{validity} {uid}"),))

    async def take(self, data: bytes) -> bool:
        """Do what a mail means; whether it is about somebody the gateway knows."""
        lying = await self._compute(len(data), partial(read_lying, data))
        if lying.circular:
            self._log.say("mail to many", mailbox=self._box.name)
            return False
        holder = self._named(lying) or await self._vouched.holder(lying.answer)
        await self._incoming.take(
            Arrived(data, lying.sender, holder, Door.REPLY, mailbox=self._box.name, stream=self._box.streams[0])
        )
        return holder is not None

    async def leave(self, data: bytes) -> None:
        """Have a person read a mail that the gateway cannot: it may be a refusal (R-FR-58)."""
        now, kind, stream = self._clock.now(), TaskKind.UNCLEAR, self._box.streams[0]
        once = delivery_key("left", (self._box.name, await self._compute(len(data), lambda: sha256(data).digest())))
        task = opened(once, kind, PersonKey(b""), stream, (), UNREADABLE, now, due_of(kind, now), self._vault.seal(data))
        if await self._returns.task(task.id) is None:
            detail = f"task={task.id}; kind={kind.value}; due={task.due_at.date().isoformat()}"
            event = Event(
                now, Kind.TASK, "opened", stream=task.stream, advertiser=task.advertiser, rules=("R-FR-58",), detail=detail
            )
            await self._book.commit((event,), (OpenTask(task),))

    def _named(self, lying: Lying) -> Holder | None:
        """Whom a token in the mail names. Where tokens name several people, the author if they are one of them, else nobody."""
        genuine = [one for token in lying.tokens if (one := self._way_back.who_is(token)) is not None and not one.probe]
        people = {one.person for one in genuine}
        if len(people) > 1:
            author = self._vouched.person(lying.answer.author)
            genuine = [one for one in genuine if one.person == author]
        return genuine[0] if genuine else None
