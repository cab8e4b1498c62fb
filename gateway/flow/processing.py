"""The record of processing (GDPR 30, R-FR-95, R-DP-18): one sheet an advertiser, made of what the gateway really does now.

Nothing is typed in by hand: a purpose is a configured stream, a recipient a configured provider or a published partner, a term a
rule of a loaded pack. What nobody declared is named as undeclared, not left out (R-DP-25).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.duration import Duration
from gateway.core.model import Advertiser, Category, Partner, Stream
from gateway.core.policy import Policy, Rule
from gateway.core.record import Arrangements

_CODES = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO GP MQ GF RE YT MF AX"
EEA = frozenset(_CODES.split())
"""ISO 3166-1 codes of the European Economic Area, with the overseas parts of its members that belong to the Union."""

_TERMS = ("R-FR-80", "R-FR-82", "R-FR-83", "R-FR-84", "R-FR-85")
_MARKETING_PEOPLE = ("prospects", "customers", "professionals", "contact addresses of organisations")
_DATA = (
    "e-mail address, encrypted",
    "key of the person (keyed digest of the address)",
    "consent: wording, date, action, source, form, confirmation",
    "purpose, capacity, professional function, product family",
    "oppositions: scope, door, date",
    "notices given, transfers to partners, own acts of the person",
    "evidence of each decision and delivery, under the key, without address or content",
)
_SECURITY = (
    "Addresses are sealed with AES-GCM-SIV; the key is a file outside the database.",
    "People are named by a keyed digest (HMAC-SHA-256) in state, evidence, tokens and logs; the pepper is outside the database.",
    "Every decision and change is in a hash-chained journal whose heads can be exported and checked.",
    "Tools and API clients have a secret of their own, of which only the SHA-256 is kept, and which can be revoked.",
    "Every look into a person's file is recorded with its reason.",
    "A listener beyond loopback does not start without TLS and authentication.",
    "Erased data are overwritten in the database file and its log.",
)


@dataclass(frozen=True, slots=True)
class Hop:
    """A provider that takes our mail: where it is, as declared, and how the connection is protected."""

    name: str
    host: str
    country: str
    tls: str
    local: bool = False


@dataclass(frozen=True, slots=True)
class Activity:
    """One purpose of one controller, and what it rests on."""

    purpose: str
    streams: tuple[str, ...]
    category: str
    people: tuple[str, ...]
    bases: tuple[str, ...]
    providers: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who receives data: `outside` the EEA is None where no country is declared."""

    name: str
    what: str
    country: str
    outside: bool | None
    contact: str = ""
    privacy_url: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """How long something is kept, in the pack's own sentence."""

    policy: str
    rule: Rule
    after: str


@dataclass(frozen=True, slots=True)
class ProcessingSheet:
    """The sheet of one advertiser."""

    made_at: datetime
    controller: Advertiser
    activities: tuple[Activity, ...]
    data: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    partner_list: str
    terms: tuple[Term, ...]
    security: tuple[str, ...]
    undeclared: tuple[str, ...]

    @property
    def outside(self) -> tuple[Recipient, ...]:
        """The recipients outside the EEA: each needs an adequacy decision or safeguards (GDPR 44 to 46)."""
        return tuple(one for one in self.recipients if one.outside)


