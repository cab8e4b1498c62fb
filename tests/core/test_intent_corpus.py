"""How well replies are understood, held to bars: those of the corpus by the whole path, and examples no weight was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from gateway.core.intent_model import IntentModel
from gateway.core.own_words import own_words
from gateway.edges.intent_file import WEIGHTS, load_understanding
from tests.support.corpora import corpus
from tests.support.intent_score import EXAMPLES, Reply, examples, score

UNHEARD, SILENCED = 0.02, 0.02


def own_replies() -> Iterator[Reply]:
    """The replies written for the corpus, as they arrive: with quotes and signatures."""
    for line in (corpus("replies") / "own.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Reply(row["lang"], row["label"], row["suppress"], row["subject"], own_words(row["text"]))


def test_own_replies_of_the_corpus_reach_the_bars() -> None:
    """R-FR-57, R-FR-58, R-FR-59, R-FR-62 by numbers, on the development half: nothing was trained on it, but it was read."""
    got = score(own_replies(), load_understanding())
    assert got.share("unheard", "yes") <= UNHEARD, got
    assert got.share("silenced", "no") <= SILENCED, got
    assert got.counts["machine obeyed"] == got.counts["machine paused"] == 0, got
    assert got.counts["rights lost"] == 0, got
    assert got.share("stopped", "yes") >= 0.8, got


@pytest.mark.parametrize(("files", "least"), [("*.tsv", 200), ("*-exam.tsv", 45)])
def test_examples_no_weight_was_trained_on_reach_the_bars(files: str, least: int) -> None:
    """R-FR-57, R-FR-58, R-FR-59 by numbers; only the second set was never looked at while rules were written (docs/intent.md)."""
    got = score(examples(files), load_understanding())
    assert got.counts["yes"] >= least
    assert got.share("unheard", "yes") <= UNHEARD, got
    assert got.share("silenced", "no") <= SILENCED, got
    assert got.counts["machine obeyed"] == 0, got
    assert got.counts["rights lost"] == 0, got


def test_weights_and_examples_never_part() -> None:
    made = hashlib.sha256()
    for path in sorted(EXAMPLES.glob("*.tsv")):
        made.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    model = IntentModel.of(WEIGHTS.read_bytes())
    assert model is not None
    assert model.trained_on == made.hexdigest(), "run training/intent/train.py"


def test_examples_are_well_formed_and_held_out_ones_are_not_taught() -> None:
    taught, held = set(), set()
    for path in sorted(EXAMPLES.glob("*.tsv")):
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        assert head == "label\tsuppress\trights\tsplit\ttext"
        for line in lines:
            label, suppress, _, split, text = line.split("\t")
            assert label in {"opt_out", "rights_request", "auto_reply", "interested", "question", "other"}, line
            assert suppress in {"yes", "no", "review"}, line
            (held if split == "test" else taught).add(text.casefold())
    assert not taught & held


@pytest.mark.parametrize(("lang", "least"), [("fr", 450), ("en", 350), ("de", 300), ("es", 300), ("it", 300)])
def test_each_language_has_several_hundred_examples(lang: str, least: int) -> None:
    assert sum(1 for split in ("train", "test") for _ in examples(f"{lang}*.tsv", split)) >= least
