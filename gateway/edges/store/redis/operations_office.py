"""The operations of the papers around the records; what each does to the rows is told in `lua/office.lua`."""

from __future__ import annotations

from gateway.core.change import (
    Accept,
    Adopt,
    Count,
    Disenrol,
    Enlist,
    Enrol,
    IssueKey,
    KeepForPerson,
    KeepOwnUnsubscribe,
    NotePassing,
    Sweep,
)
from gateway.core.record import Enrolment, Transfer
from gateway.edges.store import office
from gateway.edges.store.back import Back
from gateway.edges.store.changes import ACCEPTED_FOR, HOUR, ONE_IN_EIGHT, TALLIED_FOR
from gateway.edges.store.database import Row
from gateway.edges.store.instant import micros
from gateway.edges.store.redis import operations_back
from gateway.edges.store.redis.pack import Packed, packed, place
from gateway.edges.store.redis.tables import absent, when

Office = (
    Accept | Count | KeepOwnUnsubscribe | NotePassing | Enrol | Disenrol | Adopt | IssueKey | Enlist | KeepForPerson | Sweep | Back
)
KEYS_AT_ONCE = 5000
MAILS_AT_ONCE = 500
"""So much one `Sweep` erases, the oldest: a day's keys at once would keep everybody waiting for seconds."""


def operation(change: Office) -> list[Packed]:
    """One change of these."""
    match change:
        case Accept(key, at):
            return ["seen", "accepted", key, micros(at), micros(at) - ACCEPTED_FOR if key < ONE_IN_EIGHT else False]
        case Count(stream, provider, what, at):
            hour = micros(at) // HOUR * HOUR
            return ["count", hour, packed([stream, provider, what]), hour - TALLIED_FOR]
        case KeepOwnUnsubscribe(person, stream, sealed_header, at):
            return ["own", list(place("s", person)), [stream, sealed_header, micros(at)]]
        case NotePassing(transfer):
            return _passing(transfer)
        case Enrol(enrolment):
            return _enrol(enrolment)
        case Disenrol(digest):
            return ["disenrol", digest]
        case Adopt(ruling):
            return ["adopt", packed([ruling.kind, ruling.name]), ruling.label, _row(office.ruling_row(ruling))]
        case IssueKey(key):
            return ["set", "api_key", key.name, _row(office.api_key_row(key))]
        case Enlist(tool):
            return ["set", "tool", tool.name, _row(office.tool_row(tool))]
        case KeepForPerson(mailbox, sealed_mail, at):
            kept = when(micros(at))
            return ["keep", packed([mailbox, sealed_mail, micros(at), kept]), kept]
        case Sweep(accepted_before, kept_before):
            return ["sweep", micros(accepted_before), when(micros(kept_before)), KEYS_AT_ONCE, MAILS_AT_ONCE]
        case _:
            return operations_back.operation(change)


def _row(row: Row) -> bytes:
    return packed(absent(row))


def _passing(one: Transfer) -> list[Packed]:
    row = [one.person, one.collector, one.partner, one.purpose, one.list_version, micros(one.at)]
    return ["passing", list(place("s", one.person)), one.partner, micros(one.at), packed(row)]


def _enrol(one: Enrolment) -> list[Packed]:
    asked = when(micros(one.asked_at)) + one.id
    advertisers = sorted({consent.advertiser for consent in one.consents})
    row = [*absent(office.enrolment_row(one)), advertisers, asked]
    return ["enrol", one.id, list(place("s", one.person)), packed(row), asked]
