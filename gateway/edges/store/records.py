"""Writes the changes that facts rest on: what stands goes into the lean tables, what ends is kept beside them with its stands.

Runs inside a commit, after its stand was counted; decides nothing. Each function keeps the idempotence `core.change` promises.
"""

from __future__ import annotations

from hashlib import sha256
from operator import itemgetter

import apsw

from gateway.core.change import GiveNotice, Learn, Lift, Oppose, Pause, Publish, Resume, Stir, TakeBackNotice, Withdraw
from gateway.core.record import NO_PROOF, Consent, NoticeKind
from gateway.core.record_json import parse_proof, partners_text, proof_text, relation_text, traits_text, words_text
from gateway.edges.store.database import Row
from gateway.edges.store.instant import micros, text
from gateway.edges.store.marks import FOREIGN_HASH, mark

_OPPOSITION = "opposition WHERE person = ?1 AND block = ?2 AND scope = ?3 AND advertiser = ?4 AND stream = ?5"
_OPPOSED_AT = f"SELECT at FROM {_OPPOSITION}"  # noqa: S608 our own words
_OPPOSE = "REPLACE INTO opposition VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_END_OPPOSITION = f"INSERT INTO opposition_past SELECT *, ?6 FROM {_OPPOSITION} AND since < ?6"  # noqa: S608 our own words
_LIFT = f"DELETE FROM {_OPPOSITION}"  # noqa: S608 our own words

# Without ORDER BY: a person has a handful of records, and SQLite's sorter costs more than the search.
_SAME_KIND = """
    SELECT id, proof, withdrawn_at, audience, source, collected_at, action,
        (SELECT text FROM wording WHERE wording.id = consent.wording), function, notice_sent_at, partner_list_version,
        product_family, professional_proof, missing, acquired_at, confirmed_at, relation, traits
    FROM consent WHERE person = ? AND advertiser = ? AND purpose = ? AND basis = ? AND covers = ?
"""
_WORDING = "SELECT id FROM wording WHERE sha256 = ?"
_NEW_WORDING = "INSERT INTO wording (sha256, text) VALUES (?, ?)"
_LEARN = """
    INSERT INTO consent (
        person, advertiser, purpose, basis, covers, audience, source, collected_at, action, wording, function, notice_sent_at,
        partner_list_version, product_family, professional_proof, missing, acquired_at, confirmed_at, relation, traits, proof,
        withdrawn_at, recorded_at, sealed_address, since
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_END = "UPDATE consent SET withdrawn_at = ?, ended = ? WHERE id = ?"
_WITHDRAW = """
    UPDATE consent SET withdrawn_at = ?4, ended = ?5
    WHERE person = ?1 AND advertiser = ?2 AND (?3 = '' OR purpose = ?3) AND withdrawn_at IS NULL
"""

_NOTICE = "notice WHERE person = ?1 AND advertiser = ?2 AND kind = ?3 AND source = ?4"
_NOTICED_AT = f"SELECT at FROM {_NOTICE}"  # noqa: S608 our own words
_NOTE = "REPLACE INTO notice VALUES (?, ?, ?, ?, ?, ?, ?)"
_UNSAY = f"DELETE FROM {_NOTICE}"  # noqa: S608 our own words
_END_NOTICE = f"INSERT INTO notice_past SELECT *, ?5 FROM {_NOTICE} AND since < ?5"  # noqa: S608 our own words

_ACTED_AT = "SELECT at FROM act WHERE person = ? AND advertiser = ?"
_ACT = "REPLACE INTO act VALUES (?, ?, ?, ?)"
_END_ACT = "INSERT INTO act_past SELECT *, ?3 FROM act WHERE person = ?1 AND advertiser = ?2 AND since < ?3"

_PUBLISH = """
    INSERT INTO partner_list (collector, version, at, partners, reason, since) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_PAUSE = "INSERT INTO pause VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_END_PAUSE = "INSERT INTO pause_past SELECT *, ?2 FROM pause WHERE stream = ?1 AND since < ?2"
_RESUME = "DELETE FROM pause WHERE stream = ?"

_NUMBER = itemgetter(0)


def oppose(connection: apsw.Connection, change: Oppose, stand: int) -> None:
    """The earliest date counts, and its door with it."""
    one = change.opposition
    key, at = (one.person, one.block.value, one.scope.value, one.advertiser, one.stream), micros(one.at)
    known = connection.execute(_OPPOSED_AT, key).fetchone()
    if known is None or at < known[0]:
        if known is not None:
            connection.execute(_END_OPPOSITION, (*key, stand))
        connection.execute(_OPPOSE, (*key, one.door.value, at, stand))
    if change.foreign_hash:
        mark(connection, FOREIGN_HASH, at)


def lift(connection: apsw.Connection, change: Lift, stand: int) -> None:
    """Exactly one; lifting what does not stand changes nothing."""
    key = (change.person, change.block.value, change.scope.value, change.advertiser, change.stream)
    connection.execute(_END_OPPOSITION, (*key, stand))
    connection.execute(_LIFT, key)


