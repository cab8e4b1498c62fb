"""The one reader of everything that comes back: bytes in, signals out, never an exception, whatever the bytes (R-STD-60 to 70).

Reports are told apart first, then what machines answer, then what people write. Decides nothing: `flow` does what a signal means.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gateway.core.automatic import asks_to_confirm, automatic, challenge, challenged, receipt, unsubscribed_by_apple
from gateway.core.complaint import complaint
from gateway.core.delivery_report import DeliveryReport, Line, delivery_report
from gateway.core.free_bounce import free_bounce, from_a_machine, null_sender
from gateway.core.mail_text import text_of
from gateway.core.notice_text import notice_of
from gateway.core.notification import notification
from gateway.core.own_words import own_words
from gateway.core.returned import Returned, returned, tokens_in
from gateway.core.signal import Effect, Reported, Signal, Signals, Told
from gateway.core.unpack import MOST, Mail, unpack

if TYPE_CHECKING:
    from gateway.core.intent import Understanding

_TO_US = ("to", "delivered-to", "x-original-to", "envelope-to", "cc", "x-envelope-to")
"""Where the address a person answered to is written; the words of an answer may quote anybody's."""
MOST_OWN = 6_000


def read_mail(data: bytes, sender: str | None, understanding: Understanding) -> Signals:
    """What a message tells, the weightiest first; `sender` is the envelope's, empty for the null one, None where nobody knows."""
    mail = unpack(data)
    if not mail.fields:
        return (Signal(Told.MALFORMED, Effect.NONE, "no header fields", machine=True),)
    notice = notice_of(mail)
    return _report(mail, sender, notice) or _machine(mail, sender, notice) or _human(mail, data, understanding)


def _report(mail: Mail, sender: str | None, notice: str) -> Signals:
    """Steps 1 to 4 of R-STD-60: complaints, delivery reports in the standard's form and in free words, receipts."""
    back = returned(mail)
    if (signal := complaint(mail, back) or notification(notice)) is not None:
        return (signal,)
    report = delivery_report(mail, notice)
    if report is not None:
        return (challenged(),) if any(_asks(line, notice) for line in report.lines) else _delivery(report, back)
    if from_a_machine(mail, sender) and (freely := free_bounce(mail, notice)) is not None:
        why = f"notice of failure in free words, {freely.cause.value}"
        return (_told(freely.told, freely.reported, why, back, confidence=0.9),)
    if (read := receipt(mail)) is not None:
        return (_returning(read, back),)
    if mail.kind == "multipart/report":
        return (_returning(_unrecognised("report that names no recipient"), back),)
    return ()


def _machine(mail: Mail, sender: str | None, notice: str) -> Signals:
    """Step 5: what machines answer; a null sender that says nothing known goes to a person (R-STD-56)."""
    signal = unsubscribed_by_apple(mail) or challenge(mail, own_words(notice[:MOST_OWN]).text) or automatic(mail)
    if signal is not None:
        return (dataclasses.replace(signal, tokens=_own_tokens(mail)),)
    if not notice.strip() and not any(name in ("from", "to", "subject", "message-id", "date") for name, _ in mail.fields):
        return (Signal(Told.MALFORMED, Effect.NONE, "neither author nor words", machine=True),)
    return (_unrecognised("null sender, no known form"),) if null_sender(mail, sender) else ()


def _human(mail: Mail, data: bytes, understanding: Understanding) -> Signals:
    """Steps 6 and 7: a person's own words, without what they quote; where not all was read, an answer may stand in the rest."""
    letter = text_of(data[:MOST])
    words = own_words(letter.text)
    if letter.truncated or (len(data) > MOST and not letter.text.strip()):
        words = dataclasses.replace(words, unsure=True)
    signals = understanding.read(letter.subject, words, letter.language)
    tokens = _own_tokens(mail)
    return tuple(dataclasses.replace(signal, tokens=(*signal.tokens, *tokens)) for signal in signals) or (
        _unrecognised("nothing to read"),
    )


def _delivery(report: DeliveryReport, back: Returned) -> Signals:
    """One signal for each thing that happened, failures first (R-STD-63)."""
    signals = []
    for told in (Told.BOUNCE, Told.DELAYED, Told.DELIVERED):
        lines = [line for line in report.lines if line.told is told]
        if lines:
            dead = next((line for line in lines if line.reported.hard), lines[0])
            why = f"delivery report, {' '.join(filter(None, (told.value, dead.reported.status, dead.cause.value)))}"
            signals.append(_told(told, tuple(line.reported for line in lines), why, back))
    return tuple(signals)


def _asks(line: Line, notice: str) -> bool:
    """Whether a refusal is a request to confirm oneself, in the form of a report."""
    return asks_to_confirm(notice) if line.told is Told.BOUNCE and not line.reported.hard else False


def _told(told: Told, reported: tuple[Reported, ...], why: str, back: Returned, confidence: float = 1.0) -> Signal:
    effect = Effect.SUPPRESS if told is Told.BOUNCE and any(one.hard for one in reported) else Effect.NONE
    return _returning(Signal(told, effect, why, confidence, reported=reported, machine=True), back)


def _returning(signal: Signal, back: Returned) -> Signal:
    return dataclasses.replace(signal, tokens=back.tokens, message_id=back.message_id)


def _unrecognised(why: str) -> Signal:
    return Signal(Told.UNCLEAR, Effect.REVIEW, why, 0.5, machine=True)


def _own_tokens(mail: Mail) -> tuple[str, ...]:
    return tokens_in(value for place in _TO_US for name, value in mail.fields if name == place)
