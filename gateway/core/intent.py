"""What a person asks in a reply: to be left alone, a right, or something for people to answer (R-FR-57, R-FR-58, R-FR-59).

Named rules and a small model read the author's own words; the likelihood they give together is cut at two thresholds, and between
them a person decides. Pure and immutable; who answers and what is recorded, other rooms say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.core.intent_model import Head, IntentModel, Weighed
from gateway.core.intent_text import MOST_READ, folded, head_and_tail, is_latin
from gateway.core.intent_words import Heard, Rule, Weight, commands, declares, heard
from gateway.core.own_words import OwnWords
from gateway.core.signal import Effect, Right, Signal, Signals, Told

COMMANDED, SURE, UNNAMED = 0.50, 0.80, 0.90
"""From here on a refusal is applied without asking: of a bare command, of one a rule names, and by the model's word alone."""

DOUBT = 0.12
"""From here on a person looks, and marketing waits (R-FR-58): fewer than 2 in 100 refusals of the folds fall below."""

RIGHTS = 0.30
"""From here on it is a request for the data protection officer; a right that a rule names needs no more than `RIGHTS_DOUBT`."""

RIGHTS_DOUBT = 0.08
"""From here on a person looks whether a right is meant: here sooner than anywhere (R-FR-59)."""

MACHINE = 0.60
"""From here on a text counts as a machine's without any rule, provided none speaks of refusal and none of a right."""

LIKELY = 0.50
"""Below, no pause is added to a rights request: a person looks at it anyway."""

TAUGHT = frozenset({"fr", "en", "de", "es", "it"})
MOST_TARGETS = 8
_ENDING = frozenset({Right.ERASURE, Right.OBJECTION, Right.RESTRICTION})
_ANSWER = re.compile(r"^\s*(?:(?:re|aw|sv|antw|ref|rif|r|tr|fw|fwd|wg|i)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w.+-])([\w.+-]{0,64})@([a-z0-9](?:[a-z0-9-]{0,62}\.)+[a-z]{2,24})?(?![\w@])", re.IGNORECASE)
_SELF = re.compile(
    r"[- ](?:moi|nous)\b|\b(?:me|nous) (?:retirer|desinscrire|desabonner|supprimer|enlever)\b|\b(?:mich|uns)\b"
    r"|\b(?:remove|unsubscribe|take|delete|drop) (?:me|us)\b"
    r"|\b(?:borr|elimin|quit|saqu|sac|d|cancel|rimuov|togl|disiscriv)\w*(?:me|nos|mi|ci|temi|teci)\b"
)


@dataclass(frozen=True, slots=True)
class Understanding:
    """Reads replies in French, English, German, Spanish and Italian; without a model by rules alone, and then doubts more."""

    model: IntentModel | None = None

    def read(self, subject: str, words: OwnWords, language: str = "") -> Signals:
        """What the author's own words ask; never empty, never raises, bounded whatever the length.

        A refusal comes first, then a right; `language` is what the mail declares, and only one that nobody taught us counts.
        """
        lines = folded(head_and_tail(words.text, MOST_READ))
        titled = folded(subject[:300])
        if not any(char.isalnum() for char in lines):
            return (_wordless(titled, words),)
        said = heard(f"{titled}\n{lines}" if not _ANSWER.match(titled) else lines)
        weighed = self.model.weigh(lines, said) if self.model else _by_rules(said)
        if machine := _machine(titled, said, weighed):
            return (machine,)
        unread = not is_latin(lines) or language.partition("-")[0].strip().lower() not in {*TAUGHT, ""}
        return _asked(words, said, weighed, unread)


def _wordless(titled: str, words: OwnWords) -> Signal:
    """An answer without words: its subject speaks only where the author wrote it, or where it is one command."""
    if commands(_ANSWER.sub("", titled)) or (not _ANSWER.match(titled) and heard(titled).says(Weight.REFUSAL)):
        return Signal(Told.OPT_OUT, Effect.SUPPRESS, "rule:subject-command", 0.97)
    if words.unsure:
        return Signal(Told.UNCLEAR, Effect.PAUSE, "no own words; unsure where they end", 0.5)
    return Signal(Told.HUMAN, Effect.NONE, "no own words", 0.9)


def _machine(titled: str, said: Heard, weighed: Weighed) -> Signal | None:
    """A machine's answer, if it is one (R-FR-62). One that asks to stop, as no machine should, is for a person."""
    believed = weighed.labels[Head.AUTO_REPLY]
    declared = said.says(Weight.AUTO) or declares(titled)
    away = said.says(Weight.AWAY) and believed >= LIKELY and weighed.refusal < SURE
    asks = said.command or said.says(Weight.REFUSAL) or said.says(Weight.RIGHT)
    if not declared and not away and (asks or believed < MACHINE or weighed.refusal >= LIKELY or weighed.rights >= RIGHTS):
        return None
    why = _why(said.of(Weight.AUTO, Weight.AWAY), f"model auto_reply {believed:.2f}")
    if said.says(Weight.REFUSAL) and weighed.refusal >= SURE:
        return Signal(Told.UNCLEAR, Effect.PAUSE, f"{why}; model refusal {weighed.refusal:.2f}", weighed.refusal)
    return Signal(Told.AUTO_REPLY, Effect.NONE, why, max(believed, 0.9 if declared else LIKELY), machine=True)


