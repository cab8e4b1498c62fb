"""`python -m bench`: starts the systems, measures, writes docs/performance.md. Everything it starts it stops again."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import machine, opposition, peer, postfix
from bench.gateway import Gateway, furnish, signing_key
from bench.memory import Memory, peak
from bench.messages import SENDER, Sample, write_samples
from bench.micro import parts
from bench.people import KNOWN, stocked
from bench.processes import Failed
from bench.report import LABELS, Figures, bars, page
from bench.rounds import Numbers, alternate, one_session, say
from bench.sink import Sink
from bench.source import address
from bench.stall import Stall, stalls
from bench.systems import Straight, System

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out"
PAGE = ROOT / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure."""

    rounds: dict[str, int]
    seconds: float
    single: dict[str, int]
    large: int
    known: int
    opposing: float


FULL = Effort({"4k": 5, "50k": 5, "5m": 3}, 4.0, {"4k": 1000, "50k": 500, "5m": 20}, 300, KNOWN, 60.0)
QUICK = Effort({"4k": 2, "50k": 2, "5m": 1}, 3.0, {"4k": 200, "50k": 100, "5m": 5}, 150, KNOWN, 15.0)


def main() -> int:
    """Measure; 1 when something could not be started."""
    order = argparse.ArgumentParser(
        prog="python -m bench", description="The gateway beside plain Postfix and a do-it-yourself relay."
    )
    order.add_argument("--quick", action="store_true", help="fewer and shorter runs: about two minutes")
    order.add_argument("--page", type=Path, default=PAGE, help="where to write the page")
    order.add_argument("--only", nargs="*", default=[], help="systems to run: limit postfix peer gateway gateway-2")
    given = order.parse_args()
    OUT.mkdir(exist_ok=True)
    try:
        with ExitStack() as stack:
            figures = _measure(stack, QUICK if given.quick else FULL, given.only)
    except Failed as failure:
        say(f"bench: {failure}")
        return 1
    (OUT / "figures.json").write_text(json.dumps(asdict(figures), indent=1, default=str))
    given.page.write_text(page(figures))
    for measure, bar, measured, met in bars(figures):
        say(f"{'ok  ' if met else '-   ' if met is None else 'NOT '} {measure}: {measured} ({bar})")
    return 0


def _measure(stack: ExitStack, effort: Effort, only: Sequence[str]) -> Figures:
    described, weights = machine.describe(OUT), machine.yardsticks()
    samples = write_samples(OUT)
    key = signing_key(OUT / "rsa.pem")
    people, took = stocked(OUT, effort.known)
    found_parts = parts(furnish(OUT / "micro", people, key, 25), list(samples.values()))
    numbers, missing = Numbers(), list[str]()
    systems = _start(stack, people, key, only, missing)
    runs = alternate(systems, list(samples.values()), effort.rounds, effort.seconds, 20, numbers)
    singles = [system for system in systems if system.name != "gateway-2"]
    single = one_session(singles, list(samples.values()), effort.single, numbers)
    return Figures(
        machine=described | {"load after": machine.load()},
        yardsticks=weights,
        command=" ".join(["python -m bench", *sys.argv[1:]]),
        shape=f"Runs of {effort.seconds:.0f} s or more; rounds: "
        + ", ".join(f"{n} x {LABELS[s]}" for s, n in effort.rounds.items())
        + ".",
        samples=list(samples.values()),
        runs=runs,
        reference={sample.name: _reference(systems[0], sample) for sample in samples.values()},
        single=single,
        memory=_memory(stack, people, key, samples["5m"], effort, numbers) if not only or "gateway" in only else None,
        stalls=_stalls(systems),
        parts=found_parts,
        oppositions=opposition.run(OUT, key, effort.opposing) if not only else None,
        people=f"Filling the store with {effort.known:,} people took {took:.0f} s." if took else "",
        missing=missing,
    )


def _start(stack: ExitStack, people: Path, key: Path, only: Sequence[str], missing: list[str]) -> list[System]:
    """Every system that can run here and was asked for; why another cannot goes into `missing`."""
    makers: dict[str, tuple[str, Callable[[Sink], System]]] = {
        "limit": ("", lambda sink: Straight(sink)),
        "postfix": (postfix.missing(), lambda sink: postfix.Postfix("postfix", OUT / "postfix", sink)),
        "peer": (peer.missing(), lambda sink: peer.Peer(OUT / "peer", key, sink)),
        "gateway": ("", lambda sink: Gateway("gateway", OUT / "gateway-1", people, key, sink)),
        "gateway-2": ("", lambda sink: Gateway("gateway-2", OUT / "gateway-2", people, key, sink, workers=2)),
    }
    systems: list[System] = []
    for name, (why, make) in makers.items():
        if only and name not in only:
            continue
        if why:
            missing.append(f"{name}: {why}.")
            say(f"left out: {name}: {why}")
            continue
        systems.append(_started(stack, make))
    return systems


def _started(stack: ExitStack, make: Callable[[Sink], System]) -> System:
    sink = Sink(OUT)
    stack.callback(sink.stop)
    system = make(sink)
    stack.callback(system.stop)
    return system


def _memory(stack: ExitStack, people: Path, key: Path, sample: Sample, effort: Effort, numbers: Numbers) -> Memory:
    fresh = _started(stack, lambda sink: Gateway("gateway", OUT / "gateway-fresh", people, key, sink))
    found = peak(fresh, sample, effort.large, numbers)
    say(f"memory: {found.peak / 1e6:.0f} MB")
    return found


def _stalls(systems: Sequence[System]) -> list[Stall]:
    ours = next((system for system in systems if system.name == "gateway"), None)
    found = stalls(ours) if ours else []
    for stall in found:
        say(f"stall: {stall.worst:8.1f} ms  {stall.what}  ({stall.answer})")
    return found


def _reference(straight: System, sample: Sample) -> float:
    """Postfix's own source straight to the sink, in messages a second."""
    program = shutil.which("smtp-source") or shutil.which("smtp-source", path="/usr/sbin")
    if program is None or straight.sink is None or straight.name != "limit":
        return 0.0
    count = {"4k": 20_000, "50k": 6_000, "5m": 80}[sample.name]
    before = straight.sink.count
    command = [program, "-s", "20", "-m", str(count), "-d", "-F", str(sample.path), "-f", SENDER, "-t", address(1)]
    began = time.monotonic()
    subprocess.run([*command, f"127.0.0.1:{straight.port}"], check=True, capture_output=True, timeout=120)
    return count / (straight.sink.wait_for(before + count, 60) - began)


if __name__ == "__main__":
    sys.exit(main())
