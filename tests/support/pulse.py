"""Feels how long an event loop was held up by its own process, and by nobody else on the machine."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from pathlib import Path

BEAT = 0.001
_SCHEDSTAT = Path("/proc/thread-self/schedstat")


class Pulse:
    """Feels the loop every millisecond; `worst` is the longest it was held up, in seconds.

    What the machine did is not ours. A gap counts less the time for which the loop's thread was ready and waited for a processor
    (where Linux tells), and only as far as the process was running meanwhile. What is left is what the loop's thread computed
    itself, and what it waited for the interpreter while another thread of ours held that.
    """

    def __init__(self) -> None:
        self.worst = 0.0

    async def feel(self) -> None:
        """Beat until cancelled; to be awaited on the loop that is felt."""
        waited = _Waited()
        try:
            # Each look ends one gap and begins the next: what happens between two of them would be seen by nobody.
            last = _look(waited)
            while True:
                await asyncio.sleep(BEAT)
                now = _look(waited)
                gap, ran, delay = (then - before for then, before in zip(now, last, strict=True))
                self.worst = max(self.worst, min(gap - BEAT - delay, ran))
                last = now
        finally:
            waited.close()


def _look(waited: _Waited) -> tuple[float, float, float]:
    """Seconds on the clock, that this process ran, that this thread waited for a processor: all of one moment."""
    while True:
        delay = waited.seconds()
        look = (time.perf_counter(), time.process_time(), delay)
        if waited.seconds() == delay:
            return look


class _Waited:
    """How long the calling thread was ready to run without a processor; 0 where the system does not tell.

    Read through `PyDLL`, which keeps hold of the interpreter: `os.pread` would hand it to the next thread in the midst of a look.
    """

    def __init__(self) -> None:
        self._file = os.open(_SCHEDSTAT, os.O_RDONLY) if _SCHEDSTAT.exists() else -1
        self._read = ctypes.PyDLL(None).pread
        self._read.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_long)
        self._buffer = ctypes.create_string_buffer(96)

    def seconds(self) -> float:
        """So far."""
        if self._file < 0 or self._read(self._file, self._buffer, 95, 0) <= 0:
            return 0.0
        return int(self._buffer.value.split()[1]) / 1e9

    def close(self) -> None:
        """Give the file back."""
        if self._file >= 0:
            os.close(self._file)
