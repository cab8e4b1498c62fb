"""What is on file about people, read from the raw rows: the same records, in the same order, as the embedded store gives.

`lua/record.lua` and `lua/opposition.lua` tell the columns. A stand given means: as it was then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from gateway.core.model import PersonKey
from gateway.core.record import NO_PROOF, Consent, Facts, NoticeGiven, Opposition, Proof, Relation, Scope
from gateway.edges.store.instant import instant
from gateway.edges.store.redis.codes import BLOCK, DOOR, NOTICE, SCOPE
from gateway.edges.store.redis.frames import Frame
from gateway.edges.store.redis.moments import parsed_moment
from gateway.edges.store.redis.pack import Packed, unpacked, words
from gateway.edges.store.rows import notice, opposition

File = Mapping[bytes, Packed]
"""A person's rows of family `c`: lists by their letter."""

_FRAME, _WITHDRAWN, _SEALED, _SINCE, _ENDED = 1, 6, 11, 12, 13
NUMBER = 0


def file(raw: bytes | None) -> File:
    """The person's file; empty where there is none."""
    return unpacked(raw) if raw else {}


def quoted(files: Iterable[File]) -> Iterator[bytes]:
    """The digests of the frames that records in these files quote."""
    return (row[_FRAME] for one in files for row in one.get(b"c", ()))


def facts(person: PersonKey, one: File, advertiser: str, frames: Mapping[bytes, Frame], stand: int | None = None) -> Facts:
    """What is recorded about one person for one advertiser, but for oppositions."""
    if not one:
        return Facts()
    consents = tuple(
        consent(person, row, frame, stand)
        for row in one.get(b"c", ())
        if (frame := frames[row[_FRAME]]).advertiser == advertiser and (stand is None or row[_SINCE] <= stand)
    )
    if len(one) == 1 and b"c" in one:  # as most files
        return Facts(consents)
    of = advertiser.encode("utf-8", "surrogatepass")
    told = [row for row in _standing(one, b"n", b"N", stand) if row[0] == of]
    acts = [row for row in _standing(one, b"a", b"A", stand) if row[0] == of]
    return Facts(consents, (), tuple(_notices(person, told)), instant(acts[0][1]) if acts else None)


def consent(person: PersonKey, row: Packed, frame: Frame, stand: int | None = None, *, proven: bool = False) -> Consent:
    """One record; with its proof where asked for."""
    _, _, collected, noticed, acquired, confirmed, withdrawn, recorded, function, professional, more, _, _, ended = row
    related_at, related_until, asked_at = more or (False, False, False)
    if stand is not None and ended is not False and ended > stand:
        withdrawn = False
    kind = frame.relation
    return Consent(
        person=person,
        advertiser=frame.advertiser,
        purpose=frame.purpose,
        audience=frame.audience,
        basis=frame.basis,
        source=frame.source,
        collected_at=parsed_moment(collected),
        action=frame.action,
        wording=frame.wording,
        function=words(function),
        notice_sent_at=parsed_moment(noticed),
        partner_list_version=frame.partner_list_version,
        product_family=frame.product_family,
        professional_proof=words(professional),
        withdrawn_at=parsed_moment(withdrawn),
        missing=frame.missing,
        recorded_at=parsed_moment(recorded),
        covers=frame.covers,
        acquired_at=parsed_moment(acquired),
        confirmed_at=parsed_moment(confirmed),
        relation=Relation(kind, parsed_moment(related_at), frame.by, parsed_moment(related_until)) if kind else None,
        traits=frame.traits,
        proof=_proof(frame, asked_at) if proven else NO_PROOF,
    )


def _proof(frame: Frame, asked: Packed) -> Proof:
    return frame.proof if asked is False else replace(frame.proof, asked_at=parsed_moment(asked))


def whole_consents(person: PersonKey, one: File, frames: Mapping[bytes, Frame]) -> list[tuple[int, Consent, bytes]]:
    """Number, record with its proof, and sealed address of each, oldest first."""
    rows = one.get(b"c", ())
    return [(row[NUMBER], consent(person, row, frames[row[_FRAME]], proven=True), row[_SEALED]) for row in rows]


def notices(person: PersonKey, one: File) -> list[NoticeGiven]:
    """What the person was told, by advertiser."""
    return sorted(_notices(person, one.get(b"n", ())), key=lambda told: (told.advertiser, told.kind, told.source))


def acts(one: File) -> list[tuple[str, datetime]]:
    """The person's last act towards each advertiser, by its name."""
    return sorted((words(row[0]), instant(row[1])) for row in one.get(b"a", ()))


def oppositions(person: PersonKey, raw: bytes | None, one: File | None = None, stand: int | None = None) -> list[Opposition]:
    """A person's row of family `o`, or with the person's file what stood earlier, as the embedded store orders them."""
    rows = unpacked(raw) if raw else ()
    if one is not None:
        rows = _standing({b"o": rows, b"O": one.get(b"O", ())}, b"o", b"O", stand)
    return [opposition(row) for row in sorted(_opposition(person, row) for row in rows)]


def lifted(person: PersonKey, one: File) -> list[tuple[Opposition, int]]:
    """The oppositions that ended, each with the stand at which it had."""
    rows = sorted((*_opposition(person, row), row[7]) for row in one.get(b"O", ()))
    return [(opposition(row), row[-1]) for row in rows]


def reaching(oppositions: Iterable[Opposition], advertiser: str) -> tuple[Opposition, ...]:
    """Those that are facts for the advertiser."""
    return tuple(one for one in oppositions if one.scope is Scope.ALL or one.advertiser == advertiser)


def erased(one: File, advertiser: str) -> int:
    """The stand before which the facts for the advertiser can no longer be told; 0 where they all can."""
    return max((stand for of, stand in one.get(b"x", ()) if of in (b"", advertiser.encode("utf-8", "surrogatepass"))), default=0)


def _standing(one: File, now: bytes, past: bytes, stand: int | None) -> list[Packed]:
    """The rows of a list, or those that stood at a stand: a row's last column says since when, of an ended one the last but one."""
    rows = list(one.get(now, ()))
    if stand is None:
        return rows
    then = [row for row in rows if row[-1] <= stand]
    return then + [row for row in one.get(past, ()) if row[-2] <= stand < row[-1]]


def _notices(person: PersonKey, rows: Iterable[Packed]) -> list[NoticeGiven]:
    """By kind and source."""
    told = [
        (person, words(of), words(source), at, words(template), NOTICE.word(kind)) for of, kind, source, at, template, *_ in rows
    ]
    return [notice(row) for row in sorted(told, key=lambda row: (row[5], row[2]))]


def _opposition(person: PersonKey, row: Packed) -> tuple[bytes, str, str, str, str, str, int]:
    """The columns of `rows.OPPOSITION_COLUMNS`."""
    block, scope, advertiser, stream, door, at = row[:6]
    return person, BLOCK.word(block), SCOPE.word(scope), words(advertiser), words(stream), DOOR.word(door), at
