"""The weights that read replies come with the package, are read once, and a damaged file says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.intent_model import BUCKETS, HEADS, Figures, IntentModel, packed
from gateway.core.intent_words import Heard
from gateway.edges.intent_file import WEIGHTS, load_understanding
from gateway.flow.ports import Unavailable


def test_weights_are_shipped_small_and_read_once() -> None:
    assert WEIGHTS.stat().st_size <= 2 * 1024 * 1024
    assert load_understanding() is load_understanding()
    assert load_understanding().model is not None


@pytest.mark.parametrize("content", [b"", b"GWINTENT\x01", b"x" * 525226])
def test_damaged_weights_are_said_to_be_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "intent.bin"
    path.write_bytes(content)
    with pytest.raises(Unavailable):
        load_understanding(path)


def test_missing_weights_are_unavailable_without_naming_a_path(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as said:
        load_understanding(tmp_path / "absent.bin")
    assert str(tmp_path) not in str(said.value)


def test_what_is_packed_is_what_is_read() -> None:
    figures = [Figures(0.5, 0.25 * number) for number in range(len(HEADS))]
    rows = [bytes([number]) * BUCKETS for number in range(len(HEADS))]
    model = IntentModel.of(packed(b"\x07" * 32, figures, rows))
    assert model is not None
    assert model.trained_on == "07" * 32
    assert list(model.figures) == figures
    assert [row[0] for row in model.rows] == list(range(len(HEADS)))
    assert IntentModel.of(packed(b"\x07" * 32, figures, rows)[:-1]) is None
    assert 0.0 < model.weigh("", Heard(())).refusal < 1.0
