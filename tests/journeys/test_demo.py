"""`gateway demo`, as a newcomer runs it: in an environment that holds nothing but a path."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_demo_shows_the_main_job_from_nothing(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "gateway", "demo"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    shown = set(re.findall(r"550 5\.7\.1 \[([A-Z0-9-]+)\]", told.stdout))
    assert shown == {"OPPOSED", "UNKNOWN-RECIPIENT", "PURPOSE", "PARTNER-NOT-NAMED", "B2B-RELEVANCE"}
    assert told.stdout.count(": valid") == 3
    assert "INVALID" not in told.stdout
    assert "POST answers 200" in told.stdout
    assert "every chain holds" in told.stdout
    assert list(tmp_path.iterdir()) == [], "the demo leaves nothing behind"
