"""How tests time code: a bound holds if it holds in one of many fair tries, since whatever disturbs a try only makes it slower.

Time is that of the processor in this thread: what neighbours take does not count, though they slow the processor itself down. A
bound in seconds was set on one machine, so it moves with the speed of this one at that moment; how time grows needs no such help.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from statistics import median
from time import monotonic, thread_time
from typing import TypeVar

T = TypeVar("T")
Clock = Callable[[], float]

REFERENCE = 0.0035
"""Seconds of `yardstick` on the machine on which the bounds in seconds were set: ten million `x += i` of a script took 0.55 s."""
MOST = 3.0
"""No machine is believed to be slower than so many times that one."""
TRIES, PATIENCE = 15, 5.0
"""A bound in seconds is given up after so many tries, or after so many seconds and two tries."""
PAIRS = 10
"""A bound on growth is given up after so many tries of both sizes, or after twice the patience and two tries."""

_WORD = re.compile(r"[a-z]+\b(?! unsubscribe)")
_TEXT = "From: a@b.example wrote, on 3 Mar 2025: please do not <b>write</b> to me; je ne veux plus rien recevoir.\r\n" * 12
_OCTETS = _TEXT.encode()
_RULES = [
    re.compile(rf"\b(?:{word}{letter}\w* (?:us|you)|{letter}{word}|{word} to \w+ {letter})\b")
    for word in ("please", "write", "veux", "plus", "rien", "mars", "wrote")
    for letter in "aeiourst"
]
"""So many patterns as feel it when neighbours use the caches."""


def yardstick() -> int:
    """A fixed piece of work of the kinds that the core does: patterns, searches in octets, lines, dictionaries, loops."""
    known: dict[str, int] = {}
    total = 0
    for _ in range(3):
        total += sum(rule.search(_TEXT) is not None for rule in _RULES)
        for line in _TEXT.splitlines():
            for word in _WORD.findall(line.casefold()):
                known[word] = known.get(word, 0) + len(word.strip("aeiou"))
        at = -1
        while (at := _OCTETS.find(b" ", at + 1)) >= 0:
            total += _OCTETS[at + 1] & 31
        for number in range(4000):
            total += number
    return total + sum(known.values())


def factor(clock: Clock = thread_time) -> float:
    """How many times slower than the reference this machine is right now, from 1 to `MOST`.

    The middle one of three: the best would find a quiet moment that a longer work never has, the worst a disturbance of its own.
    """
    return min(max(median(timed(yardstick, clock)[0] for _ in range(3)) / REFERENCE, 1.0), MOST)


def timed(work: Callable[[], T], clock: Clock = thread_time) -> tuple[float, T]:
    """Seconds of the processor one try takes, and what the work gave."""
    began = clock()
    made = work()
    return clock() - began, made


def bounded(seconds: float, measure: Callable[[], float], clock: Clock = thread_time, of: str = "") -> None:
    """Prove that a figure which the measure takes is below so many seconds of the reference machine.

    A failure shows all figures, and whose they are.
    """
    seen: list[str] = []
    ends = monotonic() + PATIENCE
    while len(seen) < TRIES and (len(seen) < 2 or monotonic() < ends):
        took = measure()
        if took < seconds:
            return
        slower = factor(clock)
        if took < seconds * slower:
            return
        seen.append(f"{took:.4g} s (machine {slower:.2f} times slower)")
    raise AssertionError(f"{of}: never below {seconds:.4g} s in {len(seen)} tries: {', '.join(seen)}".removeprefix(": "))


def within(seconds: float, work: Callable[[], T], clock: Clock = thread_time, of: str = "") -> T:
    """Prove that the work takes less than so many seconds of the reference machine; what it gave the last time."""
    made: list[T] = []

    def measure() -> float:
        took, one = timed(work, clock)
        made[:] = [one]
        return took

    bounded(seconds, measure, clock, of)
    return made[0]


def grows(
    prepare: Callable[[int], Callable[[], object]],
    small: int,
    large: int,
    bar: Callable[[float], float],
    clock: Clock = thread_time,
) -> None:
    """Prove that the work of the large size takes less than the bar made of the time of the small one, the best of each.

    `prepare` makes the work of a size, untimed. Both are tried in turn, twice at least, so that one slow moment cannot make the
    small one look so slow that quadratic work passes.
    """
    one, other = prepare(small), prepare(large)
    timed(one, clock)
    seen: list[tuple[float, float]] = []
    ends = monotonic() + 2 * PATIENCE
    while len(seen) < PAIRS and (len(seen) < 2 or monotonic() < ends):
        seen.append((timed(one, clock)[0], timed(other, clock)[0]))
        least, most = (min(column) for column in zip(*seen, strict=True))
        if len(seen) > 1 and most < bar(least):
            return
    figures = ", ".join(f"{first:.4g} s and {second:.4g} s" for first, second in seen)
    raise AssertionError(f"size {small} and size {large}: {figures}; the best is to be below {bar(least):.4g} s")
