"""Tells a person once that what they asked is done (R-FR-57, R-FR-60); never a machine, never twice in a week (R-STD-61, T15).

Only an address that is known to be the writer's is answered: a forged From gets nothing.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.acknowledge import spoken_in
from gateway.core.answered import Answer, silent
from gateway.core.change import Remember
from gateway.core.compose import delivery_key
from gateway.core.model import Stream
from gateway.core.own_mail import MailKind, say_day
from gateway.flow.back_ports import Returns
from gateway.flow.own_mail import CannotWrite, OwnMail
from gateway.flow.ports import Clock, Log
from gateway.flow.writer import Writer

ONCE_IN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Did:
    """What was done for a person: their opposition is recorded, their request is due by a date."""

    opposed: bool
    due: datetime | None = None


class Acknowledge:
    """Writes acknowledgements; `ours` are domains of ours and of the advertisers."""

    def __init__(self, own_mail: OwnMail, returns: Returns, ours: Set[str], clock: Clock, log: Log) -> None:
        self._own_mail = own_mail
        self._returns = returns
        self._ours = ours
        self._clock = clock
        self._log = log

    async def tell(
        self, stream: Stream, writer: Writer, answer: Answer, sender: str | None, did: Did, language: str = ""
    ) -> Sequence[Remember]:
        """Put the mail into the spool; what to remember of it, nothing where none goes. Unavailable where it cannot be kept."""
        if writer.address is None or writer.person is None or not writer.sure:
            return ()
        if why := silent(answer, sender, self._ours):
            self._log.say("not acknowledged", stream=stream.name, why=why)
            return ()
        now, key = self._clock.now(), delivery_key("acknowledged", (writer.person,))
        if await self._returns.remembered((key,), now - ONCE_IN):
            self._log.say("acknowledged before", stream=stream.name)
            return ()
        spoken = spoken_in(MailKind.ACK, language or stream.language)
        words = {
            "opposed": "yes" if did.opposed else "",
            "rights": "yes" if did.due else "",
            "on": say_day(now, spoken),
            "due": say_day(did.due, spoken) if did.due else "",
            "message_id": answer.message_id.decode("ascii", "replace"),
            "thread": answer.thread.decode("ascii", "replace"),
        }
        try:
            await self._own_mail.send(
                MailKind.ACK, stream, writer.person, writer.address, words, spoken, once=f"ack-{writer.person.hex()}"
            )
        except CannotWrite:
            self._log.say("acknowledgement cannot be written", stream=stream.name)
            return ()
        return (Remember(key, now),)
