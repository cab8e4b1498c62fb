"""What an act of a person means: which opposition to file, and what follows from it. Pure; filing it is the journey's business.

A complaint and a dead mailbox come through the same door into the state; only the person's will also withdraws consents and is told
to partners and to the tool (R-FR-35, 45, 51, 56).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from gateway.core.change import Change, Count, Errand, Oppose, Tell, Withdraw
from gateway.core.complaint_rate import COMPLAINED
from gateway.core.evidence import Event, Kind
from gateway.core.model import Partner, PersonKey, Stream
from gateway.core.provider_of import UNKNOWN
from gateway.core.record import Block, Consent, Door, Opposition, Scope, Transfer
from gateway.core.verdict import Reason

_REASONS = {
    Block.OPPOSED: Reason.OPPOSED,
    Block.COMPLAINED: Reason.COMPLAINED,
    Block.BOUNCED: Reason.BOUNCED,
    Block.RESTRICTED: Reason.RESTRICTED,
    Block.PENDING: Reason.PENDING,
}


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did: `stream` is None where the token names one no longer configured, `scope` where none was chosen.

    `provider` is the mailbox provider that reports a complaint, where it is known; `said_at` when the person gave the sign,
    None where it was just now.
    """

    person: PersonKey
    stream: Stream | None
    scope: Scope | None
    door: Door
    at: datetime
    provider: str = UNKNOWN
    said_at: datetime | None = None

    @property
    def delay(self) -> float:
        """Seconds from the person's sign to this act of ours; never below 0, as clocks differ."""
        return max(0.0, (self.at - (self.said_at or self.at)).total_seconds())


def reach(act: Act) -> Scope:
    """How far the act goes: as chosen, else the advertiser (R-FR-63); everything where the stream is unknown.

    An old link must still stop the mail (R-FR-67): when its stream has left the configuration nobody can say whose mail it was,
    and to stop too much is the safe reading.
    """
    if act.stream is None:
        return Scope.ALL
    return act.scope or Scope.ADVERTISER


def opposition(act: Act) -> Opposition:
    """The opposition this act files."""
    scope = reach(act)
    advertiser = act.stream.advertiser.name if act.stream and scope is not Scope.ALL else ""
    stream = act.stream.name if act.stream and scope is Scope.STREAM else ""
    return Opposition(act.person, _block(act.door), scope, advertiser, stream, act.door, act.at)


def holders(
    partners: Sequence[Partner], consents: Sequence[Consent], transfers: Sequence[Transfer], advertiser: str = ""
) -> Sequence[Partner]:
    """Who must hear of an opposition: to whom an advertiser (empty: any) passed the person's data, and from whom it had them.

    Ended records count. All partners where nothing is recorded: nobody can say then who has the data (R-FR-35).
    """
    return held_by(partners, consents, transfers, advertiser) if _named(consents, transfers, advertiser) else partners


def held_by(
    partners: Sequence[Partner], consents: Sequence[Consent], transfers: Sequence[Transfer], advertiser: str = ""
) -> Sequence[Partner]:
    """Those of them that the records name."""
    known = _named(consents, transfers, advertiser)
    return tuple(one for one in partners if one.name in known or one.legal_name in known)


def _named(consents: Sequence[Consent], transfers: Sequence[Transfer], advertiser: str) -> set[str]:
    sources = {one.source for one in consents if advertiser in ("", one.advertiser)}
    return sources | {one.partner for one in transfers if advertiser in ("", one.collector)}


def meaning(
    act: Act, advertisers: Collection[str], partners: Sequence[Partner], tools: Sequence[str] = ()
) -> tuple[Event, tuple[Change, ...]]:
    """The event and the changes to write in one commit.

    `advertisers` are all configured ones, for a scope of `all`; `partners` are the `holders` of the person's data, `tools` the
    streams whose tool had put a way out of its own for the person.
    """
    filed = opposition(act)
    followed: tuple[Change, ...] = ()
    if filed.block is not Block.BOUNCED:
        followed = (*_withdrawals(act, filed, advertisers), *notes(filed, partners, tools))
    return _event(act, filed), (Oppose(filed), *followed, *_counted(act, filed))


def _counted(act: Act, filed: Opposition) -> tuple[Count, ...]:
    """A complaint counts against the stream that drew it (R-MBX-10)."""
    if filed.block is not Block.COMPLAINED or act.stream is None:
        return ()
    return (Count(act.stream.name, act.provider, COMPLAINED, act.at),)


def _withdrawals(act: Act, filed: Opposition, advertisers: Collection[str]) -> tuple[Withdraw, ...]:
    match filed.scope:
        case Scope.ALL:
            return tuple(Withdraw(act.person, name, "", act.at) for name in sorted(advertisers))
        case Scope.ADVERTISER:
            return (Withdraw(act.person, filed.advertiser, "", act.at),)
        case Scope.STREAM:
            purpose = act.stream.purpose if act.stream else ""
            return (Withdraw(act.person, filed.advertiser, purpose, act.at),)
        case _:
            assert_never(filed.scope)


def notes(filed: Opposition, partners: Sequence[Partner], tools: Sequence[str] = ()) -> tuple[Tell, ...]:
    """What these partners, and the tools of these streams, must be told of an opposition (R-FR-35, R-FR-51).

    A dead mailbox is nobody's will.
    """
    if filed.block is Block.BOUNCED:
        return ()
    told = tuple(
        Tell(partner.name, filed.person, filed.advertiser, filed.scope, filed.at)
        for partner in partners
        if partner.receives or partner.provides
    )
    return told + tuple(Tell(name, filed.person, filed.advertiser, filed.scope, filed.at, Errand.TOOL) for name in tools)


def _event(act: Act, filed: Opposition) -> Event:
    return Event(
        at=act.at,
        kind=Kind.OPPOSITION,
        outcome=filed.block.value,
        stream=act.stream.name if act.stream else "",
        advertiser=act.stream.advertiser.name if act.stream else "",
        category=act.stream.category.value if act.stream else "",
        person=act.person.hex(),
        reason=_REASONS[filed.block].value,
        rules=("R-FR-56", "R-FR-63"),
        door=act.door.value,
        detail=f"scope={filed.scope.value}; delay={act.delay:.3f}" + ("" if act.stream else "; stream no longer configured"),
    )


def _block(door: Door) -> Block:
    match door:
        case Door.COMPLAINT:
            return Block.COMPLAINED
        case Door.BOUNCE:
            return Block.BOUNCED
        case _:
            return Block.OPPOSED
