"""How often each fault is injected, and the table of what the checker found, shown at the end of the run.

`SCALED_RUNS` is how often each fault is injected into one estate; the default keeps the suite short, `make test-scaled` has
the full number.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.scaled.table import ROWS, text
from tests.support.process import Nursery, nursery

RUNS = "SCALED_RUNS"
one_loop = pytest.mark.asyncio(loop_scope="session")
"""For tests that share the process which starts their gateways."""


@pytest.fixture(scope="session")
def share() -> float:
    """The part of the full number of runs that this one makes."""
    return float(os.environ.get(RUNS, "0.1"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def starter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nursery]:
    """Starts the gateways of every estate: what they import is imported once."""
    async with nursery(tmp_path_factory.mktemp("gateways") / "log") as one:
        yield one


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None] | None:
    """The table, below everything else."""
    if ROWS:
        terminalreporter.write_line(text())
    return None
