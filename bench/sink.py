"""The provider at the end of every system: Postfix's `smtp-sink`, and a count of what reached it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

from bench.processes import Failed, answers, free_port, stop, wait_until

_COUNT = re.compile(rb"mesg=(\d+)")
_LOOK_EVERY = 0.005


class Sink:
    """One running `smtp-sink`; `-m 4000` because its default of 256 sessions silently stalls pooled clients."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin")
        if program is None:
            raise Failed("smtp-sink is not installed (Debian package postfix)")
        self.port = free_port()
        self._seen = 0
        self._at = 0.0
        who = ("-u", "nobody") if os.getuid() == 0 else ()
        command = [program, *who, "-m", "4000", "-c", f"127.0.0.1:{self.port}", "1000"]
        with (folder / "sink.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        threading.Thread(target=self._read, daemon=True).start()
        wait_until(lambda: answers(self.port), 10, "smtp-sink greets")

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def count(self) -> int:
        """Messages received since it started."""
        return self._seen

    def wait_for(self, count: int, patience: float) -> float:
        """The instant (monotonic) at which it had received so many."""
        end = time.monotonic() + patience
        while self._seen < count:
            if time.monotonic() > end:
                raise Failed(f"the sink received {self._seen} of {count} messages in {patience:.0f} s")
            time.sleep(_LOOK_EVERY)
        return self._at

    def stop(self) -> None:
        """End it."""
        stop(self._process)

    def _read(self) -> None:
        """Follow the running counter; looked at every 5 ms, so that watching costs next to nothing."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        while written := os.read(pipe, 1 << 20):
            if found := _COUNT.findall(written):
                self._seen, self._at = int(found[-1]), time.monotonic()
            time.sleep(_LOOK_EVERY)
