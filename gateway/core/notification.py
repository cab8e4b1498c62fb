"""Reads mail in which Amazon SES tells by JSON what became of a message: bounce, complaint, delivery, delay.

Only what arrives as mail; events that arrive over HTTP have their own room and their signature.
"""

from __future__ import annotations

import json

from gateway.core.bounce_cause import cause_of, step_of
from gateway.core.provider_of import UNKNOWN
from gateway.core.signal import Effect, Reported, Signal, Told

MOST = 100_000
MOST_RECIPIENTS = 50


def notification(words: str) -> Signal | None:
    """The signal of a notification; None for text that is none."""
    text = words.lstrip()[:MOST]
    if not text.startswith('{"') or "ype" not in text[:400]:
        return None
    told = _object(text)
    kind = _text(told.get("notificationType") or told.get("eventType"))
    match kind:
        case "Bounce":
            return _bounce(_inner(told, "bounce"))
        case "Complaint":
            reported = tuple(
                Reported(one, hard=None, original=one) for one, _ in _people(_inner(told, "complaint"), "complainedRecipients")
            )
            return Signal(Told.COMPLAINT, Effect.SUPPRESS, "SES complaint", reported=reported, provider=UNKNOWN, machine=True)
        case "Delivery":
            return Signal(Told.DELIVERED, Effect.NONE, "SES delivery", machine=True)
        case "DeliveryDelay":
            return Signal(Told.DELAYED, Effect.NONE, "SES delivery delay", machine=True)
    return None


def _bounce(bounce: dict[str, object]) -> Signal:
    permanent = _text(bounce.get("bounceType")) == "Permanent"
    reported = []
    for address, details in _people(bounce, "bouncedRecipients"):
        status, words = _text(details.get("status")), _text(details.get("diagnosticCode"))
        hard = cause_of(status, words, step_of(words)).hard and permanent
        reported.append(Reported(address, status, hard, address))
    dead = any(one.hard for one in reported)
    return Signal(Told.BOUNCE, Effect.SUPPRESS if dead else Effect.NONE, "SES bounce", reported=tuple(reported), machine=True)


def _object(text: str) -> dict[str, object]:
    """The first JSON object of a text; line ends that a mail system put into it are no part of it."""
    for candidate in (text, text.replace("\n ", "").replace("\n", "")):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return {}


def _inner(told: dict[str, object], name: str) -> dict[str, object]:
    value = told.get(name)
    return value if isinstance(value, dict) else {}


def _people(told: dict[str, object], name: str) -> list[tuple[str, dict[str, object]]]:
    listed = told.get(name)
    rows = [one for one in listed[:MOST_RECIPIENTS] if isinstance(one, dict)] if isinstance(listed, list) else []
    return [(_text(one.get("emailAddress")).strip("<> ")[:320], one) for one in rows]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
