"""Deletes what identifies a person, and remembers from which stand on earlier facts can no longer be told.

Oppositions and transfers stay (R-DP-13). Rows go here; what is left of them in the file's pages goes with `Book.compact` (R-DP-10).
"""

from __future__ import annotations

from datetime import datetime

import apsw

from gateway.core.change import Forget, ForgetWithdrawn, Sweep
from gateway.core.record_json import parse_consents
from gateway.edges.store.database import Row
from gateway.edges.store.instant import micros
from gateway.edges.store.marks import erased

_FACTUAL = ("consent", "notice", "notice_past", "act", "act_past")
_OF_PERSON = "DELETE FROM {} WHERE person = ?1 AND (?2 = '' OR advertiser = ?2)"
_REMEMBER = "REPLACE INTO erased VALUES (?, ?, ?)"
_WITHDRAWN = "SELECT id, advertiser, withdrawn_at FROM consent WHERE person = ? AND withdrawn_at IS NOT NULL"
_SUPERSEDED = ("notice_past", "act_past")
_OLD_ACCEPTED = "DELETE FROM accepted WHERE at < ?"
_OLD_KEPT = "DELETE FROM kept WHERE at < ?"
# A tool that must still be told of an opposition is told by it (R-FR-51): it goes when that note ends.
_OWN = """
    DELETE FROM own_unsubscribe WHERE person = ?1
    AND stream NOT IN (SELECT partner FROM outbox WHERE person = ?1 AND errand = 'tool')
"""
_ROUTES = "DELETE FROM routes WHERE person = ?"
_TASKS = """
    UPDATE task SET forgotten = 1, sealed = iif(closed_at IS NULL, sealed, x'') WHERE person = ?1 AND ?2 IN ('', advertiser)
"""
_ORPHANS = "DELETE FROM wording WHERE id NOT IN (SELECT wording FROM consent)"


def forget(connection: apsw.Connection, change: Forget, stand: int) -> None:
    """Records, notices, acts with their past, sign-ups, own unsubscribes, routes, runs of failures, the text of closed tasks.

    Own unsubscribes and routes go whatever the advertiser: they are filed by stream, and come again with the tool's next mail. Open
    tasks keep their text until they are closed: the duty stands.
    """
    before = connection.total_changes()
    for table in _FACTUAL:
        _delete(connection, table, change.person, change.advertiser)
    if connection.total_changes() > before:
        _remember(connection, change.person, change.advertiser, stand)
    _forget_enrolments(connection, change)
    _delete(connection, "soft_run", change.person, change.advertiser)
    connection.execute(_OWN, (change.person,))
    erased(connection, "own_unsubscribe")
    connection.execute(_ROUTES, (change.person,))
    erased(connection, "routes")
    connection.execute(_TASKS, (change.person, change.advertiser))
    erased(connection, "task")


def forget_withdrawn(connection: apsw.Connection, change: ForgetWithdrawn, stand: int) -> None:
    """The records that ended before; and with them what only served to tell the facts of their time."""
    found: list[Row] = connection.execute(_WITHDRAWN, (change.person,)).fetchall()
    over = [
        (number, advertiser)
        for number, advertiser, at in found
        if datetime.fromisoformat(at) < change.before and change.advertiser in ("", advertiser)
    ]
    for number, _ in over:
        connection.execute("DELETE FROM consent WHERE id = ?", (number,))
        erased(connection, "consent")
    for advertiser in {advertiser for _, advertiser in over}:
        for table in _SUPERSEDED:
            _delete(connection, table, change.person, advertiser)
        _remember(connection, change.person, advertiser, stand)


def disenrol(connection: apsw.Connection, digest: bytes) -> None:
    """Delete one sign-up."""
    connection.execute("DELETE FROM enrolment WHERE id = ?", (digest,))
    erased(connection, "enrolment")


def sweep(connection: apsw.Connection, change: Sweep) -> None:
    """Technical leftovers; accepted keys are digests, so only kept mail calls for a compaction."""
    connection.execute(_OLD_ACCEPTED, (micros(change.accepted_before),))
    connection.execute(_OLD_KEPT, (micros(change.kept_before),))
    erased(connection, "kept")


def drop_orphans(connection: apsw.Connection) -> None:
    """Delete the wordings that no record quotes any more."""
    connection.execute(_ORPHANS)
    erased(connection, "wording")


def _delete(connection: apsw.Connection, table: str, person: bytes, advertiser: str) -> None:
    connection.execute(_OF_PERSON.format(table), (person, advertiser))
    erased(connection, table)


def _forget_enrolments(connection: apsw.Connection, change: Forget) -> None:
    found: list[Row] = connection.execute("SELECT id, consents FROM enrolment WHERE person = ?", (change.person,)).fetchall()
    for digest, told in found:
        if not change.advertiser or change.advertiser in {one.advertiser for one in parse_consents(told) or ()}:
            disenrol(connection, digest)


def _remember(connection: apsw.Connection, person: bytes, advertiser: str, stand: int) -> None:
    connection.execute(_REMEMBER, (person, advertiser, stand))
