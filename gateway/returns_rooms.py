"""Builds the rooms of the way back: who hears an opposition, reads what comes in, and tells those who hold the address.

Like `rooms` it starts no task and decides nothing; `app` starts what is built here.
"""

from __future__ import annotations

from gateway.core.deadline import UNCLEAR_WITHIN
from gateway.core.duration import parse_duration
from gateway.core.incoming import read_mail
from gateway.core.signal import Signals
from gateway.edges.author_check import AuthorCheck
from gateway.edges.dns import NameServers
from gateway.edges.intent_file import load_understanding
from gateway.flow.acknowledge import Acknowledge
from gateway.flow.incoming import BounceDesk, Incoming, Reader
from gateway.flow.officer import Officer
from gateway.flow.passing_on import PassingOn
from gateway.flow.ports import Log
from gateway.flow.replies import Replies
from gateway.flow.return_path import ReturnPath
from gateway.flow.way_back import WayBack
from gateway.flow.writer import Proof, Writers
from gateway.rooms import Journeys, Nouns, State
from gateway.settings import Settings


def make_way_back(nouns: Nouns, state: State, log: Log) -> WayBack:
    """The journey of one sign from a recipient."""
    streams = {stream.number: stream for stream in nouns.streams.values()}
    partners = tuple(nouns.partners.values())
    return WayBack(state.store.book, state.keys.token_keys, streams, partners, state.clock, state.metrics, log)


def own_domains(settings: Settings, nouns: Nouns) -> frozenset[str]:
    """Domains of ours and of the advertisers, where nothing automatic is ever sent to."""
    inbound = (settings.inbound.domain,) if settings.inbound.domain else ()
    return frozenset(inbound) | {domain for stream in nouns.streams.values() for domain in stream.advertiser.from_domains}


def make_incoming(
    settings: Settings,
    nouns: Nouns,
    state: State,
    way_back: WayBack,
    journeys: Journeys,
    bounces: BounceDesk,
    log: Log,
    proof: Proof | None = None,
) -> Incoming:
    """What takes every mail that comes back; `proof` says who wrote where that is known otherwise than by DKIM and DNS."""
    servers = NameServers([(server.host, server.port) for server in settings.gateway.resolver])
    writers = Writers(state.identity, proof or AuthorCheck(servers, state.compute), own_domains(settings, nouns))
    inbound = frozenset({settings.inbound.domain.lower()} if settings.inbound.domain else ())
    returns, vault = state.store.returns, state.keys.vault
    return Incoming(
        way_back,
        state.store.book,
        returns,
        vault,
        _reader(),
        writers,
        _replies(settings, nouns, state, way_back, journeys, writers, log),
        PassingOn(journeys.own_mail, returns, vault, inbound, log),
        bounces,
        state.compute,
        nouns.hostname,
        state.clock,
        log,
        _return_path(nouns, state, journeys, writers, inbound, log),
    )


def _reader() -> Reader:
    understanding = load_understanding()

    def read(data: bytes, sender: str | None) -> Signals:
        return read_mail(data, sender, understanding)

    return read


def _replies(
    settings: Settings, nouns: Nouns, state: State, way_back: WayBack, journeys: Journeys, writers: Writers, log: Log
) -> Replies:
    returns, own_mail, clock = state.store.returns, journeys.own_mail, state.clock
    return Replies(
        way_back,
        state.store.book,
        returns,
        state.keys.vault,
        writers,
        Acknowledge(own_mail, returns, own_domains(settings, nouns), clock, log),
        Officer(own_mail, state.identity, nouns.streams),
        state.compute,
        clock,
        log,
        parse_duration(settings.replies.unclear_within) or UNCLEAR_WITHIN,
    )


def _return_path(nouns: Nouns, state: State, journeys: Journeys, writers: Writers, inbound: frozenset[str], log: Log) -> ReturnPath:
    store, notifications = state.store, journeys.notifications
    return ReturnPath(
        store.book,
        store.journal,
        store.returns,
        state.keys.vault,
        writers.key_of,
        notifications,
        state.compute,
        inbound,
        nouns.hostname,
        state.clock,
        log,
    )
