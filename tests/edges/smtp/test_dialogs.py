"""Every dialogue of `tests/dialogs` is held as written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.corpora import ROOT
from tests.support.dialog import play

DIALOGS = sorted((ROOT / "tests" / "dialogs").glob("*.smtp"))


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_dialogue_is_held_as_written(path: Path) -> None:
    await play(path)
