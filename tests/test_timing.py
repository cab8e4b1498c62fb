"""The stopwatch of the tests is patient with the machine and not with the code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import thread_time

import pytest

from tests.support.timing import MOST, PAIRS, TRIES, bounded, factor, grows, timed, within


class Hand:
    """A clock that only the work moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at

    def taking(self, costs: Iterable[float]) -> Callable[[], int]:
        """Work that costs what is told, one time after the other; gives how often it was done."""
        left, done = iter(costs), iter(range(1, 1000))

        def work() -> int:
            self.at += next(left)
            return next(done)

        return work


def noisy(seconds: float, *disturbed: float) -> Iterator[float]:
    """What work of so many seconds costs while it is disturbed, and afterwards."""
    yield from (seconds * times for times in disturbed)
    while True:
        yield seconds


def linear(size: int) -> Callable[[], int]:
    return lambda: sum(number * number for number in range(60 * size))


def quadratic(size: int) -> Callable[[], int]:
    return lambda: sum(one * other for one in range(size // 8) for other in range(size // 8))


def test_a_bound_holds_when_it_holds_in_one_of_many_tries() -> None:
    hand = Hand()
    assert within(0.1, hand.taking([0.5, 0.3, 0.11, 0.09, 7.0]), hand) == 4


def test_work_that_is_quick_at_once_is_done_once() -> None:
    hand = Hand()
    assert within(0.1, hand.taking([0.09, 7.0]), hand) == 1


def test_a_bound_that_never_holds_fails_and_shows_every_figure() -> None:
    hand = Hand()
    with pytest.raises(AssertionError, match=r"0\.2.*machine 1\.00 times slower") as failed:
        within(0.1, hand.taking(0.2 + number / 100 for number in range(100)), hand)
    assert str(failed.value).count("times slower") == TRIES
    assert "0.34 s" in str(failed.value)


def test_a_measure_of_ones_own_is_bounded_alike() -> None:
    left = iter([0.9, 0.2, 0.05])
    bounded(0.1, lambda: next(left), Hand())
    with pytest.raises(AssertionError, match=f"in {TRIES} tries"):
        bounded(0.1, lambda: 0.1, Hand())


def test_two_tries_are_made_however_long_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.timing.PATIENCE", 0.0)
    hand = Hand()
    assert within(0.1, hand.taking([0.5, 0.09]), hand) == 2
    with pytest.raises(AssertionError, match="in 2 tries"):
        within(0.1, hand.taking(noisy(0.2)), hand)


def test_a_slow_machine_is_allowed_for_and_never_more_than_so_much() -> None:
    assert 1.0 <= factor() <= MOST
    assert factor(lambda: 1000 * thread_time()) == MOST
    assert factor(lambda: thread_time() / 1000) == 1.0
    bounded(0.1, lambda: 0.299, clock=lambda: 1000 * thread_time())
    with pytest.raises(AssertionError, match=r"machine 3\.00 times slower"):
        bounded(0.1, lambda: 0.301, clock=lambda: 1000 * thread_time())


def test_linear_work_passes_and_quadratic_work_does_not() -> None:
    grows(linear, 500, 1000, lambda small: 2.5 * small)
    with pytest.raises(AssertionError, match="size 500 and size 1000") as failed:
        grows(quadratic, 500, 1000, lambda small: 2.5 * small)
    assert str(failed.value).count(" and ") == PAIRS + 1


def test_a_disturbed_moment_neither_fails_linear_work_nor_passes_quadratic_work() -> None:
    hand = Hand()
    first = {1: hand.taking(noisy(0.1)), 2: hand.taking(noisy(0.2, 1, 9, 9, 9, 9, 9))}
    grows(first.__getitem__, 1, 2, lambda small: 2.5 * small, hand)
    second = {1: hand.taking(noisy(0.1, 3, 3, 1)), 2: hand.taking(noisy(0.4))}
    with pytest.raises(AssertionError, match=r"0\.3 s and 0\.4 s, 0\.1 s and 0\.4 s"):
        grows(second.__getitem__, 1, 2, lambda small: 2.5 * small, hand)


def test_the_cost_is_that_of_the_work_alone() -> None:
    hand = Hand()
    assert timed(hand.taking([0.25]), hand) == (0.25, 1)
