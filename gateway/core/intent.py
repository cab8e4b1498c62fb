"""What a person asks in a reply: to be left alone, a right, or something for people to answer. Doubt goes to a person."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.intent_text import folded, sentences, squeezed
from gateway.core.own_words import OwnWords
from gateway.core.signal import Effect, Signal, Signals, Told

_COMMANDS = frozenset({"stop", "unsubscribe", "desinscription", "remove", "baja", "abmelden", "cancellami"})


@dataclass(frozen=True, slots=True)
class Understanding:
    """Reads replies in French, English, German, Spanish and Italian (R-FR-57, R-FR-58, R-FR-59)."""

    def read(self, subject: str, words: OwnWords, language: str = "") -> Signals:
        """What the author's own words ask; never empty, never raises."""
        said = sentences(folded(words.text)) or sentences(folded(subject))
        if any(squeezed(piece) in _COMMANDS for piece in said):
            return (Signal(Told.OPT_OUT, Effect.SUPPRESS, "rule:command"),)
        doubt = words.unsure and not language
        return (Signal(Told.UNCLEAR, Effect.PAUSE, "unsure"),) if doubt else (Signal(Told.HUMAN, Effect.NONE, "no rule"),)
