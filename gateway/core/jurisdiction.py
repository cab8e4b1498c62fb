"""By which pack a recipient is judged: that of their country, else the stream's, else the strictest that is enabled (R-PACK-01)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.core.model import Stream
from gateway.core.policy import Policy
from gateway.core.record import NO_TRAITS, Facts

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def choose(policies: Mapping[str, Policy], stream: Stream, facts: Facts) -> Policy:
    """The pack for one recipient; `policies` are the enabled ones, by name, at least one."""
    country = country_of(stream, facts)
    if country:
        there = [policy for policy in policies.values() if country in policy.countries]
        if there:
            return min(there, key=lambda policy: (len(policy.countries), policy.name))
    return own_pack(policies, stream)


def own_pack(policies: Mapping[str, Policy], stream: Stream) -> Policy:
    """The stream's pack, where nothing is known of the recipient; one that names none has the strictest."""
    return policies.get(stream.policy) or strictest(policies)


def country_of(stream: Stream, facts: Facts) -> str:
    """Where the person is, by their newest record for this advertiser that says so; empty where none does."""
    found, newest = "", _LONG_AGO
    for consent in facts.consents:
        if consent.traits is NO_TRAITS or not consent.traits.country or consent.advertiser != stream.advertiser.name:
            continue
        recorded = consent.recorded_at or _LONG_AGO
        if recorded >= newest:
            found, newest = consent.traits.country, recorded
    return found


def strictest(policies: Mapping[str, Policy]) -> Policy:
    """The strictest of these packs; of equally strict ones the first by name."""
    return min(policies.values(), key=lambda policy: (tuple(-part for part in policy.strictness), policy.name))
