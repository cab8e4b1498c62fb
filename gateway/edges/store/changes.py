"""Writes one change of the book into its tables; runs inside the commit that also holds the journal's events.

Each change is idempotent as `core.change` promises. Decides nothing: what to change was decided by a journey.
"""

from __future__ import annotations

import json
from operator import itemgetter
from typing import assert_never

import apsw

from gateway.core.change import (
    Accept,
    Change,
    Enlist,
    GiveNotice,
    KeepForPerson,
    KeepOwnUnsubscribe,
    Learn,
    Lift,
    Oppose,
    Tell,
    Withdraw,
)
from gateway.core.model import Tool
from gateway.edges.store.instant import micros, text

FOREIGN_HASH = "foreign-hash"
PROBE = "probe"
STAND = "stand"

_ACCEPTED_FOR = 24 * 3600 * 1_000_000

_OPPOSE = """
    INSERT INTO opposition VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET door = excluded.door, at = excluded.at WHERE excluded.at < at
"""
_LIFT = "DELETE FROM opposition WHERE person = ? AND block = ? AND scope = ? AND advertiser = ? AND stream = ?"
# Without ORDER BY: a person has a handful of records, and SQLite's sorter costs more than the search.
_SAME_KIND = (
    "SELECT id, audience, source, collected_at, action, wording, function, notice_sent_at, partner_list_version,"
    " product_family, professional_proof, missing FROM consent WHERE person = ? AND advertiser = ? AND purpose = ? AND basis = ?"
)
_LEARN = "INSERT INTO consent VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WITHDRAW = """
    UPDATE consent SET withdrawn_at = ?4
    WHERE person = ?1 AND advertiser = ?2 AND (?3 = '' OR purpose = ?3) AND withdrawn_at IS NULL
"""
_NOTICE = """
    INSERT INTO notice VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET at = excluded.at, template = excluded.template WHERE excluded.at < at
"""
_ACCEPT = "INSERT INTO accepted VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
# Two go for each that comes, sixteen at a time: the table never holds much more than a day, and no timer is needed. Keys are
# digests, so one in eight is below the mark; to look each time would cost more than to accept.
_FORGET_ACCEPTED = "DELETE FROM accepted WHERE key IN (SELECT key FROM accepted WHERE at < ? ORDER BY at LIMIT 16)"
_ONE_IN_EIGHT = b"\x20"
_OWN_UNSUBSCRIBE = """
    INSERT INTO own_unsubscribe VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET sealed_header = excluded.sealed_header, at = excluded.at WHERE excluded.at >= at
"""
_TELL = "INSERT INTO outbox (partner, person, advertiser, scope, at) VALUES (?, ?, ?, ?, ?)"
_KEEP = "INSERT INTO kept (mailbox, sealed_mail, at) VALUES (?, ?, ?)"
_MARK = "REPLACE INTO mark VALUES (?, ?)"
_COUNT = "INSERT INTO mark VALUES (?, 1) ON CONFLICT DO UPDATE SET at = at + 1"

_NUMBER = itemgetter(0)


def apply(connection: apsw.Connection, change: Change) -> None:
    """Write it."""
    match change:
        case Learn():
            _learn(connection, change)
        case Accept(key, at):
            connection.execute(_ACCEPT, (key, micros(at)))
            if key < _ONE_IN_EIGHT:
                connection.execute(_FORGET_ACCEPTED, (micros(at) - _ACCEPTED_FOR,))
        case Oppose():
            _oppose(connection, change)
        case Lift(person, block, scope, advertiser, stream):
            connection.execute(_LIFT, (person, block.value, scope.value, advertiser, stream))
        case Withdraw(person, advertiser, purpose, at):
            connection.execute(_WITHDRAW, (person, advertiser, purpose, text(at)))
        case GiveNotice(notice):
            row = (notice.person, notice.advertiser, notice.source, micros(notice.at), notice.template)
            connection.execute(_NOTICE, row)
        case KeepOwnUnsubscribe(person, stream, sealed_header, at):
            connection.execute(_OWN_UNSUBSCRIBE, (person, stream, sealed_header, micros(at)))
        case Tell(partner, person, advertiser, scope, at):
            connection.execute(_TELL, (partner, person, advertiser, scope.value, micros(at)))
        case Enlist(tool):
            _enlist(connection, tool)
        case KeepForPerson(mailbox, sealed_mail, at):
            connection.execute(_KEEP, (mailbox, sealed_mail, micros(at)))
        case _:
            assert_never(change)


def mark(connection: apsw.Connection, name: str, at: int) -> None:
    """Remember when something last happened."""
    connection.execute(_MARK, (name, at))


def count(connection: apsw.Connection, name: str) -> None:
    """Remember that something happened once more."""
    connection.execute(_COUNT, (name,))


def _learn(connection: apsw.Connection, change: Learn) -> None:
    """A record equal to the newest of its kind adds nothing; its end and the day of its filing do not make it another record."""
    row = _consent_row(change)
    person, advertiser, purpose, audience, basis, *proof, _withdrawn, missing, _recorded, _sealed = row
    known = connection.execute(_SAME_KIND, (person, advertiser, purpose, basis)).fetchall()
    if not known or max(known, key=_NUMBER)[1:] != (audience, *proof, missing):
        connection.execute(_LEARN, row)


def _oppose(connection: apsw.Connection, change: Oppose) -> None:
    one = change.opposition
    row = (one.person, one.block.value, one.scope.value, one.advertiser, one.stream, one.door.value, micros(one.at))
    connection.execute(_OPPOSE, row)
    if change.foreign_hash:
        mark(connection, FOREIGN_HASH, micros(one.at))


def _enlist(connection: apsw.Connection, tool: Tool) -> None:
    refusal = None if tool.refusal is None else tool.refusal.value
    streams = json.dumps(tool.streams)
    row = (tool.name, tool.secret_sha256, streams, refusal, text(tool.created_at), text(tool.revoked_at))
    connection.execute("REPLACE INTO tool VALUES (?, ?, ?, ?, ?, ?)", row)


def _consent_row(change: Learn) -> tuple[str | bytes | None, ...]:
    one = change.consent
    return (
        one.person,
        one.advertiser,
        one.purpose,
        one.audience.value,
        one.basis.value,
        one.source,
        text(one.collected_at),
        one.action,
        one.wording,
        one.function,
        text(one.notice_sent_at),
        one.partner_list_version,
        one.product_family,
        one.professional_proof,
        text(one.withdrawn_at),
        json.dumps(one.missing) if one.missing else "",
        text(one.recorded_at),
        change.sealed_address,
    )
