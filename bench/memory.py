"""Peak resident memory of a fresh gateway process under 100 sessions that each send 5 MiB."""

from __future__ import annotations

from dataclasses import dataclass

from bench.messages import Sample
from bench.processes import peak_memory
from bench.rounds import Numbers, load
from bench.systems import System

SESSIONS = 100


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes before and after, and the rate meanwhile."""

    sessions: int
    messages: int
    before: int
    peak: int
    rate: float


def peak(system: System, sample: Sample, messages: int, numbers: Numbers) -> Memory:
    """Send `messages` large messages over 100 sessions at once; VmHWM of the whole tree."""
    before = peak_memory(system.roots())
    done = load(system, sample, messages, SESSIONS, numbers)
    return Memory(SESSIONS, messages, before, peak_memory(system.roots()), done.rate)
