"""Runs pure functions on large inputs in threads, so that nothing blocks the loop; implements `ports.Compute`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

LARGE = 256 * 1024
"""Octets: below, a hop to a thread and back costs more than it saves."""


class Threads:
    """A small pool: composing releases the GIL in RSA and SHA-256, and yields it between steps elsewhere."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compute")

    async def __call__(self, size: int, function: Callable[[], T]) -> T:
        """The function's value: at once for small inputs, from a thread for large ones."""
        if size < LARGE:
            return function()
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    def close(self) -> None:
        """End the threads; running work is waited for."""
        self._pool.shutdown()
