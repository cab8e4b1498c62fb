"""Writes one change of the book into its tables; runs inside the commit that also holds the journal's events.

Each change is idempotent as `core.change` promises. Decides nothing: what to change was decided by a journey.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from gateway.core.change import (
    FACTUAL,
    Accept,
    Adopt,
    Change,
    Count,
    Disenrol,
    Enlist,
    Enrol,
    Forget,
    ForgetWithdrawn,
    GiveNotice,
    IssueKey,
    KeepForPerson,
    KeepOwnUnsubscribe,
    Learn,
    Lift,
    NotePassing,
    Oppose,
    Pause,
    Publish,
    Resume,
    Stir,
    Sweep,
    TakeBackNotice,
    Withdraw,
)
from gateway.edges.store import back, erase, office, records
from gateway.edges.store.instant import micros
from gateway.edges.store.marks import advance
from gateway.edges.store.writer import Job

HOUR = 3600 * 1_000_000

ACCEPTED_FOR = 24 * HOUR
TALLIED_FOR = 100 * 24 * HOUR

_ACCEPT = "INSERT INTO accepted VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
# Two go for each that comes, sixteen at a time: the table never holds much more than a day, and no timer is needed. Keys are
# digests, so one in eight is below the mark; to look each time would cost more than to accept.
_FORGET_ACCEPTED = "DELETE FROM accepted WHERE key IN (SELECT key FROM accepted WHERE at < ? ORDER BY at LIMIT 16)"
ONE_IN_EIGHT = b"\x20"
_OWN_UNSUBSCRIBE = """
    INSERT INTO own_unsubscribe VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET sealed_header = excluded.sealed_header, at = excluded.at WHERE excluded.at >= at
"""
_KEEP = "INSERT INTO kept (mailbox, sealed_mail, at) VALUES (?, ?, ?)"
_NOTE_PASSING = "INSERT INTO transfer VALUES (NULL, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
# A text that counts again after another did is a ruling of its own.
_ADOPT = """
    INSERT INTO ruling SELECT NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7
    WHERE ?3 IS NOT (SELECT label FROM ruling WHERE kind = ?1 AND name = ?2 ORDER BY id DESC LIMIT 1)
"""
_ENROL = "REPLACE INTO enrolment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TALLY = "INSERT INTO tally VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count"
_FORGET_TALLIES = "DELETE FROM tally WHERE hour < ?"
_TOOL = "REPLACE INTO tool VALUES (?, ?, ?, ?, ?, ?)"
_API_KEY = "REPLACE INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?)"


def job(changes: Sequence[Change], events_at: int | None) -> Job:
    """What writes these changes in one commit; `events_at` is when the latest of its events happened."""
    factual = [change for change in changes if isinstance(change, FACTUAL)]

    def write(connection: apsw.Connection) -> None:
        stand = 0
        if factual:
            stand = advance(connection, max(map(dated, factual)) if events_at is None else events_at)
        for change in changes:
            _apply(connection, change, stand)

    return write


def dated(change: Change) -> int:
    """When the change itself says it happened; 0 where it does not."""
    match change:
        case Oppose(one):
            return micros(one.at)
        case Learn(one):
            return micros(one.recorded_at) if one.recorded_at else 0
        case GiveNotice(one):
            return micros(one.at)
        case Publish(one):
            return micros(one.at)
        case Withdraw(at=at) | Pause(at=at) | Stir(at=at):
            return micros(at)
        case _:
            return 0


def _apply(connection: apsw.Connection, change: Change, stand: int) -> None:
    match change:
        case Learn():
            records.learn(connection, change, stand)
        case Oppose():
            records.oppose(connection, change, stand)
        case Lift():
            records.lift(connection, change, stand)
        case Withdraw():
            records.withdraw(connection, change, stand)
        case GiveNotice():
            records.give_notice(connection, change, stand)
        case TakeBackNotice():
            records.take_back_notice(connection, change, stand)
        case Stir():
            records.stir(connection, change, stand)
        case Publish():
            records.publish(connection, change, stand)
        case Pause():
            records.pause(connection, change, stand)
        case Resume():
            records.resume(connection, change, stand)
        case Forget():
            erase.forget(connection, change, stand)
        case ForgetWithdrawn():
            erase.forget_withdrawn(connection, change, stand)
        case _:
            _note(connection, change)


def _note(connection: apsw.Connection, change: _Unfactual) -> None:
    match change:
        case Accept(key, at):
            connection.execute(_ACCEPT, (key, micros(at)))
            if key < ONE_IN_EIGHT:
                connection.execute(_FORGET_ACCEPTED, (micros(at) - ACCEPTED_FOR,))
        case Count():
            _count(connection, change)
        case KeepOwnUnsubscribe(person, stream, sealed_header, at):
            connection.execute(_OWN_UNSUBSCRIBE, (person, stream, sealed_header, micros(at)))
        case NotePassing(one):
            row = (one.person, one.collector, one.partner, one.purpose, one.list_version, micros(one.at))
            connection.execute(_NOTE_PASSING, row)
        case Enrol(enrolment):
            connection.execute(_ENROL, office.enrolment_row(enrolment))
        case Disenrol(digest):
            erase.disenrol(connection, digest)
        case Adopt(ruling):
            connection.execute(_ADOPT, office.ruling_row(ruling))
        case IssueKey(key):
            connection.execute(_API_KEY, office.api_key_row(key))
        case Enlist(tool):
            connection.execute(_TOOL, office.tool_row(tool))
        case KeepForPerson(mailbox, sealed_mail, at):
            connection.execute(_KEEP, (mailbox, sealed_mail, micros(at)))
        case Sweep():
            erase.sweep(connection, change)
        case _:
            back.write(connection, change)


_Unfactual = (
    Accept
    | Count
    | KeepOwnUnsubscribe
    | NotePassing
    | Enrol
    | Disenrol
    | Adopt
    | IssueKey
    | Enlist
    | KeepForPerson
    | Sweep
    | back.Back
)


def _count(connection: apsw.Connection, change: Count) -> None:
    """The first of its hour also drops what is too old for any report, so that no timer is needed."""
    hour = micros(change.at) // HOUR * HOUR
    ((count,),) = connection.execute(_TALLY, (hour, change.stream, change.provider, change.what)).fetchall()
    if count == 1:
        connection.execute(_FORGET_TALLIES, (hour - TALLIED_FOR,))
