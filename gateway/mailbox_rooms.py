"""Builds the watches of mailboxes that answers come to. Like `rooms` it starts no task and decides nothing."""

from __future__ import annotations

from gateway.core.model import Stream
from gateway.edges.author_check import AuthorCheck
from gateway.edges.dns import NameServers
from gateway.edges.imap.session import Account
from gateway.edges.imap.watch import Send, Watch
from gateway.flow.incoming import BounceDesk
from gateway.flow.mailbox import Box, Mailbox, Vouched
from gateway.flow.ports import Log
from gateway.flow.way_back import WayBack
from gateway.returns_rooms import make_incoming
from gateway.rooms import CannotStart, Journeys, Nouns, State
from gateway.settings import MissingSecret, Settings, mailbox_password
from gateway.settings.back import Mailbox as GivenMailbox


def prove_accounts(settings: Settings) -> None:
    """CannotStart where a mailbox's password cannot be read: said at the start, whichever process will read the mailbox."""
    for name, given in settings.mailbox.items():
        _account(name, given)


def make_watches(
    settings: Settings, nouns: Nouns, state: State, way_back: WayBack, journeys: Journeys, bounces: BounceDesk, log: Log, send: Send
) -> tuple[Watch, ...]:
    """One watch for each configured mailbox; CannotStart where its password cannot be read."""
    watches, book, returns = [], state.store.book, state.store.returns
    servers = NameServers([(server.host, server.port) for server in settings.gateway.resolver])
    check = AuthorCheck(servers, state.compute)
    for name, given in settings.mailbox.items():
        box = _box(name, given, tuple(nouns.streams[stream] for stream in given.streams))
        vouched = Vouched(box, book, returns, state.identity, check)
        incoming = make_incoming(settings, nouns, state, way_back, journeys, bounces, log, vouched)
        desk = Mailbox(box, way_back, incoming, vouched, book, returns, state.keys.vault, state.compute, state.clock, log)
        watches.append(
            Watch(name, _account(name, given), desk, given.every, given.look_back, state.clock, log, state.metrics.watched, send)
        )
    return tuple(watches)


def _box(name: str, given: GivenMailbox, streams: tuple[Stream, ...]) -> Box:
    """Mail to the advertiser's domains is addressed to it, and mail to the addresses it names as its own."""
    addresses = [
        given.username,
        *(text for one in streams for text in (one.mailbox, one.advertiser.contact, one.advertiser.sender)),
    ]
    named = {text.rpartition("@")[2].lower() for text in addresses if "@" in text}
    return Box(name, streams, given.trusted_authserv, frozenset(named).union(*(one.advertiser.from_domains for one in streams)))


def _account(name: str, given: GivenMailbox) -> Account:
    try:
        password = mailbox_password(name, given)
    except MissingSecret as fault:
        raise CannotStart(f"[mailbox.{name}]: {fault}.") from None
    tls = given.tls == "required"
    return Account(
        given.host,
        given.port,
        tls,
        given.username,
        password,
        given.ca_file,
        given.folder,
        given.keyword,
        given.read_size,
    )
