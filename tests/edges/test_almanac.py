"""One of several processes does the day's work, once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.edges.almanac import Almanac

TODAY = date(2026, 11, 21)


def test_a_day_is_done_once(tmp_path: Path) -> None:
    """R-DP-10."""
    for ours in (True, False, False):
        with Almanac(tmp_path).turn(TODAY) as turn:
            assert turn is ours
    with Almanac(tmp_path).turn(date(2026, 11, 22)) as turn:
        assert turn


def test_two_workers_do_not_work_at_once(tmp_path: Path) -> None:
    with Almanac(tmp_path).turn(TODAY) as first, Almanac(tmp_path).turn(TODAY) as second:
        assert (first, second) == (True, False)


def test_a_failed_day_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Almanac(tmp_path).turn(TODAY):
        raise RuntimeError
    with Almanac(tmp_path).turn(TODAY) as turn:
        assert turn


def test_a_clock_that_goes_back_repeats_no_day(tmp_path: Path) -> None:
    with Almanac(tmp_path).turn(TODAY):
        pass
    with Almanac(tmp_path).turn(date(2026, 11, 20)) as turn:
        assert not turn
