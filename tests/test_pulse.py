"""The pulse itself: it sees every hold of ours, whichever thread it comes from, and blames nobody for a busy machine."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.gateway import threaded
from tests.support.pulse import Pulse

HOLD = 0.015
GREEDY = re.compile(r"(a+)+b")
TEXT = b"all work and no play " * 50_000


def burn(seconds: float) -> None:
    """Compute in this thread for so long, by its own time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def grip() -> Callable[[], None]:
    """Holds the interpreter for `HOLD` at least in one step of C, which lets no other thread in."""
    for length in range(8, 40):
        began = time.thread_time()
        GREEDY.match("a" * length)
        if time.thread_time() - began >= HOLD:
            break

    def hold() -> None:
        GREEDY.match("a" * length)

    return hold


def compress() -> None:
    """Work of C that lets every other thread in, for a tenth of a second."""
    until = time.perf_counter() + 0.1
    while time.perf_counter() < until:
        zlib.compress(TEXT)


@contextmanager
def neighbours() -> Iterator[None]:
    """Two other processes for each processor that want all of it."""
    spawned = multiprocessing.get_context("spawn")
    others = [spawned.Process(target=burn, args=(60.0,), daemon=True) for _ in range(2 * multiprocessing.cpu_count())]
    for one in others:
        one.start()
    try:
        yield
    finally:
        for one in others:
            one.terminate()
            one.join()


async def felt(on_the_loop: Callable[[], None] | None = None, beside: Callable[[], None] | None = None) -> float:
    """The worst of a pulse while the loop did this, and another thread that."""
    pulse = Pulse()
    beating = asyncio.ensure_future(pulse.feel())
    await asyncio.sleep(0.01)
    if on_the_loop:
        on_the_loop()
    if beside:
        await threaded(beside)
    await asyncio.sleep(0.01)
    beating.cancel()
    return pulse.worst


async def test_what_the_loop_computes_itself_is_seen() -> None:
    for _ in range(5):
        assert await felt(lambda: burn(HOLD)) >= HOLD - 0.002


async def test_a_thread_that_holds_the_interpreter_is_seen() -> None:
    """The middle one of many: on a busy machine the thread may lose its processor before it has taken hold of anything."""
    hold = grip()
    worst = sorted([await felt(beside=hold) for _ in range(9)])
    assert worst[4] >= HOLD - 0.005, worst


@pytest.mark.slow
async def test_a_busy_machine_hides_no_hold_and_is_blamed_on_nobody() -> None:
    hold = grip()
    with neighbours():
        own = [await felt(lambda: burn(HOLD)) for _ in range(5)]
        other = sorted([await felt(beside=hold) for _ in range(9)])
        idle = sorted([await felt(beside=compress) for _ in range(9)])
    print(own, other, idle)
    assert min(own) >= HOLD - 0.002
    assert other[-2] >= HOLD - 0.005
    assert idle[4] <= 0.005
