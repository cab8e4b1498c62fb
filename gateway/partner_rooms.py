"""Builds the rooms where houses talk to each other: the API that partners and tools call, and the courier that tells them.

Beside `rooms`, and like it: it starts no task and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.core.change import Errand
from gateway.edges.outward import Outward
from gateway.edges.web.api import Api
from gateway.edges.web.partner_calls import PartnerCalls
from gateway.flow.administer import Administer
from gateway.flow.api_keys import ApiKeys
from gateway.flow.by_hand import ByHandDesk
from gateway.flow.courier import Attempt, Courier
from gateway.flow.filing import Clerk
from gateway.flow.opposition_rows import OppositionRows
from gateway.flow.own_mail import OwnMail
from gateway.flow.partner_door import PartnerDoor
from gateway.flow.partner_letters import PartnerLetters
from gateway.flow.ports import Log
from gateway.flow.recognise import Recognising
from gateway.flow.telling import Line, PartnerErrand
from gateway.flow.tool_errand import ToolErrand
from gateway.rooms import CannotStart, Nouns, State
from gateway.settings import MissingSecret, Settings, to_lines
from gateway.settings.values import is_loopback


def make_lines(settings: Settings) -> Mapping[str, Line]:
    """How each partner is reached; CannotStart where its secret is unfit."""
    try:
        return to_lines(settings)
    except MissingSecret as fault:
        raise CannotStart(f"{fault}.") from None


def make_outward(settings: Settings) -> Outward:
    """The client for other houses; our own machine is one of them only where the gateway itself lives on loopback (demo, tests)."""
    local = is_loopback(urlsplit(settings.public_url).hostname or "")
    return Outward(loopback=local, ports=settings.outward.ports, ca_file=settings.outward.ca_file)


def make_partner_door(nouns: Nouns, state: State, log: Log) -> PartnerDoor:
    """The journey of what partners tell us."""
    book, identity, clock = state.store.book, state.identity, state.clock
    administer = Administer(book, identity, nouns.streams, nouns.partners, clock)
    return PartnerDoor(book, state.store.returns, identity, administer, clock, state.metrics, log)


def make_recognising(nouns: Nouns, state: State, door: PartnerDoor, log: Log) -> Recognising:
    """The search for those whom partners' hashes meant; runs in one process."""
    store, vault = state.store, state.keys.vault
    return Recognising(store.book, store.returns, state.identity, vault, door, nouns.partners, log)


def make_api(nouns: Nouns, state: State, door: PartnerDoor, lines: Mapping[str, Line]) -> Api:
    """The HTTP API."""
    book, identity, clock = state.store.book, state.identity, state.clock
    clerk = Clerk(book, identity, state.keys.vault, nouns.policies, nouns.streams, nouns.partners)
    administer = Administer(book, identity, nouns.streams, nouns.partners, clock)
    rows = OppositionRows(book, identity, administer, clock)
    return Api(book, identity, clerk, rows, PartnerCalls(door, lines, clock), ApiKeys(book, clock), state.compute, clock)


def make_courier(settings: Settings, nouns: Nouns, state: State, own_mail: OwnMail, lines: Mapping[str, Line], log: Log) -> Courier:
    """The background half of telling; runs in one process."""
    book, vault, clock, outside = state.store.book, state.keys.vault, state.clock, make_outward(settings)
    legal_names = {stream.advertiser.name: stream.advertiser.legal_name for stream in nouns.streams.values()}
    letters = PartnerLetters(own_mail, state.identity, nouns.streams, nouns.partners)
    attempts: Mapping[Errand, Attempt] = {
        Errand.PARTNER: PartnerErrand(lines, legal_names, outside, vault, clock),
        Errand.TOOL: ToolErrand(book, nouns.streams, outside, letters, vault),
    }
    desk = ByHandDesk(book, state.store.returns, letters, log)
    return Courier(book, state.store.outbox, attempts, desk, clock, log, state.metrics.told)
