"""Mails the notice of rights, and nothing else, to people who must be told and whom no campaign has told in time (R-FR-32).

Information only, by the gateway's own mail; it counts as given when the provider took it (R-FR-31). Who opposed, complained, had
the processing restricted or has no mailbox any more is left alone, and stays on the list for the DPO.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.core.address import Address, AddressFault, parse
from gateway.core.duration import Duration
from gateway.core.evidence import Kind, parse_event
from gateway.core.own_mail import MailKind
from gateway.flow.own_mail import LIFE, OwnMail
from gateway.flow.partners import DueNotice, NoticesDue
from gateway.flow.ports import Clock, Journal, Vault


class State(StrEnum):
    """What became of one due notice."""

    SENT = "sent"
    UNDER_WAY = "under-way"
    STOPPED = "stopped"
    NO_ADDRESS = "no-address"


@dataclass(frozen=True, slots=True)
class Noticed:
    """One due notice and what became of it."""

    notice: DueNotice
    state: State


class RightsNotices:
    """The journey of the information-only notice."""

    def __init__(self, due: NoticesDue, own_mail: OwnMail, journal: Journal, vault: Vault, clock: Clock) -> None:
        self._due = due
        self._own_mail = own_mail
        self._journal = journal
        self._vault = vault
        self._clock = clock

    async def run(self, advertiser: str, within: Duration | None = None, dry: bool = False) -> AsyncIterator[Noticed]:
        """Mail everybody listed for this advertiser, one notice a person at a time; a dry run tells what it would do.

        Unavailable where a mail cannot be written: those before it are on their way, a new run goes on from there.
        """
        async for notice in self._due.listed(self._clock.now(), within):
            if notice.advertiser == advertiser:
                yield Noticed(notice, await self._one(notice, dry))

    async def _one(self, notice: DueNotice, dry: bool) -> State:
        if notice.stopped:
            return State.STOPPED
        address = self._address(notice)
        if address is None:
            return State.NO_ADDRESS
        if await self._under_way(notice, self._clock.now()):
            return State.UNDER_WAY
        if not dry:
            words = {"source": notice.source}
            await self._own_mail.send(MailKind.RIGHTS_NOTICE, notice.stream, notice.person, address, words, notice.language)
        return State.SENT

    def _address(self, notice: DueNotice) -> Address | None:
        if not notice.sealed_address:
            return None
        address = parse(self._vault.open(notice.sealed_address).decode(), smtputf8=True)
        return None if isinstance(address, AddressFault) else address

    async def _under_way(self, notice: DueNotice, now: datetime) -> bool:
        """Whether one was mailed so lately that it may still be on its way."""
        for entry in await self._journal.of_person(notice.person):
            event = parse_event(entry.body)
            if (
                event is not None
                and (event.kind, event.outcome) == (Kind.NOTICE, MailKind.RIGHTS_NOTICE.value)
                and event.advertiser == notice.advertiser
                and now - event.at < LIFE
            ):
                return True
        return False
