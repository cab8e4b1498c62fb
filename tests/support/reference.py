"""A small second opinion on who may be mailed, written from the rule book and not from the gateway's code.

It keeps a person's history as a plain list of what happened and answers yes, no or wait for any instant of it, by the rules of the
French pack as shipped. It names no rule and words nothing: only the answer is compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

FREE_MAIL = {"freemail.example"}
ROLES = {"contact", "info"}
UNSOURCED = {"", "unknown", "inconnu"}
CARDS = {"business-card", "trade-fair"}
CUSTOMER_BY = {"purchase", "contract", "free-account"}
STOPS = {"opposed", "complained", "restricted", "bounced", "pending"}


@dataclass
class Entry:
    """One record, as it was told; `ended` when it was withdrawn."""

    facts: dict[str, object]
    known: datetime
    ended: datetime | None = None


@dataclass
class History:
    """All that happened to one person, for one advertiser `acme` with the streams `news`, `club` and `service`."""

    entries: list[Entry] = field(default_factory=list)
    stops: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    noticed: set[str] = field(default_factory=set)
    acted: datetime | None = None

    def withdraw(self, purpose: str, now: datetime) -> None:
        """Everything for a purpose (or all) ends."""
        for entry in self.entries:
            if entry.ended is None and purpose in ("", entry.facts["purpose"]):
                entry.ended = now


@dataclass(frozen=True)
class Mail:
    """What is to be sent: into which stream, to which address, when; `paused` when its stream waits."""

    stream: str
    purpose: str
    service: bool
    sensitive: bool
    confirmed_only: bool
    functions: tuple[str, ...]
    families: tuple[str, ...]
    local: str
    domain: str
    now: datetime
    paused: bool
    named: dict[tuple[str, str], tuple[str, ...]]


def answer(history: History, mail: Mail) -> str:
    """`yes`, `no`, or `wait`."""
    reaching = {
        block
        for (block, scope, where), standing in history.stops.items()
        if standing and (scope, where) in (("all", ""), ("advertiser", "acme"), ("stream", mail.stream))
    }
    if mail.service:
        return "no" if "bounced" in reaching else "yes"
    if reaching & STOPS:
        return "no"
    if mail.paused:
        return "wait"
    own = [entry for entry in history.entries if entry.facts.get("covers", "own") == "own"]
    if any(entry.facts.get("minor") for entry in own) and not any(entry.facts.get("parental") for entry in own):
        return "no"
    if _gone_cold(history, history.entries, mail.now):
        return "no"
    return "yes" if any(_carries(entry, own, history, mail) for entry in own) else "no"


def _gone_cold(history: History, entries: list[Entry], now: datetime) -> bool:
    """Three years after the person's last act, unless a contract lasts; without any act, after the newest record."""
    relations = [entry.facts.get("relation") or {} for entry in entries if not entry.ended]
    if any(one.get("kind") == "contract" and one.get("by", "") in ("", "acme") for one in relations):  # type: ignore[attr-defined]
        return False
    acts = [history.acted] if history.acted else []
    for entry in entries:
        relation = entry.facts.get("relation") or {}
        assert isinstance(relation, dict)
        acts += [one for one in (entry.facts.get("collected_at"), entry.facts.get("confirmed_at"), relation.get("at")) if one]
    acts = acts or [entry.known for entry in entries]
    return bool(acts) and _three_years_after(max(acts)) < now  # type: ignore[type-var]


def _three_years_after(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year + 3)
    except ValueError:
        return moment.replace(year=moment.year + 3, day=28)


def _carries(entry: Entry, own: list[Entry], history: History, mail: Mail) -> bool:
    told = entry.facts
    direct = told["source"] == "direct"
    if not direct and str(told["source"]).casefold() in UNSOURCED:
        return False
    if _ended(entry, own, mail.purpose):
        return False
    audience = _audience(told, mail)
    if audience == "company":
        return _words_possible(entry, history, mail.now)
    if mail.sensitive and not (told["basis"] == "consent" and told.get("explicit")):
        return False
    if told["basis"] == "consent":
        return _consented(entry, audience, mail) and _words_possible(entry, history, mail.now)
    if told["basis"] == "legitimate-interest" and audience == "professional":
        return not told.get("missing") and _concerns(told, mail) and _words_possible(entry, history, mail.now)
    if told["basis"] == "existing-customer":
        return _customer(told, mail)
    return False


def _ended(entry: Entry, own: list[Entry], purpose: str) -> bool:
    """Withdrawn, or no newer than a withdrawal of its purpose or of the mail's."""
    if entry.ended:
        return True
    ends = [one.ended for one in own if one.ended and one.facts["purpose"] in (entry.facts["purpose"], purpose)]
    collected = entry.facts.get("collected_at")
    return bool(ends) and (collected is None or collected <= max(ends))  # type: ignore[operator]


def _audience(told: dict[str, object], mail: Mail) -> str:
    audience = told["audience"]
    if audience == "consumer":
        return "consumer"
    if audience == "legal-person" and mail.local in ROLES and told.get("entity") not in ("sole-trader", "partnership"):
        return "company"
    if mail.domain in FREE_MAIL and not told.get("professional_proof"):
        return "consumer"
    return "professional"


def _consented(entry: Entry, audience: str, mail: Mail) -> bool:
    told = entry.facts
    if told.get("missing") or told["purpose"] != mail.purpose:
        return False
    if (mail.confirmed_only or told["source"] in CARDS) and not told.get("confirmed_at"):
        return False
    # A card or a fair is no partner: the person handed the address over, and has confirmed it.
    if audience == "consumer" and told["source"] != "direct" and told["source"] not in CARDS:
        shown = mail.named.get((str(told["source"]), str(told.get("partner_list_version", ""))), ())
        acquired, collected = told.get("acquired_at") or entry.known, told.get("collected_at")
        if "acme" not in shown or (acquired and collected and acquired < collected):  # type: ignore[operator]
            return False
    return True


def _concerns(told: dict[str, object], mail: Mail) -> bool:
    function = str(told.get("function", "")).strip().casefold()
    return bool(function) and ("*" in mail.functions or function in mail.functions)


def _customer(told: dict[str, object], mail: Mail) -> bool:
    relation = told.get("relation") or {}
    assert isinstance(relation, dict)
    return (
        told["source"] == "direct"
        and not told.get("missing")
        and relation.get("kind") in CUSTOMER_BY
        and relation.get("by", "") in ("", "acme")
        and str(told.get("product_family", "")).casefold() in mail.families
        and bool(told.get("optout_offered"))
    )


def _words_possible(entry: Entry, history: History, now: datetime) -> bool:
    """Whether the notice was given, or can still be given in time: within one calendar month of having the address."""
    told = entry.facts
    if told["source"] == "direct" or told.get("notice_sent_at") or told["source"] in history.noticed:
        return True
    had = told.get("acquired_at") or entry.known
    assert isinstance(had, datetime)
    return now <= _one_month_after(had)


def _one_month_after(moment: datetime) -> datetime:
    year, month = (moment.year, moment.month + 1) if moment.month < 12 else (moment.year + 1, 1)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month, day=min(moment.day, 28)) + timedelta(0)
