"""A small linear model over pieces of words: how likely a reply refuses, invokes a right, or comes from a machine.

Inference only, in pure Python, from bytes; `training/intent/train.py` makes the bytes and reads texts with this very room. It
hears every word and knows no reason: what its figures are worth, `intent` decides.
"""

from __future__ import annotations

import re
from binascii import crc32
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from struct import Struct

from gateway.core.intent_text import head_and_tail, sentences
from gateway.core.intent_words import Heard, Weight
from gateway.core.signal import Right

MAGIC = b"GWINTENT\x01"
BUCKETS = 1 << 16
MOST_WEIGHED = 2000
"""Characters the model reads: the first two thirds and the last third of them."""

MOST_SENTENCES = 60
_SHORTEST, _LONGEST = 3, 5
_URL = re.compile(r"\b(?:https?://|www\.)\S+")
_MAIL = re.compile(r"[^\s<>@]{0,64}@[^\s<>@]{1,255}")
_DIGITS = re.compile(r"\d+")
_TOKEN = re.compile(r"[^\W_]+|_[um]_|[?!]")
_HEAD = Struct(">9s32sB")
CIRCUMSTANCES = (*Weight, *Right, "acknowledged", "strongest sentence", "question")
"""What is weighed beside the whole text's score."""

_FIGURES = Struct(f">{4 + len(CIRCUMSTANCES)}f")
_E = 2.718281828459045


class Head(StrEnum):
    """The questions the model answers, in the order of its file; the last six exclude each other."""

    REFUSAL = "refusal"
    RIGHTS = "rights"
    OPT_OUT = "opt_out"
    RIGHTS_REQUEST = "rights_request"
    AUTO_REPLY = "auto_reply"
    INTERESTED = "interested"
    QUESTION = "question"
    OTHER = "other"


HEADS = tuple(Head)
LABELS = HEADS[2:]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the model makes of one text: two calibrated likelihoods, and how it divides belief between the labels."""

    refusal: float
    rights: float
    labels: dict[Head, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """One head's numbers: what a weight of 1 is worth, the bias; how score and circumstances of a text make a likelihood."""

    scale: float
    bias: float
    whole: float = 1.0
    offset: float = 0.0
    circumstances: tuple[float, ...] = (0.0,) * len(CIRCUMSTANCES)


def plain_sentences(folded: str) -> list[str]:
    """The sentences the model reads: bounded, and with numbers, links and addresses made alike."""
    text = _MAIL.sub(" _m_ ", _URL.sub(" _u_ ", head_and_tail(folded, MOST_WEIGHED)))
    return sentences(_DIGITS.sub("0", text))[:MOST_SENTENCES]


def buckets(sentence: str, known: dict[str, tuple[int, ...]]) -> set[int]:
    """The numbers of a sentence's features: pieces of its words, its words, its pairs and triples of words."""
    words = _TOKEN.findall(sentence)
    found: set[int] = set()
    for word in words:
        if (pieces := known.get(word)) is None:
            pieces = known[word] = tuple(_pieces(word))
        found.update(pieces)
    found.update(_numbers(f"{first} {second}" for first, second in zip(["^", *words], [*words, "$"], strict=True)))
    found.update(_numbers(map(" ".join, zip(words, words[1:], words[2:], strict=False))))
    return found


def _pieces(word: str) -> Iterable[int]:
    edged = f"<{word[:24]}>"
    lengths = range(_SHORTEST, min(_LONGEST, len(edged) - 1) + 1)
    return _numbers([edged, *(edged[at : at + n] for n in lengths for at in range(len(edged) - n + 1))])


def _numbers(features: Iterable[str]) -> list[int]:
    return [crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS for feature in features]


@dataclass(frozen=True, slots=True)
class IntentModel:
    """The weights, each a signed byte, one row of `BUCKETS` to a head; `trained_on` is the hash of the examples."""

    trained_on: str
    figures: tuple[Figures, ...]
    rows: tuple[Sequence[int], ...]

    @classmethod
    def of(cls, data: bytes) -> IntentModel | None:
        """The model in these bytes; None when they hold none of ours."""
        size = _HEAD.size + len(HEADS) * (_FIGURES.size + BUCKETS)
        if len(data) != size or not data.startswith(MAGIC):
            return None
        _, digest, heads = _HEAD.unpack_from(data)
        if heads != len(HEADS):
            return None
        places = range(_HEAD.size, _HEAD.size + heads * _FIGURES.size, _FIGURES.size)
        figures = tuple(_figures(_FIGURES.unpack_from(data, place)) for place in places)
        weights = memoryview(data)[places.stop :].cast("b")
        rows = tuple(weights[n * BUCKETS : (n + 1) * BUCKETS] for n in range(heads))
        return cls(digest.hex(), figures, rows)

    def weigh(self, folded: str, heard: Heard) -> Weighed:
        """What it makes of a text in plain form (`intent_text.folded`) in which the rules heard what they heard."""
        known: dict[str, tuple[int, ...]] = {}
        said = [found for piece in plain_sentences(folded) if (found := buckets(piece, known))]
        everything = set().union(*said)
        scores = [self._score(n, everything) for n in range(len(HEADS))]
        told = circumstances(folded, heard)
        sure = [self._calibrated(n, scores[n], said, told) for n in (0, 1)]
        powers = [_E ** max(-60.0, min(60.0, score)) for score in scores[2:]]
        whole = sum(powers)
        return Weighed(sure[0], sure[1], {label: power / whole for label, power in zip(LABELS, powers, strict=True)})

    def _score(self, head: int, found: set[int]) -> float:
        figures = self.figures[head]
        return figures.bias + (figures.scale * sum(map(self.rows[head].__getitem__, found)) / len(found) ** 0.5 if found else 0.0)

    def _calibrated(self, head: int, whole: float, said: Sequence[set[int]], told: Sequence[float]) -> float:
        figures = self.figures[head]
        strongest = max((self._score(head, found) for found in said), default=whole)
        seen = (*told[:-1], strongest, told[-1])
        weighed = sum(worth * value for worth, value in zip(figures.circumstances, seen, strict=True))
        return _likelihood(figures.whole * whole + figures.offset + weighed)


def circumstances(folded: str, heard: Heard) -> tuple[float, ...]:
    """Which weights the rules heard, in the order of `CIRCUMSTANCES`, and whether the text asks anything; 1 for yes."""
    invoked = heard.rights
    rules = (float(heard.says(weight)) for weight in Weight)
    return (*rules, *(float(right in invoked) for right in Right), float(heard.acknowledged), float("?" in folded))


def _figures(numbers: tuple[float, ...]) -> Figures:
    scale, bias, whole, offset, *worths = numbers
    return Figures(scale, bias, whole, offset, tuple(worths))


def _likelihood(score: float) -> float:
    return float(1.0 / (1.0 + _E ** -max(-60.0, min(60.0, score))))


def packed(trained_on: bytes, figures: Sequence[Figures], rows: Sequence[bytes]) -> bytes:
    """The file `IntentModel.of` reads: hash of the examples (32 bytes), figures, then one row of signed bytes a head."""
    numbers = b"".join(_FIGURES.pack(f.scale, f.bias, f.whole, f.offset, *f.circumstances) for f in figures)
    return _HEAD.pack(MAGIC, trained_on, len(rows)) + numbers + b"".join(rows)
