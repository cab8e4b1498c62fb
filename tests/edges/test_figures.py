"""One answer for all workers of a machine, in the text format that Prometheus reads."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.edges import figures
from gateway.edges.figures import Together, merged
from gateway.edges.metrics import Metrics


def worker(number: int) -> Metrics:
    """A worker with figures of its own; the first one is the keeper."""
    metrics = Metrics()
    metrics.restarted(number)
    metrics.answered(250, 0.001)
    metrics.decided('a "{name}" \\', "OPPOSED")
    if number == 0:
        metrics.keeping(True)
        metrics.watched("answers", True)
        metrics.told("partner", "again")
    return metrics


def samples(text: str) -> dict[tuple[str, str], float]:
    """Values by name and worker; the parser refuses a family that comes twice."""
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    return {(one.name, one.labels["worker"]): one.value for family in families for one in family.samples}


async def left(folder: Path, *numbers: int) -> list[Together]:
    """These workers, after each has left its figures once."""
    together = [Together(folder, number, worker(number).figures) for number in numbers]
    tasks = [asyncio.ensure_future(one.run()) for one in together]
    async with asyncio.timeout(5):
        while len(list(folder.glob("figures-*.prom"))) < len(numbers):  # noqa: ASYNC110, ASYNC240 a thread writes them
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return together


async def test_whichever_worker_is_asked_tells_of_all(tmp_path: Path) -> None:
    for one in await left(tmp_path, 0, 1, 2):
        seen = samples(one.figures()[1].decode())
        assert [seen["gateway_worker_restarts_total", str(number)] for number in range(3)] == [0, 1, 2]
        assert [seen["gateway_keeper", str(number)] for number in range(3)] == [1, 0, 0]
        assert [seen["gateway_answer_seconds_count", str(number)] for number in range(3)] == [1, 1, 1]
        assert ("gateway_mailbox_read", "1") not in seen


async def test_the_asked_one_s_own_are_of_now(tmp_path: Path) -> None:
    metrics = worker(1)
    await left(tmp_path, 0, 1)
    metrics.answered(250, 0.001)
    seen = samples(Together(tmp_path, 1, metrics.figures).figures()[1].decode())
    assert (seen["gateway_answer_seconds_count", "1"], seen["gateway_answer_seconds_count", "0"]) == (2, 1)


async def test_a_dead_worker_says_nothing_any_more(tmp_path: Path) -> None:
    alive, _ = await left(tmp_path, 0, 1)
    long_ago = time.time() - figures.STALE - 1
    os.utime(tmp_path / "figures-1.prom", (long_ago, long_ago))
    assert {number for _, number in samples(alive.figures()[1].decode())} == {"0"}


async def test_a_folder_that_cannot_be_written_ends_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "EVERY", 0.01)
    task = asyncio.ensure_future(Together(tmp_path / "not there", 0, worker(0).figures).run())
    done, _ = await asyncio.wait({task}, timeout=0.1)
    assert not done
    task.cancel()


def test_labels_keep_what_they_hold() -> None:
    (family,) = text_string_to_metric_families(merged({"7": '# HELP a_b x\n# TYPE a_b gauge\na_b{c="{d} e"} 1.0\n'}))
    assert [one.labels for one in family.samples] == [{"worker": "7", "c": "{d} e"}]
