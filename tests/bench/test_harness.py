"""The benchmark's own parts work: its messages are sound, its source delivers what it counts, its page tells the truth."""

from __future__ import annotations

import email
import email.policy
import shutil
from pathlib import Path

import pytest

from bench import machine
from bench.memory import Memory
from bench.messages import SIZES, make, write_samples
from bench.processes import Failed
from bench.report import Figures, bars, page
from bench.rounds import Numbers, Run, Spread, load
from bench.sink import Sink
from bench.systems import Straight

pytestmark = pytest.mark.skipif(shutil.which("smtp-sink", path="/usr/sbin:/usr/bin") is None, reason="smtp-sink is not installed")


@pytest.mark.parametrize("size", SIZES.values())
def test_a_sample_has_its_size_and_no_defect(size: int) -> None:
    raw = make(size)
    assert abs(len(raw) - size) < 0.03 * size
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not any(part.defects for part in message.walk())
    assert "Découvrez" in message.get_body(("html",)).get_content()  # type: ignore[union-attr]


@pytest.mark.slow
def test_the_sink_counts_every_message_the_source_sent(tmp_path: Path) -> None:
    sample = write_samples(tmp_path)["4k"]
    sink = Sink(tmp_path)
    try:
        run = load(Straight(sink), sample, 500, 20, Numbers())
    finally:
        sink.stop()
    assert run.count == sink.count == 500
    assert run.rate > 0
    assert run.p50 <= run.p99 <= run.worst


@pytest.mark.slow
def test_a_sink_that_got_too_little_is_a_failure_not_a_rate(tmp_path: Path) -> None:
    sink = Sink(tmp_path)
    try:
        with pytest.raises(Failed, match="0 of 1"):
            sink.wait_for(1, 0.1)
    finally:
        sink.stop()


def run(system: str, rate: float) -> Run:
    return Run(system, "4k", 100, rate, 1.0, 1.0, 2.0, 3.0, 50.0)


def figures(runs: list[Run], memory: Memory | None = None) -> Figures:
    return Figures({}, {}, "python -m bench", "", [], runs, {}, [], memory, [], [], None, "", [])


def test_a_bar_is_met_only_by_a_measured_ratio() -> None:
    told = {row[0]: row for row in bars(figures([run("gateway", 600.0), run("peer", 100.0), run("postfix", 500.0)]))}
    assert told["throughput against the do-it-yourself peer, 4 KiB"][2:] == ("6.0x", True)
    assert told["throughput against plain Postfix, 4 KiB"][2:] == ("1.2x", False)
    assert told["throughput against plain Postfix, 50 KiB"][2:] == ("-", None)


def test_the_page_says_what_is_not_met_and_what_is_not_measured() -> None:
    text = page(figures([run("gateway", 100.0), run("peer", 100.0)], Memory(100, 300, 1, 300_000_000, 1.0)))
    assert "| peak memory, 100 sessions x 5 MiB | <= 200 MB | 300 MB | **not met** |" in text
    assert "not measured" in text


def test_a_spread_is_median_and_range() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)


def test_the_machine_is_named() -> None:
    assert machine.load().count(" ") == 2
