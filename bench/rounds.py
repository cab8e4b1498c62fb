"""Loads the systems in turn, A B C ... A B C, and keeps what each run gave: rates at the sink, CPU per message, answer times."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.messages import Sample
from bench.processes import Failed, cpu_seconds
from bench.systems import System

PATIENCE = 300.0
FIRST_GUESS = {"4k": 400, "50k": 300, "5m": 20}
LEAST = {"4k": 400, "50k": 300, "5m": 40}
"""Messages of the warm-up, and of a measured run at least: at 5 MiB two a session, or the sessions would not be reused."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: rate in messages a second to delivery, CPU in milliseconds a message, answer times in milliseconds."""

    system: str
    size: str
    count: int
    rate: float
    cpu: float
    p50: float
    p99: float
    worst: float
    source_cpu: float


class Numbers:
    """Hands out recipients, so that no run writes to the people of the run before."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int) -> int:
        """The first of so many."""
        first = self._next
        self._next += count
        return first


def load(system: System, sample: Sample, count: int, sessions: int, numbers: Numbers) -> Run:
    """Send so many messages, wait until the sink has them all, and measure."""
    assert system.sink is not None
    before = system.sink.count
    used = cpu_seconds(system.roots())
    command = [sys.executable, "-m", "bench.source", "--port", str(system.port), "--message", str(sample.path)]
    command += ["--sessions", str(sessions), "--count", str(count), "--first", str(numbers.take(count))]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "BENCH_LOGIN": system.login}
    )
    if done.returncode:
        raise Failed(f"{system.name}, {sample.name}: the source ended with {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout)
    if told["refused"]:
        raise Failed(f"{system.name}, {sample.name}: refused {told['refused']}")
    ended = system.sink.wait_for(before + count, PATIENCE)
    cpu = cpu_seconds(system.roots()) - used
    return Run(
        system.name,
        sample.name,
        count,
        count / (ended - told["began"]),
        cpu / count * 1e3,
        told["p50"] * 1e3,
        told["p99"] * 1e3,
        told["worst"] * 1e3,
        told["cpu"] / count * 1e6,
    )


def alternate(
    systems: Sequence[System], samples: Sequence[Sample], rounds: dict[str, int], seconds: float, sessions: int, numbers: Numbers
) -> list[Run]:
    """Every system at every size, in turn, so many rounds a size, each run about `seconds` long."""
    runs: list[Run] = []
    for sample in samples:
        counts = {}
        for system in systems:
            rate = load(system, sample, FIRST_GUESS[sample.name], sessions, numbers).rate
            counts[system.name] = max(LEAST[sample.name], int(rate * seconds))
        for turn in range(rounds[sample.name]):
            for system in systems:
                run = load(system, sample, counts[system.name], sessions, numbers)
                runs.append(run)
                say(f"round {turn + 1}  {run.size:>4}  {run.system:<10} {run.rate:9.1f} msg/s  {run.cpu:8.2f} ms CPU")
    return runs


def one_session(systems: Sequence[System], samples: Sequence[Sample], counts: dict[str, int], numbers: Numbers) -> list[Run]:
    """Answer times of a single session with nothing else running."""
    runs = []
    for sample in samples:
        for system in systems:
            load(system, sample, max(3, counts[sample.name] // 10), 1, numbers)
            runs.append(load(system, sample, counts[sample.name], 1, numbers))
            say(f"one session  {sample.name:>4}  {system.name:<10} p50 {runs[-1].p50:.2f} ms, p99 {runs[-1].p99:.2f} ms")
    return runs


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and most of several runs."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of these values, one at least."""
        return cls(statistics.median(values), min(values), max(values))


def as_rows(runs: Sequence[Run]) -> list[dict[str, object]]:
    """For the JSON file."""
    return [asdict(run) for run in runs]


def say(line: str) -> None:
    """Progress, to stderr."""
    print(line, file=sys.stderr, flush=True)
