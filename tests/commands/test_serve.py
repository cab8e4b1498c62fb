"""The supervisor's patience with a worker that dies."""

from __future__ import annotations

from gateway.commands.serve import next_pause


def test_a_worker_that_dies_young_is_started_again_ever_later() -> None:
    pauses = [0.0]
    for _ in range(8):
        pauses.append(next_pause(pauses[-1], lived=0.5))
    assert pauses[1:] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_worker_that_lived_a_minute_is_started_again_at_once() -> None:
    assert next_pause(30, lived=60) == 1
    assert next_pause(30, lived=59) == 30
