"""One mail that came back, from its bytes to everything it leads to: recorded first, answered after (R-FR-56 to R-FR-62).

Where it came in does not matter: at an address of ours, in a watched mailbox, with a provider's event. The token decides who is
meant (T10). The last write remembers that the mail was taken: a crash before it has the mail sent again, and nothing done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Protocol

from gateway.core.answered import read_answer, went_round
from gateway.core.change import Change, KeepForPerson, Remember
from gateway.core.compose import delivery_key
from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey, Stream
from gateway.core.record import Door
from gateway.core.return_path import concerning
from gateway.core.signal import Reported, Signal, Signals, Told
from gateway.flow.arrived import Arrived, Came
from gateway.flow.back_ports import Returns
from gateway.flow.passing_on import PassingOn
from gateway.flow.ports import Book, Clock, Compute, Log, Unavailable, Vault
from gateway.flow.replies import Replies
from gateway.flow.return_path import ReturnPath
from gateway.flow.way_back import Holder, WayBack
from gateway.flow.writer import Writers

__all__ = ["Arrived", "Incoming", "is_act"]

KEPT = "replies"
"""The mailbox where mail is kept that nobody can read for sure, or that goes round."""

MEMORY = timedelta(days=100)
"""For how long a mail that was taken is known again; the store forgets no earlier."""

AUTOMATIC = frozenset({Told.AUTO_REPLY, Told.RECEIPT, Told.CHALLENGE_RESPONSE, Told.DELIVERED, Told.DELAYED})
REPORTS = AUTOMATIC | {Told.BOUNCE, Told.COMPLAINT, Told.AUTH_FAILURE_REPORT}
_RULES = {Told.BOUNCE: ("R-STD-63", "R-STD-64"), Told.COMPLAINT: ("R-STD-65", "R-STD-66")}

Reader = Callable[[bytes, str | None], Signals]
"""`core.incoming.read_mail`, with its understanding of replies."""


class BounceDesk(Protocol):
    """Takes reports about addresses (`flow.bounces`)."""

    async def take(
        self, person: PersonKey, stream: Stream | None, advertiser: str, reported: Reported, at: datetime, door: Door, key: bytes
    ) -> None:
        """One failure report; the same `key` again changes nothing."""

    async def complain(
        self, person: PersonKey, stream: Stream | None, advertiser: str, provider: str, at: datetime, key: bytes
    ) -> None:
        """One complaint; the same `key` again changes nothing."""


class Incoming:
    """Takes what comes back; Unavailable where it is not recorded, and then the mail must be asked for again."""

    def __init__(
        self,
        way_back: WayBack,
        book: Book,
        returns: Returns,
        vault: Vault,
        reader: Reader,
        writers: Writers,
        replies: Replies,
        passing_on: PassingOn,
        bounces: BounceDesk,
        compute: Compute,
        hostname: str,
        clock: Clock,
        log: Log,
        return_path: ReturnPath | None = None,
    ) -> None:
        self._return_path = return_path
        self._way_back = way_back
        self._book = book
        self._returns = returns
        self._vault = vault
        self._reader = reader
        self._writers = writers
        self._replies = replies
        self._passing_on = passing_on
        self._bounces = bounces
        self._compute = compute
        self._hostname = hostname
        self._clock = clock
        self._log = log
        self._under_way: set[bytes] = set()

    async def take(self, arrived: Arrived) -> None:
        """Do and record everything this mail means; the same mail to the same address again does nothing."""
        at = arrived.at or self._clock.now()
        digest = await self._compute(len(arrived.data), lambda: sha256(arrived.data).digest())
        key = _key(arrived, digest)
        if await self._returns.remembered((key,), self._clock.now() - MEMORY):
            self._log.say("mail came again", door=arrived.door.value)
            return
        if key in self._under_way:
            raise Unavailable("first delivery")  # two connections bring it at once: whoever comes second asks again
        self._under_way.add(key)
        try:
            came = await self._compute(len(arrived.data), partial(self._read, arrived, digest, key))
            await self._settle(replace(came, at=at))
        finally:
            self._under_way.discard(key)

    def _read(self, arrived: Arrived, digest: bytes, key: bytes) -> Came:
        signals = self._reader(arrived.data, arrived.sender)
        holder = arrived.holder or self._named(signals)
        return Came(arrived, read_answer(arrived.data), signals, digest, key, holder)

    def _named(self, signals: Signals) -> Holder | None:
        """Whom a mail is about whose address does not say it: the first genuine token the reader found (R-STD-63)."""
        holders = (self._way_back.who_is(token) for signal in signals for token in signal.tokens)
        return next((one for one in holders if one is not None and not one.probe), None)

    async def _settle(self, came: Came) -> None:
        event, changes = await self._led_to(came)
        await self._book.commit([event], [*changes, Remember(came.key, self._clock.now())])
        self._log.say("mail came back", told=event.outcome, door=event.door, stream=event.stream)

    async def _led_to(self, came: Came) -> tuple[Event, Sequence[Change]]:
        """What is left to write when everything the mail asks for is done."""
        first = came.signals[0]
        if went_round(came.answer, self._hostname):
            return self._event(came, "loop", ("R-STD-20",)), await self._kept(came)
        if came.arrived.door is Door.MAILTO and not is_act(came.arrived.sender, first):
            return replace(self._event(came, "no-act", ("R-FR-62",)), kind=Kind.DECISION), ()
        if came.arrived.door is not Door.MAILTO:
            if first.told in REPORTS:
                await self._reports(came)
                return self._event(came, first.told.value, _RULES.get(first.told, ("R-FR-62", "R-STD-60"))), ()
            if first.told is Told.MALFORMED:
                return self._event(came, first.told.value, ("R-STD-69",)), await self._kept(came)
            if first.machine and first.told is Told.UNCLEAR:
                return self._event(came, "unrecognised", ("R-STD-56",)), await self._for_a_person(came)
        settled = await self._replies.take(as_answer(came))
        left = await self._for_a_person(came) if settled.human else ()
        return self._event(came, first.told.value, settled.rules), (*settled.changes, *left)

    async def _reports(self, came: Came) -> None:
        """Failures and complaints change something only for whom a valid token names (R-STD-63, R-STD-66)."""
        holder, now = came.holder, self._clock.now()
        if holder is None or holder.probe:
            return
        advertiser = holder.stream.advertiser.name if holder.stream else ""
        about = holder.person, holder.stream, advertiser
        for number, signal in enumerate(came.signals):
            once = delivery_key("report", (came.key, str(number)))
            if signal.told is Told.COMPLAINT:
                await self._bounces.complain(*about, signal.provider, now, once)
            elif signal.told is Told.BOUNCE and (signal.reported or came.arrived.door is Door.BOUNCE):
                worst = concerning(signal.reported, lambda text: self._writers.key_of(text) == holder.person)
                await self._bounces.take(*about, worst, now, Door.BOUNCE, once)
                if self._return_path is not None:
                    await self._return_path.failed(came, worst, signal.message_id)

    async def _for_a_person(self, came: Came) -> Sequence[Change]:
        """Pass it on to people; where there is nobody to pass it on to, what came to a return path becomes a task (R-STD-56)."""
        if await self._passed_on(came):
            return ()
        if self._return_path is None or came.arrived.door is not Door.BOUNCE:
            return await self._kept(came)
        await self._return_path.leave(came)
        return ()

    async def _passed_on(self, came: Came) -> bool:
        """Whether people will read it: passed on now, or lying in their mailbox already."""
        if came.arrived.mailbox:
            return True
        if came.holder is None or came.holder.stream is None:
            return False
        return await self._passing_on.pass_on(came.holder.stream, came.holder.person, came.answer, f"reply-{came.key.hex()}")

    async def _kept(self, came: Came) -> Sequence[Change]:
        """The mail, sealed for a person to read; one that lies in the advertiser's own mailbox is left there."""
        if came.arrived.mailbox:
            return ()
        sealed = await self._compute(len(came.arrived.data), partial(self._vault.seal, came.whole))
        return (KeepForPerson(KEPT, sealed, self._clock.now()),)

    def _event(self, came: Came, outcome: str, rules: tuple[str, ...]) -> Event:
        stream, holder = came.stream, came.holder
        known = self._writers.claimed(came.answer, holder).known
        who = "" if holder is None else "from the person" if known else "from another address"
        why = "; ".join(signal.why for signal in came.signals)[:200]
        return Event(
            self._clock.now(),
            Kind.RETURN,
            outcome,
            stream=stream.name if stream else "",
            advertiser=stream.advertiser.name if stream else "",
            category=stream.category.value if stream else "",
            person=holder.person.hex() if holder else "",
            rules=rules,
            body=came.digest.hex(),
            door=came.arrived.door.value,
            detail="; ".join(part for part in (why, who) if part),
        )


def as_answer(came: Came) -> Came:
    """What a person writes to a return path is an answer like any other, and no report of a dead mailbox."""
    return replace(came, arrived=replace(came.arrived, door=Door.REPLY)) if came.arrived.door is Door.BOUNCE else came


def _key(arrived: Arrived, digest: bytes) -> bytes:
    """What a mail is remembered under: its bytes, to this person's address in this stream."""
    holder = arrived.holder
    who = (holder.person, holder.stream.name if holder.stream else "") if holder else (arrived.mailbox,)
    return delivery_key("came back", (digest, arrived.door.value, *who))


def is_act(sender: str | None, first: Signal) -> bool:
    """Whether mail to an opt-out address is an act of the person (R-FR-62, R-STD-68).

    A report or a null sender is not, with one exception: Apple Mail unsubscribes by a mail of its own that says `auto-replied`,
    which the reader knows. Other automatic mail counts: only a List-Unsubscribe header leads to this address, and nobody answers
    to it by vacation notice.
    """
    if first.told in REPORTS - {Told.AUTO_REPLY} or (first.machine and first.told is Told.UNCLEAR):
        return False
    return bool(sender) or first.told is Told.OPT_OUT
