"""Watches one mailbox: reads what is new, goes on where it stopped after any cut, waits for more. Decides nothing about a mail.

A mail is handed over before the place moves on: a crash between the two has it handed over again, which the desk bears.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Protocol

from gateway.edges.imap.session import Account, Folder, Refused, Session, logged_in
from gateway.flow.lease_ports import Overtaken
from gateway.flow.ports import Clock, Log, Unavailable

RETRY = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds before each further try to connect; the last one repeats."""

LONGEST_IDLE = 25 * 60.0
"""Servers log out who says nothing for half an hour (RFC 2177)."""


class Desk(Protocol):
    """Who reads the mails (`flow.mailbox`)."""

    async def place(self) -> tuple[int, int]:
        """The folder's validity and the last number that was read; zeros at the beginning."""

    async def move(self, validity: int, uid: int) -> None:
        """Everything up to this number has been read."""

    async def take(self, data: bytes) -> bool:
        """Read one mail; whether it is about somebody known."""

    async def leave(self, data: bytes) -> None:
        """Have a person read a mail that nothing here can."""


Send = Callable[[Coroutine[Any, Any, bool]], "asyncio.Future[bool]"]
"""Starts an errand whose fault, if it has one, ends nothing but itself (`app.Crew.send`)."""


class Watch:
    """One mailbox; `every` is the longest time between two looks, `look_back` how old mail may be where no place is known.

    `tell` hears whether it can be read: an operator must know when nobody listens to who writes back.
    """

    def __init__(
        self,
        name: str,
        account: Account,
        desk: Desk,
        every: timedelta,
        look_back: timedelta,
        clock: Clock,
        log: Log,
        tell: Callable[[str, bool], None],
        send: Send,
        retry: Sequence[float] = RETRY,
    ) -> None:
        self._name = name
        self._account = account
        self._desk = desk
        self._every = min(every.total_seconds(), LONGEST_IDLE)
        self._look_back = look_back
        self._clock = clock
        self._log = log
        self._tell = tell
        self._send = send
        self._retry = retry
        self._failures = 0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self._visit()
            except Overtaken:
                raise  # another process does this now
            except Unavailable as failure:
                wait = self._retry[min(self._failures, len(self._retry) - 1)]
                self._failures += 1
                self._tell(self._name, False)
                refused = isinstance(failure, Refused)
                self._log.say("mailbox-unread", mailbox=self._name, outside=failure.what, refused=refused, again=wait)
                await asyncio.sleep(wait)

    async def _visit(self) -> None:
        """One connection, as long as it lasts."""
        async with logged_in(self._account) as session:
            folder = await session.open()
            while True:
                await self._read(session, folder)
                self._tell(self._name, True)
                if self._failures:
                    self._log.say("mailbox-read-again", mailbox=self._name)
                    self._failures = 0
                if session.news:
                    continue
                if session.can_idle:
                    await session.wait(self._every)
                else:
                    await asyncio.sleep(self._every)
                    await session.look()

    async def _read(self, session: Session, folder: Folder) -> None:
        """Read everything that is new, one by one, in order."""
        validity, last = await self._desk.place()
        if validity == folder.validity:
            uids = await session.after(last)
        else:
            self._log.say("mailbox-first-look" if not validity else "mailbox-renumbered", mailbox=self._name)
            uids = await session.since(self._clock.now() - self._look_back)
            if not uids:
                await self._desk.move(folder.validity, max(folder.next_uid - 1, 0))
        for uid in uids:
            await self._one(session, folder, uid)
        if uids:
            self._log.say("mailbox-read", mailbox=self._name, mails=len(uids))

    async def _one(self, session: Session, folder: Folder, uid: int) -> None:
        data = await session.fetch(uid)
        if data is not None and await self._taken(data) and folder.markable:
            try:
                await session.mark(uid)
            except Refused:
                self._log.say("mailbox-not-marked", mailbox=self._name)
        await self._desk.move(folder.validity, uid)

    async def _taken(self, data: bytes) -> bool:
        """Hand a mail over. One that shows a fault of ours ends nothing and is not tried for ever: a person reads it."""
        errand = self._send(self._desk.take(data))
        await asyncio.wait((errand,))
        failure = errand.exception()
        if failure is None or isinstance(failure, Unavailable):
            return errand.result()
        self._log.say("mailbox-mail-left", mailbox=self._name, kind=type(failure).__name__)
        await self._desk.leave(data)
        return False
