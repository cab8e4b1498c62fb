"""Whether a person has been silent for so long that nobody writes to them any more (R-FR-80, R-FR-83).

Counted from the person's own acts; opening a mail is none (R-FR-81). A customer whose relation lasts is neither a prospect nor a
former customer; one whose relation ended is written to until the later of the two terms is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from gateway.core.policy import Policy
from gateway.core.record import Consent, RelationKind

Rules = tuple[str, ...]
_BY_ACT: Rules = ("R-FR-80",)
_BY_RELATION: Rules = ("R-FR-83",)
LASTING = (RelationKind.CONTRACT, RelationKind.MEMBERSHIP)
"""Dealings that go on until their end is recorded; a free account may be forgotten, and lasts no longer than acts."""


def lapsed(policy: Policy, records: Sequence[Consent], last_act: datetime | None, now: datetime) -> tuple[bool, Rules]:
    """Whether it is too late to write, and the rules looked at; at the very end of a term mail may still go."""
    last = last_of(records, last_act)
    if last is not None and now - last < policy.surely_active:
        return False, _BY_ACT
    end, rules = ends(policy, records, last)
    return end is not None and now > end, rules


def ends(policy: Policy, records: Sequence[Consent], last: datetime | None) -> tuple[datetime | None, Rules]:
    """Until when the person may be written to, counted from their last act and from the end of their relation; None for no end."""
    if any(_lasts(consent) for consent in records):
        return None, _BY_RELATION
    ended = [consent.relation.ended_at for consent in records if consent.relation and consent.relation.ended_at]
    terms: dict[str, datetime] = {}
    if "R-FR-80" not in policy.off and last is not None:
        terms["R-FR-80"] = policy.book.inactive.after.after(last)
    if "R-FR-83" not in policy.off and ended:
        terms["R-FR-83"] = policy.book.former_customer.after.after(max(ended))
    return max(terms.values(), default=None), tuple(terms)


def last_of(records: Sequence[Consent], last_act: datetime | None) -> datetime | None:
    """The person's last act on record; where no day is, that of the newest record, before which the address was collected."""
    if len(records) == 1 and last_act is None:
        only = records[0]
        if only.confirmed_at is None and only.relation is None:
            return only.collected_at or only.recorded_at
    acts = [last_act]
    for consent in records:
        acts += [consent.collected_at, consent.confirmed_at, consent.relation.at if consent.relation else None]
    filed = (consent.recorded_at for consent in records)
    return _latest(acts) or _latest(filed)


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _lasts(consent: Consent) -> bool:
    relation = consent.relation
    if relation is None or relation.kind not in LASTING or relation.by not in ("", consent.advertiser):
        return False
    return relation.ended_at is None and consent.withdrawn_at is None
