"""Runs pure functions on large inputs in threads, so that nothing blocks the loop; implements `ports.Compute`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

LARGE = 256 * 1024
"""Octets: below, a hop to a thread and back costs more than it saves."""

HUGE = 8 * 1024 * 1024
"""Octets: above, one at a time. A single pass of C over so much holds the interpreter for tens of milliseconds, and two threads
doing so in turn would keep the loop out for their sum."""


class Threads:
    """A small pool: composing releases the GIL in RSA and SHA-256, and yields it between steps elsewhere."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compute")
        self._lane = ThreadPoolExecutor(1, thread_name_prefix="compute-huge")

    async def __call__(self, size: int, function: Callable[[], T]) -> T:
        """The function's value: at once for small inputs, from a thread for large ones."""
        if size < LARGE:
            return function()
        pool = self._pool if size < HUGE else self._lane
        return await asyncio.get_running_loop().run_in_executor(pool, function)

    async def apart(self, function: Callable[[], T]) -> T:
        """The function's value, from a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    def close(self) -> None:
        """End the threads; running work is waited for."""
        self._pool.shutdown()
        self._lane.shutdown()
