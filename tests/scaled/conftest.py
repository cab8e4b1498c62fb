"""How often each fault is injected, and the table of what the checker found, shown at the end of the run.

`SCALED_RUNS` is how often each fault is injected into one estate; the default keeps the suite short, `make test-scaled` has
the full number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.scaled.table import ROWS, text

RUNS = "SCALED_RUNS"


@pytest.fixture(scope="session")
def share() -> float:
    """The part of the full number of runs that this one makes."""
    return float(os.environ.get(RUNS, "0.1"))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None] | None:
    """The table, below everything else."""
    if ROWS:
        terminalreporter.write_line(text())
    return None
