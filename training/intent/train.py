"""Makes `gateway/models/intent.bin` from the examples beside this file, and prints how well it reads those it never saw.

    pip install numpy && PYTHONPATH=. python training/intent/train.py

A developer's tool: neither the gateway nor its tests need it, or NumPy. The same examples give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from gateway.core.intent_model import (
    BUCKETS,
    CIRCUMSTANCES,
    HEADS,
    LABELS,
    Figures,
    Head,
    buckets,
    circumstances,
    packed,
    plain_sentences,
)
from gateway.core.intent_text import folded
from gateway.core.intent_words import heard
from gateway.edges.intent_file import load_understanding
from tests.support.intent_score import table

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "gateway" / "models" / "intent.bin"
FOLDS = 5
STEPS = 100
RIDGE = 3e-5
"""Weight of the penalty on large weights; chosen by the log loss of the folds."""

SEED = 20
REFUSING = {"yes": 1.0, "review": 0.5, "no": 0.0}
OPENERS = """
Bonjour,|Bonsoir|Madame, Monsieur,|Hello,|Dear team,|Hi|Guten Tag,|Sehr geehrte Damen und Herren,|Hallo|Hola,|Buenos días,
Buongiorno,|Gentili signori,|Salve|
"""
CLOSERS = """
Cordialement|Merci|Bien à vous, Paul Rémy|Regards, Jane Hill|Thanks|Kind regards|Mit freundlichen Grüßen|Danke, K. Wolf|Un saludo
Gracias|Cordiali saluti|Grazie, Anna Riva|Envoyé de mon mobile|
"""


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a file, or one made of two."""

    label: str
    suppress: str
    rights: bool
    test: bool
    text: str
    lang: str


def digest(folder: Path = HERE) -> bytes:
    """The hash of all the examples, which the weights carry: the two never part."""
    made = hashlib.sha256()
    for path in sorted(folder.glob("*.tsv")):
        made.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return made.digest()