def _asked(words: OwnWords, said: Heard, weighed: Weighed, unread: bool) -> Signals:
    rights = _rights(said, weighed)
    refusing = _refusal(words, said, weighed, DOUBT if rights is None else LIKELY)
    if rights is not None and (rights.told is Told.RIGHTS_REQUEST or not refusing):
        return (*refusing, rights)
    if refusing:
        return refusing
    best = max(weighed.labels, key=lambda label: weighed.labels[label])
    why = f"model {best} {weighed.labels[best]:.2f}; refusal {weighed.refusal:.2f}"
    if unread:
        return (Signal(Told.UNCLEAR, Effect.PAUSE, "a language nobody taught us", 0.5),)
    return (Signal(Told.HUMAN, Effect.NONE, _why(said.of(Weight.KEEP, Weight.ASIDE), why), 1.0 - weighed.refusal),)


def _refusal(words: OwnWords, said: Heard, weighed: Weighed, doubt: float) -> Signals:
    """The refusal, a doubt from so much likelihood on, or nothing."""
    ruled = said.of(Weight.REFUSAL) + tuple(rule for rule in said.of(Weight.RIGHT) if rule.right in _ENDING)
    short = said.of(Weight.SOFT, Weight.LEFT)  # short of a refusal: a no to the offer, an absence
    why = ("rule:command; " if said.command else "") + _why(ruled + short, f"model refusal {weighed.refusal:.2f}")
    if weighed.refusal >= (COMMANDED if said.command else SURE if ruled else UNNAMED) and (said.command or ruled or not short):
        signal = Signal(Told.OPT_OUT, Effect.SUPPRESS, why, weighed.refusal)
        return tuple(replace(signal, target=target) for target in _targets(words.text)) or (signal,)
    if weighed.refusal >= doubt or said.command or ruled or short or (words.unsure and said.says(Weight.MENTION)):
        return (Signal(Told.UNCLEAR, Effect.PAUSE, why, max(weighed.refusal, 1.0 - weighed.refusal)),)
    return ()


def _rights(said: Heard, weighed: Weighed) -> Signal | None:
    """The rights request, or the doubt whether it is one; beside a sure refusal a doubt is enough, since nobody else would look."""
    if weighed.rights < RIGHTS_DOUBT:
        return None
    named = said.of(Weight.RIGHT, Weight.LAW)
    why = _why(named, f"model rights {weighed.rights:.2f}")
    if weighed.rights < RIGHTS and not named and weighed.refusal < SURE:
        return Signal(Told.UNCLEAR, Effect.REVIEW, why, 1.0 - weighed.rights)
    # an objection ends the mail wherever it is read, so a doubtful one is left to who looks
    rights = tuple(right for right in said.rights if right is not Right.OBJECTION or weighed.refusal >= LIKELY)
    return Signal(Told.RIGHTS_REQUEST, Effect.REVIEW, why, weighed.rights, rights=rights)


def _targets(text: str) -> tuple[str, ...]:
    """The addresses and `@domain`s a refusal names, and the author beside them where they name themselves too."""
    named = _named(head_and_tail(text, MOST_READ))
    if named and _SELF.search(_ADDRESS.sub(" ", folded(head_and_tail(text, MOST_READ)))):
        return ("", *named)
    return named


def _named(text: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    domain = ""
    for local, whole in _ADDRESS.findall(text):
        domain = (whole or domain).lower()
        if domain and (whole or local):
            found.setdefault(f"{local.lower()}@{domain}")
    return tuple(found)[:MOST_TARGETS]


def _why(rules: Iterable[Rule], otherwise: str) -> str:
    """The rules that count, by name, and the model's word: nothing of the mail."""
    names = [f"rule:{rule.name}" for rule in rules]
    return "; ".join([*names[:4], otherwise])


def _by_rules(said: Heard) -> Weighed:
    """What the rules alone make of it, where there is no model."""
    strong = said.command or said.says(Weight.REFUSAL) or bool(_ENDING.intersection(said.rights))
    refusal = 0.95 if strong else 0.5 if said.says(Weight.MENTION) or said.says(Weight.SOFT) else 0.05
    rights = 0.9 if said.says(Weight.RIGHT) else 0.3 if said.says(Weight.LAW) else 0.05
    machine = 0.9 if said.says(Weight.AUTO) else 0.5 if said.says(Weight.AWAY) else 0.05
    labels = {Head.OPT_OUT: refusal, Head.RIGHTS_REQUEST: rights, Head.AUTO_REPLY: machine, Head.OTHER: 0.2}
    return Weighed(refusal, rights, labels)
