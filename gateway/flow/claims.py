"""Reads rows of the consent register by column name: whose each is, what it claims, by which pack; looks nothing up.

What the claims are worth beside what is on record is `filing`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.core.address import Address, AddressFault, Identity, parse_typed
from gateway.core.columns import RowFault, RowReason
from gateway.core.jurisdiction import own_pack
from gateway.core.model import PersonKey, Stream
from gateway.core.policy import Policy
from gateway.core.register import Claim, read_claim
from gateway.flow.intake import breathe


class State(StrEnum):
    """What became of a row."""

    RECORDED = "recorded"
    KNOWN = "known"
    UNPROVEN = "unproven"
    STAYS_OPPOSED = "stays-opposed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row's end: what its proof lacks, why it was refused, whether its one box stood for two (R-FR-21)."""

    state: State
    missing: tuple[str, ...] = ()
    fault: RowFault | None = None
    combined: bool = False
    fresh: bool = False


PENDING = Finding(State.KNOWN)
"""Stands for a good row until it is weighed."""


@dataclass(frozen=True, slots=True)
class Good:
    """One good row: what it claims and whose it is."""

    place: int
    address: Address
    claim: Claim

    @property
    def key(self) -> tuple[str, PersonKey]:
        """Under which its facts are looked up."""
        one = self.claim.consents[0]
        return one.advertiser, one.person


@dataclass(frozen=True, slots=True)
class Scanned:
    """Rows that were read: one finding each, and the good ones, to be weighed."""

    findings: list[Finding]
    good: Sequence[Good]
    now: datetime
    writer: str


class Scanner:
    """Reads rows for the configured advertisers."""

    def __init__(self, identity: Identity, policies: Mapping[str, Policy], streams: Mapping[str, Stream]) -> None:
        self._identity = identity
        widest = sorted(policies.values(), key=lambda policy: (len(policy.countries), policy.name), reverse=True)
        self._countries = {country: policy for policy in widest for country in policy.countries}
        self._packs = {stream.advertiser.name: own_pack(policies, stream) for stream in reversed(list(streams.values()))}

    def serves(self, advertiser: str, only: tuple[str, ...]) -> bool:
        """Whether the advertiser is configured, and one of those spoken for; `only` empty means every one."""
        return advertiser in self._packs and (not only or advertiser in only)

    def pack(self, advertiser: str, country: str) -> Policy:
        """By which pack a row is read: that of the person's country, else the advertiser's (R-PACK-01)."""
        return self._countries.get(country.strip().upper()) or self._packs[advertiser]

    async def scan(
        self, rows: Sequence[Mapping[str, str] | RowFault], now: datetime, only: tuple[str, ...] = (), writer: str = ""
    ) -> Scanned:
        """The rows as claims; `only` names the advertisers they may speak for, `writer` who writes where no row says."""
        findings: list[Finding] = []
        good: list[Good] = []
        for place, row in enumerate(rows):
            await breathe(place)
            one = row if isinstance(row, RowFault) else self._one(place, row, now, only, writer)
            if isinstance(one, RowFault):
                findings.append(Finding(State.REJECTED, fault=one))
            else:
                findings.append(PENDING)
                good.append(one)
        return Scanned(findings, good, now, writer)

    def _one(self, place: int, row: Mapping[str, str], now: datetime, only: tuple[str, ...], writer: str) -> Good | RowFault:
        address = parse_typed(row.get("address") or "")
        if isinstance(address, AddressFault):
            return RowFault(RowReason.BAD_ADDRESS, "address", address.value)
        advertiser = (row.get("advertiser") or "").strip()
        if not self.serves(advertiser, only):
            return RowFault(RowReason.UNKNOWN_ADVERTISER if advertiser else RowReason.EMPTY, "advertiser")
        policy = self.pack(advertiser, row.get("country") or "")
        claim = read_claim(policy, row, self._identity.person(address), now, writer)
        return claim if isinstance(claim, RowFault) else Good(place, address, claim)
