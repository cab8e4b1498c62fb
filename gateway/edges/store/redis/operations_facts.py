"""The operations of the changes that facts rest on: what a commit's script needs to make them, and nothing it must look up.

Those of Oppose, Lift, Withdraw, Forget and ForgetWithdrawn also stay on each machine's own disk and may be told again years later:
their form is only ever added to, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from gateway.core.change import (
    Change,
    Forget,
    ForgetWithdrawn,
    GiveNotice,
    Learn,
    Lift,
    Oppose,
    Pause,
    Publish,
    Resume,
    Stir,
    TakeBackNotice,
    Withdraw,
)
from gateway.core.record import Consent, NoticeKind, Opposition
from gateway.core.record_json import partners_text
from gateway.edges.store.instant import micros
from gateway.edges.store.redis.codes import BLOCK, DOOR, NOTICE, SCOPE
from gateway.edges.store.redis.frames import frame_of
from gateway.edges.store.redis.moments import moment
from gateway.edges.store.redis.pack import Packed, place

Operation = list[Packed]
Arranging = Publish | Pause | Resume
Factual = Oppose | Lift | Learn | Withdraw | GiveNotice | TakeBackNotice | Stir | Forget | ForgetWithdrawn | Arranging


def frames(changes: Sequence[Change]) -> list[Operation]:
    """The frames that the records among these quote, each once; they come before every other operation."""
    return [
        ["frame", digest, text] for digest, text in dict(frame_of(one.consent) for one in changes if isinstance(one, Learn)).items()
    ]


def factual_operation(change: Factual) -> Operation:
    """The operation of a change that facts rest on."""
    match change:
        case Oppose() | Lift():
            return _opposing(change)
        case Learn(one, sealed_address):
            return ["learn", _file(one.person), consent_row(one, sealed_address)]
        case Withdraw(person, advertiser, purpose, at):
            return ["withdraw", _file(person), advertiser, purpose, moment(at)]
        case GiveNotice(one):
            row = [one.advertiser, NOTICE.code(one.kind.value), one.source, micros(one.at), one.template]
            return ["notice", _file(one.person), row, one.kind is NoticeKind.STAY]
        case TakeBackNotice(one):
            return ["unnotice", _file(one.person), [one.advertiser, NOTICE.code(one.kind.value), one.source, micros(one.at)]]
        case Stir(person, advertiser, at):
            return ["act", _file(person), [advertiser, micros(at)]]
        case Forget(person, advertiser):
            return ["forget", _file(person), advertiser, list(place("s", person)), person]
        case ForgetWithdrawn(person, before, advertiser):
            return ["forget_withdrawn", _file(person), advertiser, moment(before)]
        case _:
            return _arranging(change)


def _arranging(change: Arranging) -> Operation:
    match change:
        case Publish(one):
            return ["publish", [one.collector, one.version, micros(one.at), partners_text(one.partners), one.reason]]
        case Pause(stream, at, why):
            return ["pause", [stream, micros(at), why]]
        case Resume(stream):
            return ["resume", stream]
        case _:
            assert_never(change)


def _opposing(change: Oppose | Lift) -> Operation:
    match change:
        case Oppose(one, foreign_hash):
            return ["oppose", list(place("o", one.person)), _file(one.person), opposition_row(one), foreign_hash]
        case Lift(person, block, scope, advertiser, stream):
            key = [BLOCK.code(block.value), SCOPE.code(scope.value), advertiser, stream]
            return ["lift", list(place("o", person)), _file(person), key]


def opposition_row(one: Opposition) -> list[Packed]:
    """The columns of an opposition that stands; the script adds since when."""
    key = [BLOCK.code(one.block.value), SCOPE.code(one.scope.value), one.advertiser, one.stream]
    return [*key, DOOR.code(one.door.value), micros(one.at)]


def consent_row(one: Consent, sealed_address: bytes) -> list[Packed]:
    """The columns of a record, as `lua/record.lua` tells them; the script puts in its number and since when."""
    relation = one.relation
    more = (relation.at if relation else None, relation.ended_at if relation else None, one.proof.asked_at)
    return [
        False,
        frame_of(one)[0],
        moment(one.collected_at),
        moment(one.notice_sent_at),
        moment(one.acquired_at),
        moment(one.confirmed_at),
        moment(one.withdrawn_at),
        moment(one.recorded_at),
        one.function,
        one.professional_proof,
        [moment(at) for at in more] if any(more) else False,
        sealed_address,
        False,
        False,
    ]


def _file(person: bytes) -> list[Packed]:
    return list(place("c", person))