def read(folder: Path = HERE) -> list[Example]:
    """Every example of every language."""
    found = []
    for path in sorted(folder.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            label, suppress, rights, split, text = line.split("\t")
            asks = rights != "-" or label == "rights_request"
            found.append(Example(label, suppress, asks, split == "test", text.replace("\\n", "\n"), path.stem[:2]))
    return found


def varied(examples: Sequence[Example], random: Random) -> list[Example]:
    """The examples, dressed with greetings, misspelt, and in pairs: a letter asks what any part of it asks."""
    made = list(examples)
    openers, closers = (text.strip("\n").replace("\n", "|").split("|") for text in (OPENERS, CLOSERS))
    plain = [e for e in examples if e.suppress == "no" and not e.rights and e.label != "auto_reply"]
    idle = {lang: [e for e in plain if e.lang == lang] for lang in sorted({e.lang for e in plain})}
    for e in examples:
        dressed = f"{random.choice(openers)}\n\n{e.text}\n\n{random.choice(closers)}".strip()
        made.append(Example(e.label, e.suppress, e.rights, e.test, dressed, e.lang))
        made.append(Example(e.label, e.suppress, e.rights, e.test, misspelt(e.text, random), e.lang))
        other = random.choice(idle[e.lang])
        if e.label != "auto_reply" and other.label != "other":
            pair = [e.text, other.text] if random.random() < 0.5 else [other.text, e.text]
            made.append(
                Example(e.label if e.label != "other" else other.label, e.suppress, e.rights, e.test, "\n".join(pair), e.lang)
            )
    return made


def misspelt(text: str, random: Random) -> str:
    """One slip of the finger for every dozen letters."""
    letters = list(text)
    for _ in range(max(1, len(letters) // 12)):
        at = random.randrange(len(letters))
        match random.randrange(3):
            case 0:
                letters[at] = ""
            case 1:
                letters[at] *= 2
            case _:
                letters[at - 1], letters[at] = letters[at], letters[at - 1]
    return "".join(letters)


class Table:
    """Features of many texts as one sparse matrix whose rows have length 1."""

    def __init__(self, rows: Sequence[set[int]]) -> None:
        self.counts = np.array([len(row) for row in rows])
        self.columns = np.fromiter((number for row in rows for number in sorted(row)), dtype=np.int64)
        self.rows = np.repeat(np.arange(len(rows)), self.counts)
        self.values = (1.0 / np.sqrt(np.maximum(self.counts, 1)))[self.rows]

    def times(self, weights: np.ndarray) -> np.ndarray:
        """Scores of every text."""
        return np.bincount(self.rows, self.values * weights[self.columns], minlength=len(self.counts))

    def back(self, errors: np.ndarray) -> np.ndarray:
        """What every feature had to do with the errors."""
        return np.bincount(self.columns, self.values * errors[self.rows], minlength=BUCKETS)


def fit(table: Table, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases of one logistic regression (one column) or a multinomial one, by Adam over everything at once."""
    kinds = wanted.shape[1]
    weights, bias = np.zeros((kinds, BUCKETS)), np.zeros(kinds)
    first, second = np.zeros((kinds, BUCKETS + 1)), np.zeros((kinds, BUCKETS + 1))
    for step in range(1, STEPS + 1):
        errors = (chances(scored(table, weights, bias)) - wanted) / len(wanted)
        slope = np.stack([np.append(table.back(errors[:, k]) + RIDGE * weights[k], errors[:, k].sum()) for k in range(kinds)])
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        rate = 0.3 * (1 - step / (STEPS + 1))
        move = rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
        weights, bias = weights - move[:, :-1], bias - move[:, -1]
    return weights, bias


def scored(table: Table, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Scores, one column a kind."""
    return np.stack([table.times(row) + b for row, b in zip(weights, bias, strict=True)], axis=1)


def chances(scores: np.ndarray) -> np.ndarray:
    """Likelihoods: logistic for one column, softmax for more."""
    if scores.shape[1] == 1:
        return 1 / (1 + np.exp(-scores))
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def seen_by(examples: Sequence[Example]) -> tuple[list[set[int]], list[list[set[int]]]]:
    """Features of whole texts, and of their sentences."""
    known: dict[str, tuple[int, ...]] = {}
    parts = [[found for piece in plain_sentences(folded(e.text)) if (found := buckets(piece, known))] for e in examples]
    return [set().union(*part) for part in parts], parts


def strongest(parts: Sequence[Sequence[set[int]]], weights: np.ndarray, bias: float) -> np.ndarray:
    """The highest score of any one sentence of each text."""
    return np.array([max((bias + weights[list(p)].sum() / len(p) ** 0.5 for p in part), default=bias) for part in parts])


def target(examples: Sequence[Example], head: Head) -> np.ndarray:
    """What a binary head should have said."""
    return np.array([REFUSING[e.suppress] if head is Head.REFUSAL else float(e.rights) for e in examples])


def unseen(examples: Sequence[Example], head: Head) -> tuple[list[Example], np.ndarray]:
    """Examples, each with the score of its text, the circumstances, by weights that never saw it."""
    folds = [[e for n, e in enumerate(examples) if n % FOLDS == fold] for fold in range(FOLDS)]
    shown: list[Example] = []
    points = []
    for fold in range(FOLDS):
        taught = varied([e for n, part in enumerate(folds) if n != fold for e in part], Random(SEED + fold))
        weights, bias = fit(Table(seen_by(taught)[0]), target(taught, head)[:, None])
        held = varied(folds[fold], Random(SEED + 50 + fold))
        points.append(seen(held, weights[0], bias[0]))
        shown += held
    return shown, np.concatenate(points)


def seen(examples: Sequence[Example], weights: np.ndarray, bias: float) -> np.ndarray:
    """What the calibration looks at: whole text, then circumstances in the order of the model."""
    wholes, parts = seen_by(examples)
    told = np.array([circumstances(plain := folded(e.text), heard(plain)) for e in examples])
    columns = [Table(wholes).times(weights) + bias, *told[:, :-1].T, strongest(parts, weights, bias), told[:, -1]]
    return np.stack(columns, axis=1)


def stacked(points: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Logistic regression of a few figures, by Newton's method; the offset comes last."""
    full = np.column_stack([points, np.ones(len(points))])
    at = np.zeros(full.shape[1])
    for _ in range(40):
        said = 1 / (1 + np.exp(-(full @ at)))
        curve = (full * (said * (1 - said))[:, None]).T @ full + np.eye(len(at))
        at = at - np.linalg.solve(curve, full.T @ (said - wanted) + at)
    return at


def quantised(weights: np.ndarray) -> tuple[float, bytes]:
    """A row as signed bytes, and what one of them is worth."""
    scale = float(np.abs(weights).max()) / 127 or 1.0
    return scale, np.rint(weights / scale).astype(np.int8).tobytes()


def calibrated(examples: Sequence[Example], head: Head, scale: float, bias: float) -> Figures:
    """How score and circumstances make a likelihood: learnt on texts that the weights in question never saw."""
    shown, points = unseen(examples, head)
    whole, *worths, offset = map(float, stacked(points, target(shown, head)))
    print(
        head,
        "text",
        round(whole, 2),
        "offset",
        round(offset, 2),
        {c: round(w, 2) for c, w in zip(CIRCUMSTANCES, worths, strict=True)},
    )
    return Figures(scale, bias, whole, offset, tuple(worths))


def train(examples: Sequence[Example], trained_on: bytes) -> bytes:
    """The file of weights."""
    taught = varied(examples, Random(SEED))
    table = Table(seen_by(taught)[0])
    figures, rows = [], []
    for head in HEADS[:2]:
        weights, bias = fit(table, target(taught, head)[:, None])
        scale, row = quantised(weights[0])
        figures.append(calibrated(examples, head, scale, float(bias[0])))
        rows.append(row)
    labels = np.array([[float(e.label == label) for label in LABELS] for e in taught])
    weights, bias = fit(table, labels)
    for number in range(len(LABELS)):
        scale, row = quantised(weights[number])
        figures.append(Figures(scale, float(bias[number])))
        rows.append(row)
    return packed(trained_on, figures, rows)


def main() -> None:
    """Train, write, measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--out", type=Path, default=SHIPPED)
    out: Path = asked.parse_args().out
    made = train([e for e in read() if not e.test], digest())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(made)
    print(f"{out}: {len(made)} bytes\n\n{table(load_understanding(out))}")


if __name__ == "__main__":
    main()
