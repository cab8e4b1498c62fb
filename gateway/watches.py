"""Builds the rooms that look at the outside and at figures from time to time: DNS of sending domains, complaints.

Beside `rooms`, and like it: it starts no task and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.jurisdiction import own_pack
from gateway.core.model import Stream
from gateway.core.policy import Policy
from gateway.core.rulebook import Complaints as Bounds
from gateway.edges.dns import NameServers
from gateway.flow.complaints import Complaints
from gateway.flow.ports import Log
from gateway.flow.preflight import Preflight
from gateway.rooms import CannotStart, Nouns, State
from gateway.settings import Settings
from gateway.settings.identity import impostors, plan


def make_preflight(settings: Settings, state: State, log: Log) -> Preflight:
    """The hourly look at our sending domains; raises KeyFault where a signing key cannot be read."""
    servers = NameServers([(server.host, server.port) for server in settings.gateway.resolver])
    return Preflight(servers, plan(settings), settings.delivery.preflight, log, state.metrics.looked)


def make_complaints(nouns: Nouns, state: State, log: Log) -> Complaints:
    """The watch over complaints, by each stream's own pack."""

    def bounds(stream: Stream) -> Bounds | None:
        return complaint_bounds(nouns.policies, stream)

    return Complaints(state.store.book, nouns.streams, bounds, state.clock, log, state.metrics.complained)


def complaint_bounds(policies: Mapping[str, Policy], stream: Stream) -> Bounds | None:
    """From which share on a stream is warned about or paused; None where its pack does not count complaints."""
    pack = own_pack(policies, stream)
    return None if "R-MBX-10" in pack.off else pack.book.complaints


def refuse_impostors(settings: Settings, nouns: Nouns) -> None:
    """CannotStart where an advertiser would write under a name that is everybody's (R-MBX-07)."""
    for pack in nouns.policies.values():
        for fault in impostors(settings, pack.free_mail_domains):
            raise CannotStart(fault)
