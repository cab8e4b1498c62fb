"""Builds what one process does for all that share a store: the keeper, and the jobs that it has done under its lease.

Beside `rooms`, and like it: it starts no task and decides nothing. Every job of a term is built anew, around a book that writes
under the term's lease, so that no path leads from it to an unfenced write.
"""

from __future__ import annotations

import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from gateway.archive_rooms import open_archive
from gateway.edges.imap.watch import Send
from gateway.flow.daily import Daily
from gateway.flow.every_day import LEASE as DAILY
from gateway.flow.every_day import EveryDay
from gateway.flow.keeper import Keeper, Start
from gateway.flow.lease_ports import Lease
from gateway.flow.ports import Clock, Log
from gateway.mailbox_rooms import make_watches, prove_accounts
from gateway.partner_rooms import make_courier, make_lines, make_partner_door, make_recognising
from gateway.provider_rooms import make_bounces
from gateway.returns_rooms import make_way_back
from gateway.rooms import Journeys, Nouns, State, make_daily, make_enrolling
from gateway.settings import Settings
from gateway.store_rooms import make_backups
from gateway.watches import make_complaints


@dataclass(frozen=True, slots=True)
class Duties:
    """What a process needs to be the keeper; `owner` as in `Leases.take`, `start` and `send` of its crew."""

    settings: Settings
    nouns: Nouns
    state: State
    journeys: Journeys
    public_url: str
    owner: str
    start: Start
    send: Send
    log: Log

    def prove(self) -> None:
        """CannotStart where something is missing that the keeper will need: said at the start, whoever will be the keeper."""
        prove_accounts(self.settings)
        make_lines(self.settings)
        open_archive(self.settings.archive)

    def keeper(self, name: str = "keeper") -> Keeper:
        """Who holds the lease of this name for the process."""
        return Keeper(self.state.store.leases, name, self.owner, self.start, self.state.clock, self.log)

    def jobs(self, lease: Lease, after: float, look: float) -> list[Coroutine[Any, Any, None]]:
        """The jobs of one term, each of which never ends; the day's is looked for after so many seconds, and every `look`."""
        settings, nouns, log = self.settings, self.nouns, self.log
        state, journeys = self._under(lease)
        way_back, bounces = make_way_back(nouns, state, log), make_bounces(settings, nouns, state, log)
        days = EveryDay(self.keeper(DAILY), self._daily, state.store.book, state.store.returns, state.clock, log)
        watches = make_watches(settings, nouns, state, way_back, journeys, bounces, log, self.send)
        backups = make_backups(settings, state.keys, state.store.book, state.clock, log, state.metrics)
        return [
            make_complaints(nouns, state, log).run(),
            make_courier(settings, nouns, state, journeys.own_mail, make_lines(settings), log).run(),
            make_recognising(nouns, state, make_partner_door(nouns, state, log), log).run(),
            days.run(after, look),
            *(watch.run() for watch in watches),
            *([backups.run(after, look)] if backups else []),
        ]

    def _daily(self, lease: Lease) -> Daily:
        state, journeys = self._under(lease)
        book, vault = state.store.book, state.keys.vault
        enrolling = make_enrolling(self.nouns, book, journeys.own_mail, state.identity, vault, self.public_url, state.clock)
        return make_daily(self.settings, self.nouns, state, enrolling, journeys.own_mail)

    def _under(self, lease: Lease) -> tuple[State, Journeys]:
        """The rooms again, around a book that writes under the lease."""
        state = replace(self.state, store=self.state.store.under(lease))
        return state, replace(self.journeys, own_mail=self.journeys.own_mail.under(state.store.book))


def new_owner(settings: Settings, worker: int, clock: Clock) -> str:
    """A worker of a node, and this run of it, which sorts behind those before it."""
    return f"{settings.gateway.node}{worker}/{clock.now().isoformat(timespec='microseconds')}-{secrets.token_hex(4)}"
