"""Notes what people do themselves towards an advertiser: an order, a reply, a login; never an opening (R-FR-80, R-FR-81).

An act keeps a record from growing stale. It makes no consent and lifts no opposition, and of somebody unknown nothing is kept.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.core.address import AddressFault, Identity, parse_typed
from gateway.core.change import Stir
from gateway.core.columns import RowFault, RowReason, read_moment
from gateway.core.evidence import Event, Kind
from gateway.core.record import Who
from gateway.flow.ports import Book, Clock


class Noted(StrEnum):
    """What became of an act."""

    RECORDED = "recorded"
    KNOWN = "known"
    NOBODY = "unknown-person"


async def note_act(
    book: Book, identity: Identity, clock: Clock, address: str, advertiser: str, at: str, writer: str
) -> Noted | RowFault:
    """Remember the act where it is later than the one on record."""
    person = parse_typed(address)
    if isinstance(person, AddressFault):
        return RowFault(RowReason.BAD_ADDRESS, "address", person.value)
    now = clock.now()
    moment = read_moment(at.strip(), now)
    if moment is None:
        return RowFault(RowReason.BAD_DATE, "at")
    key = identity.person(person)
    (facts,) = await book.facts(advertiser, [Who(key)])
    if not facts.consents:
        return Noted.NOBODY
    if facts.last_act is not None and moment <= facts.last_act:
        return Noted.KNOWN
    event = Event(
        at=now, kind=Kind.ACT, outcome="recorded", tool=writer, advertiser=advertiser, person=key.hex(), rules=("R-FR-80",)
    )
    await book.commit([event], [Stir(key, advertiser, moment)])
    return Noted.RECORDED
