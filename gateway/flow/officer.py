"""Tells the data protection officer by mail that a task waits: its id and its date, not a word of the person (R-FR-59, R-FR-61)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.acknowledge import spoken_in
from gateway.core.address import AddressFault, Identity, parse
from gateway.core.model import Stream
from gateway.core.own_mail import MailKind, say_day
from gateway.core.reply_to import contact_address
from gateway.core.task import Task
from gateway.flow.own_mail import CannotWrite, OwnMail

NOBODY_DEAD: frozenset[str] = frozenset()


class Officer:
    """Writes to each advertiser's own officer, where one has a mail address."""

    def __init__(self, own_mail: OwnMail, identity: Identity, streams: Mapping[str, Stream]) -> None:
        self._own_mail = own_mail
        self._identity = identity
        self._streams = streams

    async def tell(self, task: Task, late: bool = False) -> bool:
        """Whether a mail about the task is on its way; Unavailable where it could not be kept."""
        stream = self._stream(task)
        address = parse(contact_address(stream.advertiser.dpo, NOBODY_DEAD)) if stream else AddressFault.SYNTAX
        if stream is None or isinstance(address, AddressFault):
            return False
        language = spoken_in(MailKind.TASK, stream.language)
        words = {
            "task": task.id,
            "on": say_day(task.opened_at, language),
            "due": say_day(task.due_at, language),
            "late": "yes" if late else "",
        }
        once = f"task-{task.id}{'-late' if late else ''}"
        try:
            await self._own_mail.send(MailKind.TASK, stream, self._identity.person(address), address, words, language, once=once)
        except CannotWrite:
            return False
        return True

    def _stream(self, task: Task) -> Stream | None:
        """The stream a task came from, or another of its advertiser."""
        named = self._streams.get(task.stream)
        return named or next((one for one in self._streams.values() if one.advertiser.name == task.advertiser), None)
