"""Made-up people and records for the stores' tests; every value has a default, so a test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey
from gateway.core.record import Audience, Basis, Block, Consent, Door, NoticeGiven, Opposition, Scope

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PARIS = datetime(2026, 1, 15, 9, 30, tzinfo=timezone(timedelta(hours=1)))


def person(number: int) -> PersonKey:
    """The key of made-up person `number`."""
    return PersonKey(sha256(b"%d" % number).digest()[:16])


def at(minutes: int) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def event(minutes: int = 0, who: PersonKey | None = None, outcome: str = "allow") -> Event:
    """One decision about someone."""
    return Event(at(minutes), Kind.DECISION, outcome, tool="crm", person=who.hex() if who else "", rules=("R-FR-10",))


def consent(who: PersonKey, **different: object) -> Consent:
    """A complete consent for ACME's newsletter."""
    whole = Consent(
        person=who,
        advertiser="acme",
        purpose="newsletter",
        audience=Audience.CONSUMER,
        basis=Basis.CONSENT,
        source="direct",
        collected_at=PARIS,
        action="ticked the box",
        wording="Oui, écrivez-moi",
        recorded_at=NOON,
    )
    return replace(whole, **different)  # type: ignore[arg-type]


def opposition(who: PersonKey, **different: object) -> Opposition:
    """An opposition to everything ACME sends."""
    whole = Opposition(who, Block.OPPOSED, Scope.ADVERTISER, "acme", "", Door.LINK, NOON)
    return replace(whole, **different)  # type: ignore[arg-type]


def notice(who: PersonKey, **different: object) -> NoticeGiven:
    """The first-contact notice of ACME about an address had from the person."""
    return replace(NoticeGiven(who, "acme", "direct", NOON, "ab" * 8), **different)  # type: ignore[arg-type]
