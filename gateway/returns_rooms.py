"""Builds the rooms of the way back: who hears an opposition, reads what comes in, and tells those who hold the address.

Like `rooms` it starts no task and decides nothing; `app` starts what is built here.
"""

from __future__ import annotations

from gateway.flow.ports import Log
from gateway.flow.way_back import WayBack
from gateway.rooms import Nouns, State


def make_way_back(nouns: Nouns, state: State, log: Log) -> WayBack:
    """The journey of one sign from a recipient."""
    streams = {stream.number: stream for stream in nouns.streams.values()}
    partners = tuple(nouns.partners.values())
    return WayBack(state.store.book, state.keys.token_keys, streams, partners, state.clock, state.metrics, log)
