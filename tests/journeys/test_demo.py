"""`gateway demo`, as a newcomer runs it: in an environment that holds nothing but a path."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def demo(place: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The command's words, once it has come to its end."""
    told = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", *more],
        cwd=place,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(place), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told


@pytest.mark.slow
def test_demo_shows_the_main_job_from_nothing(tmp_path: Path) -> None:
    told = demo(tmp_path)
    shown = set(re.findall(r"550 5\.7\.1 \[([A-Z0-9-]+)\]", told.stdout))
    assert shown == {"OPPOSED", "UNKNOWN-RECIPIENT", "PURPOSE", "PARTNER-NOT-NAMED", "B2B-RELEVANCE"}
    assert told.stdout.count(": valid") == 3
    assert "INVALID" not in told.stdout
    assert "POST answers 200" in told.stdout
    assert "every chain holds" in told.stdout
    assert list(tmp_path.iterdir()) == [], "the demo leaves nothing behind"


@pytest.mark.slow
def test_the_story_of_the_angry_answer_ends_well(tmp_path: Path) -> None:
    """R-FR-35, R-FR-57, R-FR-59, R-FR-60: suppressed, thanked, at the DPO, the partner knows, the next campaign refused."""
    told = demo(tmp_path, "--way-back").stdout
    before, _, after = told.partition("3. Marc answers")
    assert before.count("desinscription-disparue") == 1, "the tool's dead link did not leave"
    assert re.search(r"opposed\s+advertiser\s+maison\s+reply", after)
    assert "Votre opposition a été enregistrée" in after
    assert "Une réponse" in after
    assert re.search(r"rights.*complaint", after)
    assert "acknowledged" in after
    assert re.search(r"opposed\s+all\s+partner", after)
    assert "The tool hears: 550 5.7.1 [OPPOSED]" in after
    assert "every chain holds" in after
    assert list(tmp_path.iterdir()) == [], "the demo leaves nothing behind"
