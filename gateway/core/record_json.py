"""Records as JSON text and back, for stores that keep a record, or a part of one, as one value.

Pure ASCII whatever the text holds, fields at their default left out. Text that is no such record reads as None, never as an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from gateway.core.model import PersonKey
from gateway.core.record import (
    NO_PROOF,
    NO_TRAITS,
    Audience,
    Basis,
    Consent,
    Covers,
    Entity,
    NamedPartner,
    Proof,
    Relation,
    RelationKind,
    Traits,
)

Told = Mapping[str, object]
T = TypeVar("T")

_CONSENT_WORDS = (
    "advertiser",
    "purpose",
    "source",
    "action",
    "wording",
    "function",
    "partner_list_version",
    "product_family",
    "professional_proof",
)
_CONSENT_TIMES = ("collected_at", "notice_sent_at", "withdrawn_at", "recorded_at", "acquired_at", "confirmed_at")
_TRAITS = ("country", "entity", "minor", "parental", "explicit", "optout_offered", "published")
_PROOF = ("wording_id", "form", "writer", "batch", "presentation", "language")
_PARTNER = ("name", "legal_name", "privacy_url")


def consents_text(consents: Sequence[Consent]) -> str:
    """The records as one JSON list, in order."""
    return _text([_of_consent(one) for one in consents])


def parse_consents(text: str) -> tuple[Consent, ...] | None:
    """What `consents_text` wrote."""
    return _parsed(text, lambda told: tuple(_consent(_told(one)) for one in _listed(told)))


def consent_text(consent: Consent) -> str:
    """One record as a JSON object."""
    return _text(_of_consent(consent))


def parse_consent(text: str) -> Consent | None:
    """What `consent_text` wrote."""
    return _parsed(text, lambda told: _consent(_told(told)))


@lru_cache(maxsize=1024)
def traits_text(traits: Traits) -> str:
    """The traits as a JSON object; empty for none."""
    return "" if traits == NO_TRAITS else _text(_of_fields(traits, _TRAITS))


@lru_cache(maxsize=1024)
def parse_traits(text: str) -> Traits | None:
    """What `traits_text` wrote; equal texts give one value, as many records share it."""
    return NO_TRAITS if not text else _parsed(text, lambda told: _traits(_told(told)))


def relation_text(relation: Relation | None) -> str:
    """The relation as a JSON object; empty for none."""
    return "" if relation is None else _text(_of_relation(relation))


def parse_relation(text: str) -> Relation | None:
    """What `relation_text` wrote from a relation."""
    return _parsed(text, lambda told: _relation(_told(told)))


@lru_cache(maxsize=1024)
def proof_text(proof: Proof) -> str:
    """The proof as a JSON object; empty for none."""
    return "" if proof == NO_PROOF else _text(_of_proof(proof))


@lru_cache(maxsize=1024)
def parse_proof(text: str) -> Proof | None:
    """What `proof_text` wrote."""
    return NO_PROOF if not text else _parsed(text, lambda told: _proof(_told(told)))


def partners_text(partners: Sequence[NamedPartner]) -> str:
    """The partners of a list as JSON, in order."""
    return _text([_of_fields(one, _PARTNER) for one in partners])


@lru_cache(maxsize=64)
def parse_partners(text: str) -> tuple[NamedPartner, ...] | None:
    """What `partners_text` wrote."""
    return _parsed(text, lambda told: tuple(_partner(_told(one)) for one in _listed(told)))


def words_text(words: Sequence[str]) -> str:
    """Words as a JSON list; empty for none."""
    return _text(list(words)) if words else ""


def parse_words(text: str) -> tuple[str, ...] | None:
    """What `words_text` wrote."""
    return _parsed(text, lambda told: tuple(_word(one) for one in _listed(told))) if text else ()


def _of_consent(one: Consent) -> dict[str, object]:
    told: dict[str, object] = {"person": one.person.hex(), "audience": one.audience.value, "basis": one.basis.value}
    told |= _of_fields(one, _CONSENT_WORDS) | _of_times(one, _CONSENT_TIMES)
    if one.covers is not Covers.OWN:
        told["covers"] = one.covers.value
    if one.missing:
        told["missing"] = list(one.missing)
    if one.relation is not None:
        told["relation"] = _of_relation(one.relation)
    if one.traits != NO_TRAITS:
        told["traits"] = _of_fields(one.traits, _TRAITS)
    if one.proof != NO_PROOF:
        told["proof"] = _of_proof(one.proof)
    return told


def _consent(told: Told) -> Consent:
    return Consent(
        person=PersonKey(bytes.fromhex(_word(told["person"]))),
        advertiser=_say(told, "advertiser"),
        purpose=_say(told, "purpose"),
        audience=Audience(_say(told, "audience")),
        basis=Basis(_say(told, "basis")),
        source=_say(told, "source"),
        collected_at=_time(told, "collected_at"),
        action=_say(told, "action"),
        wording=_say(told, "wording"),
        function=_say(told, "function"),
        notice_sent_at=_time(told, "notice_sent_at"),
        partner_list_version=_say(told, "partner_list_version"),
        product_family=_say(told, "product_family"),
        professional_proof=_say(told, "professional_proof"),
        withdrawn_at=_time(told, "withdrawn_at"),
        missing=tuple(_word(one) for one in _listed(told.get("missing", []))),
        recorded_at=_time(told, "recorded_at"),
        covers=Covers(_say(told, "covers") or Covers.OWN),
        acquired_at=_time(told, "acquired_at"),
        confirmed_at=_time(told, "confirmed_at"),
        relation=_relation(_told(told["relation"])) if "relation" in told else None,
        traits=_traits(_told(told.get("traits", {}))),
        proof=_proof(_told(told.get("proof", {}))),
    )


def _of_relation(one: Relation) -> dict[str, object]:
    return _of_fields(one, ("kind", "by")) | _of_times(one, ("at", "ended_at"))


def _relation(told: Told) -> Relation:
    return Relation(RelationKind(_say(told, "kind")), _time(told, "at"), _say(told, "by"), _time(told, "ended_at"))


def _traits(told: Told) -> Traits:
    return Traits(
        country=_say(told, "country"),
        entity=Entity(_say(told, "entity")),
        minor=_flag(told, "minor"),
        parental=_flag(told, "parental"),
        explicit=_flag(told, "explicit"),
        optout_offered=_flag(told, "optout_offered"),
        published=_flag(told, "published"),
    )


def _of_proof(one: Proof) -> dict[str, object]:
    return _of_fields(one, _PROOF) | _of_times(one, ("asked_at",))


def _proof(told: Told) -> Proof:
    wording_id, form, writer, batch, presentation, language = (_say(told, name) for name in _PROOF)
    return Proof(wording_id, form, writer, batch, presentation, language, _time(told, "asked_at"))


def _partner(told: Told) -> NamedPartner:
    return NamedPartner(_say(told, "name"), _say(told, "legal_name"), _say(told, "privacy_url"))


def _of_fields(one: object, names: Sequence[str]) -> dict[str, object]:
    return {name: value for name in names if (value := getattr(one, name))}


def _of_times(one: object, names: Sequence[str]) -> dict[str, object]:
    return {name: at.isoformat() for name in names if (at := getattr(one, name)) is not None}


def _text(told: object) -> str:
    return json.dumps(told, separators=(",", ":"))


def _parsed(text: str, read: Callable[[object], T]) -> T | None:
    try:
        return read(json.loads(text))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _told(told: object) -> Told:
    if not isinstance(told, dict):
        raise TypeError
    return told


def _listed(told: object) -> list[object]:
    if not isinstance(told, list):
        raise TypeError
    return told


def _word(told: object) -> str:
    if not isinstance(told, str):
        raise TypeError
    return told


def _say(told: Told, name: str) -> str:
    return _word(told.get(name, ""))


def _flag(told: Told, name: str) -> bool:
    flag = told.get(name, False)
    if not isinstance(flag, bool):
        raise TypeError
    return flag


def _time(told: Told, name: str) -> datetime | None:
    return datetime.fromisoformat(_word(told[name])) if name in told else None