def learn(connection: apsw.Connection, change: Learn, stand: int) -> None:
    """A record equal to the newest of its kind adds nothing, unless it proves what that one does not.

    Its end, the day of its filing, its writer and its batch do not make it another record; an end that the newest has not is
    written to it.
    """
    one = change.consent
    kind = (one.person, one.advertiser, one.purpose, one.basis.value, one.covers.value)
    told, proof = _told(one), proof_text(one.proof)
    known: list[Row] = connection.execute(_SAME_KIND, kind).fetchall()
    if known:
        number, proven, ended_at, *newest = max(known, key=_NUMBER)
        if newest == told and one.withdrawn_at is not None and ended_at is None:
            connection.execute(_END, (text(one.withdrawn_at), stand, number))
            return
        if newest == told and (proof in ("", proven) or not _proves_more(proof, proven)):
            return
    told[4] = _wording(connection, one.wording)
    ends = text(one.withdrawn_at), text(one.recorded_at), change.sealed_address, stand
    connection.execute(_LEARN, (*kind, *told, proof, *ends))


def withdraw(connection: apsw.Connection, change: Withdraw, stand: int) -> None:
    """All usable ones of the purpose, whatever they cover; ends that stand already stay."""
    connection.execute(_WITHDRAW, (change.person, change.advertiser, change.purpose, text(change.at), stand))


def give_notice(connection: apsw.Connection, change: GiveNotice, stand: int) -> None:
    """Whoever was told once was told, so the earliest counts; but a question may be put again after years (R-FR-82)."""
    one = change.notice
    key, at = (one.person, one.advertiser, one.kind.value, one.source), micros(one.at)
    known = connection.execute(_NOTICED_AT, key).fetchone()
    if known is not None:
        if at >= known[0] if one.kind is not NoticeKind.STAY else at <= known[0]:
            return
        connection.execute(_END_NOTICE, (*key, stand))
    connection.execute(_NOTE, (*key, at, one.template, stand))


def take_back_notice(connection: apsw.Connection, change: TakeBackNotice, stand: int) -> None:
    """Only the one that was given then: another one may have been given since."""
    one = change.notice
    key = one.person, one.advertiser, one.kind.value, one.source
    known = connection.execute(_NOTICED_AT, key).fetchone()
    if known is not None and known[0] == micros(one.at):
        connection.execute(_END_NOTICE, (*key, stand))
        connection.execute(_UNSAY, key)


def stir(connection: apsw.Connection, change: Stir, stand: int) -> None:
    """The latest counts."""
    key, at = (change.person, change.advertiser), micros(change.at)
    known = connection.execute(_ACTED_AT, key).fetchone()
    if known is not None:
        if at <= known[0]:
            return
        connection.execute(_END_ACT, (*key, stand))
    connection.execute(_ACT, (*key, at, stand))


def publish(connection: apsw.Connection, change: Publish, stand: int) -> None:
    """A version that exists stays as it was first published."""
    one = change.list
    row = (one.collector, one.version, micros(one.at), partners_text(one.partners), one.reason, stand)
    connection.execute(_PUBLISH, row)


def pause(connection: apsw.Connection, change: Pause, stand: int) -> None:
    """A stream that is paused stays so, since its first pause and for its reason."""
    connection.execute(_PAUSE, (change.stream, micros(change.at), change.why, stand))


def resume(connection: apsw.Connection, change: Resume, stand: int) -> None:
    """A stream that is not paused stays as it is."""
    connection.execute(_END_PAUSE, (change.stream, stand))
    connection.execute(_RESUME, (change.stream,))


def _wording(connection: apsw.Connection, text: str) -> int:
    """The number of the text, which a whole list shares."""
    digest = sha256(text.encode()).digest()
    known: list[Row] = connection.execute(_WORDING, (digest,)).fetchall()
    if known:
        return int(known[0][0])
    connection.execute(_NEW_WORDING, (digest, text))
    return connection.last_insert_rowid()


def _told(one: Consent) -> list[str | int | None]:
    """What makes a record another than an earlier one of its kind, in the order of `_SAME_KIND`; the wording is the fifth."""
    return [
        one.audience.value,
        one.source,
        text(one.collected_at),
        one.action,
        one.wording,
        one.function,
        text(one.notice_sent_at),
        one.partner_list_version,
        one.product_family,
        one.professional_proof,
        words_text(one.missing),
        text(one.acquired_at),
        text(one.confirmed_at),
        relation_text(one.relation),
        traits_text(one.traits),
    ]


def _proves_more(proof: str, proven: str) -> bool:
    """Whether the first text says something about form, wording, list, language or time that the second leaves open."""
    now, before = parse_proof(proof) or NO_PROOF, parse_proof(proven) or NO_PROOF
    fields = ("wording_id", "form", "presentation", "language", "asked_at")
    return any(getattr(now, name) and not getattr(before, name) for name in fields)
