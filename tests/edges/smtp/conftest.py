"""What touches sockets before a session has them is tried on each loop that `gateway serve` may run on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]

ON_EACH_LOOP = frozenset({"test_porch"})


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """asyncio's own loop, and for these tests uvloop's too where it is installed."""
    uvloops = {"uvloop": uvloop.new_event_loop} if uvloop and item.path.stem in ON_EACH_LOOP else {}
    return {"asyncio": asyncio.new_event_loop} | uvloops