@dataclass(frozen=True, slots=True)
class Processing:
    """What the sheets are made of; `countries` are the partners' where declared."""

    streams: Mapping[str, Stream]
    partners: Mapping[str, Partner]
    policies: Mapping[str, Policy]
    hops: Mapping[str, Hop]
    countries: Mapping[str, str]

    def sheets(self, arrangements: Arrangements, now: datetime, advertiser: str = "") -> tuple[ProcessingSheet, ...]:
        """One for each advertiser that has a stream, or for the one named."""
        controllers = {stream.advertiser.name: stream.advertiser for stream in self.streams.values()}
        return tuple(self._sheet(one, arrangements, now) for name, one in sorted(controllers.items()) if advertiser in ("", name))

    def _sheet(self, controller: Advertiser, arrangements: Arrangements, now: datetime) -> ProcessingSheet:
        streams = [stream for stream in self.streams.values() if stream.advertiser.name == controller.name]
        policies = [policy for name, policy in self.policies.items() if name in {s.policy for s in streams}] or [
            *self.policies.values()
        ]
        recipients = (*self._providers(streams), *self._partners(controller.name, arrangements))
        current = arrangements.current(controller.name)
        return ProcessingSheet(
            made_at=now,
            controller=controller,
            activities=tuple(self._activity(purpose, streams, policies) for purpose in dict.fromkeys(s.purpose for s in streams)),
            data=_DATA,
            recipients=recipients,
            partner_list=f"{current.version} ({current.at.date().isoformat()})" if current else "",
            terms=tuple(term for policy in policies for term in terms(policy)),
            security=_SECURITY,
            undeclared=tuple(one.name for one in recipients if one.outside is None),
        )

    def _activity(self, purpose: str, streams: Sequence[Stream], policies: Sequence[Policy]) -> Activity:
        these = [stream for stream in streams if stream.purpose == purpose]
        marketing = any(stream.category is Category.MARKETING for stream in these)
        return Activity(
            purpose,
            tuple(stream.name for stream in these),
            "marketing" if marketing else "transactional",
            _MARKETING_PEOPLE if marketing else ("users of the service",),
            tuple(_bases(marketing, policies)),
            tuple(dict.fromkeys(stream.upstream for stream in these)),
            tuple(policy.label for policy in policies),
        )

    def _providers(self, streams: Sequence[Stream]) -> list[Recipient]:
        used = dict.fromkeys(stream.upstream for stream in streams)
        hops = [self.hops[name] for name in used if name in self.hops]
        return [Recipient(hop.name, f"processor: sends the mail ({hop.host}, TLS {hop.tls})", *_place(hop)) for hop in hops]

    def _partners(self, advertiser: str, arrangements: Arrangements) -> list[Recipient]:
        """Who is on the published list, and who is told of oppositions whether listed or not."""
        current = arrangements.current(advertiser)
        listed = {one.name: one for one in current.partners} if current else {}
        names = dict.fromkeys([*listed, *(one.name for one in self.partners.values() if one.receives)])
        return [self._partner(name, listed[name].legal_name if name in listed else "") for name in names]

    def _partner(self, name: str, listed: str) -> Recipient:
        known = self.partners.get(name)
        country = self.countries.get(name, "")
        what = "partner on the published list" if listed else "partner, not on the published list"
        outside = country not in EEA if country else None
        legal = known.legal_name if known else listed or name
        return Recipient(legal, what, country, outside, known.contact if known else "", known.privacy_url if known else "")


def terms(policy: Policy) -> tuple[Term, ...]:
    """The retention terms of a pack; a rule that is off is not shown."""
    book = policy.book
    spans = {
        "R-FR-80": book.inactive.after,
        "R-FR-82": book.stay.answer_within,
        "R-FR-83": book.former_customer.after,
        "R-FR-85": book.proof_kept.after,
    }
    return tuple(
        Term(policy.label, policy.rule(rule), written(spans[rule]) if rule in spans else "")
        for rule in _TERMS
        if rule not in policy.off
    )


def written(span: Duration) -> str:
    """The span as a pack writes it: `P3Y`, `P1M`, `P30D`."""
    years, months = divmod(span.months, 12)
    parts = ((years, "Y"), (months, "M"), (span.days, "D"))
    return "P" + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0D")


def _bases(marketing: bool, policies: Sequence[Policy]) -> list[str]:
    if not marketing:
        return ["performance of a contract or service asked for (GDPR 6(1)(b))"]
    bases = ["consent (GDPR 6(1)(a))", "legitimate interest towards customers for similar products (GDPR 6(1)(f))"]
    if not all(policy.strict_b2b for policy in policies):
        bases.append("legitimate interest towards professionals about their work (GDPR 6(1)(f))")
    return bases


def _place(hop: Hop) -> tuple[str, bool | None]:
    if hop.local and not hop.country:
        return "", False
    return hop.country, hop.country not in EEA if hop.country else None
