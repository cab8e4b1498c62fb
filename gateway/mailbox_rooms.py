"""Builds the watches of mailboxes that answers come to. Like `rooms` it starts no task and decides nothing."""

from __future__ import annotations

from gateway.core.model import Stream
from gateway.edges.imap.session import Account
from gateway.edges.imap.watch import Watch
from gateway.flow.incoming import Incoming
from gateway.flow.mailbox import Box, Mailbox
from gateway.flow.ports import Log
from gateway.flow.way_back import WayBack
from gateway.rooms import CannotStart, Nouns, State
from gateway.settings import MissingSecret, Settings, mailbox_password
from gateway.settings.back import Mailbox as GivenMailbox


def make_watches(
    settings: Settings, nouns: Nouns, state: State, way_back: WayBack, incoming: Incoming, log: Log
) -> tuple[Watch, ...]:
    """One watch for each configured mailbox; CannotStart where its password cannot be read."""
    watches = []
    for name, given in settings.mailbox.items():
        box = _box(name, given, tuple(nouns.streams[stream] for stream in given.streams))
        desk = Mailbox(box, way_back, incoming, state.store.book, state.store.returns, state.identity, state.compute, log)
        watches.append(
            Watch(name, _account(name, given), desk, given.every, given.look_back, state.clock, log, state.metrics.watched)
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
