"""Writes docs/performance.md from the figures of one run; says plainly which bars are met and which are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.machine import SIGNATURE
from bench.memory import Memory
from bench.messages import Sample
from bench.micro import Part
from bench.opposition import Oppositions, told
from bench.rounds import Run, Spread
from bench.stall import Stall

PEER_BARS = {"4k": 6.0, "50k": 5.0, "5m": 3.0}
PEER_AIMS = {"4k": 9.0, "50k": 7.0, "5m": 4.0}
POSTFIX_BARS = {"4k": 1.5, "50k": 1.0}
CPU_BARS = {"4k": 0.9, "50k": 1.4, "5m": 60.0}
LATENCY_BARS = (2.0, 5.0)
STALL_BAR = 50.0
QUIET = 1.0
MEMORY_BAR = 200
LABELS = {"4k": "4 KiB", "50k": "50 KiB", "5m": "5 MiB"}
WORDS = {
    "limit": "source straight to sink (the limit)",
    "postfix": "plain Postfix relay (checks and signs nothing)",
    "peer": "do-it-yourself: Postfix + pymilter + OpenDKIM",
    "gateway": "gateway, one process",
    "gateway-2": "gateway, two processes",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything one run of the benchmark found; what could not be measured is empty, and `missing` says why."""

    machine: dict[str, str]
    yardsticks: dict[str, float]
    command: str
    shape: str
    samples: Sequence[Sample]
    runs: Sequence[Run]
    reference: dict[str, float]
    single: Sequence[Run]
    memory: Memory | None
    stalls: Sequence[Stall]
    parts: Sequence[Part]
    oppositions: Oppositions | None
    people: str
    missing: Sequence[str]


def spread(runs: Iterable[Run], system: str, size: str, what: str) -> Spread | None:
    """Median and range of one figure; None where it was not measured."""
    values = [getattr(run, what) for run in runs if run.system == system and run.size == size]
    return Spread.of(values) if values else None


def bars(figures: Figures) -> list[tuple[str, str, str, bool | None]]:
    """(measure, bar, measured, met) for every bar of the issue; met is None where nothing was measured."""
    return [*_ratio_bars(figures), *_cpu_bars(figures), *_latency_bars(figures), *_other_bars(figures)]


def _ratio_bars(figures: Figures) -> Iterable[tuple[str, str, str, bool | None]]:
    for rival, wanted in (("peer", PEER_BARS), ("postfix", POSTFIX_BARS)):
        for size, bar in wanted.items():
            ours = spread(figures.runs, "gateway", size, "rate")
            theirs = spread(figures.runs, rival, size, "rate")
            ratio = ours.median / theirs.median if ours and theirs else None
            name = "the do-it-yourself peer" if rival == "peer" else "plain Postfix"
            aim = f" (aim {PEER_AIMS[size]:.0f}x)" if rival == "peer" else ""
            shown = f"{ratio:.1f}x" if ratio else "-"
            yield f"throughput against {name}, {LABELS[size]}", f">= {bar:g}x{aim}", shown, ratio >= bar if ratio else None


def _cpu_bars(figures: Figures) -> Iterable[tuple[str, str, str, bool | None]]:
    for size, bar in CPU_BARS.items():
        cpu = spread(figures.runs, "gateway", size, "cpu")
        shown = f"{cpu.median:.2f} ms" if cpu else "-"
        yield f"CPU per message, {LABELS[size]}", f"<= {bar:g} ms", shown, cpu.median <= bar if cpu else None


def _latency_bars(figures: Figures) -> Iterable[tuple[str, str, str, bool | None]]:
    found = {run.system: run for run in figures.single if run.size == "4k"}
    both = found.get("gateway"), found.get("limit")
    for what, bar in zip(("p50", "p99"), LATENCY_BARS, strict=True):
        added = getattr(both[0], what) - getattr(both[1], what) if both[0] and both[1] else None
        shown = f"{added:.2f} ms" if added is not None else "-"
        yield f"added latency, one session, 4 KiB, {what}", f"<= {bar:g} ms", shown, added <= bar if added is not None else None


def _other_bars(figures: Figures) -> Iterable[tuple[str, str, str, bool | None]]:
    worst = max((stall.worst for stall in figures.stalls), default=None)
    shown = f"{worst:.0f} ms" if worst is not None else "-"
    yield "longest stall, inputs up to 25 MB", f"<= {STALL_BAR:.0f} ms", shown, worst <= STALL_BAR if worst is not None else None
    memory = figures.memory
    shown = f"{memory.peak / 1e6:.0f} MB" if memory else "-"
    yield (
        "peak memory, 100 sessions x 5 MiB",
        f"<= {MEMORY_BAR} MB",
        shown,
        memory.peak / 1e6 <= MEMORY_BAR if memory else None,
    )
    if figures.oppositions:
        yield from told(figures.oppositions)
    for part in figures.parts:
        if part.bar:
            yield part.what, f"<= {part.bar:g} us", f"{part.median:.1f} us", part.median <= part.bar


def page(figures: Figures) -> str:
    """The whole page."""
    blocks = [
        "# Performance\n",
        "Written by `make bench`; do not edit. Raw figures: `bench/out/figures.json`.\n",
        "## Bars\n",
        _table(("measure", "bar", "measured", ""), [(*row[:3], _verdict(row[3])) for row in bars(figures)]),
        "## Throughput and CPU\n",
        _neighbours(figures),
        _method(figures),
        *(_throughput(figures, sample) for sample in figures.samples),
        _two(figures),
        "## Latency of one session\n",
        "MAIL to the final 250, nothing else under test running. Postfix and the peer answer when the message is queued, the"
        " gateway when the provider has taken it.\n",
        _table(("message", "system", "p50 ms", "p99 ms", "worst ms"), _latency_rows(figures)),
        "## Memory\n",
        _memory(figures.memory),
        "## Stalls\n",
        "The longest wait for NOOP on an idle session of the same process while one message was handled; the best of three, as"
        " neighbours only ever add. The first line is what the machine does by itself.\n",
        _table(
            ("input", "octets", "worst ms", "answer"),
            [(s.what, f"{s.octets:,}", f"{s.worst:.1f}", s.answer) for s in figures.stalls],
        ),
        "## From opposition to effect\n",
        _oppositions(figures.oppositions),
        "## Parts\n",
        _table(("part", "median us", "p99 us"), [(p.what, f"{p.median:,.1f}", f"{p.p99:,.1f}") for p in figures.parts]),
        "## Machine\n",
        _table(("", ""), [*figures.machine.items(), *((k, f"{v:,.0f} us of CPU") for k, v in figures.yardsticks.items())]),
        _commands(figures),
        _not_measured(figures),
    ]
    return "\n".join(blocks)


def _verdict(met: bool | None) -> str:
    return "not measured" if met is None else "met" if met else "**not met**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _method(figures: Figures) -> str:
    return (
        f"{figures.shape} Rates are deliveries at the sink; CPU is user and system time of the system's whole process tree, source"
        " and sink left out. All systems get the same source (20 sessions, kept open, command by command), each its own sink, in"
        " turn A B C ... A B C; median [least..most]. Source, sink and system share the cores: ratios and CPU tell more than"
        " rates. The gateway has everything on: AUTH, decision on 1 M known people (one in ten owed the full notice), journal"
        f" with `synchronous=FULL`, rewrite, RSA-2048; no TLS. {figures.people}\n"
    )


def _neighbours(figures: Figures) -> str:
    """A warning where others used the machine during the run."""
    before = figures.machine.get("load before", "0").split()[0]
    if float(before) < QUIET:
        return ""
    return (
        f"**Others used this machine during the run (load {before} before it began).** Rates and latencies are pessimistic, most of"
        " all those of a single process; CPU a message is the figure to trust, and even it rises with what neighbours do.\n"
    )


def _throughput(figures: Figures, sample: Sample) -> str:
    rows = []
    for system in WORDS:
        rate, cpu = (spread(figures.runs, system, sample.name, what) for what in ("rate", "cpu"))
        if rate is None or cpu is None:
            continue
        ratios = [_ratio(figures, rate, rival, sample.name) for rival in ("peer", "postfix")]
        used = "-" if system == "limit" else f"{cpu.median:.2f} [{cpu.least:.2f}..{cpu.most:.2f}]"
        rows.append((WORDS[system], f"{rate.median:,.1f} [{rate.least:,.1f}..{rate.most:,.1f}]", used, *ratios))
    head = (f"{LABELS[sample.name]} ({sample.size:,} octets)", "messages/s", "CPU ms a message", "x peer", "x Postfix")
    return _table(head, rows)


def _ratio(figures: Figures, rate: Spread, rival: str, size: str) -> str:
    other = spread(figures.runs, rival, size, "rate")
    return f"{rate.median / other.median:.2f}" if other else "-"


def _two(figures: Figures) -> str:
    said = []
    for size, label in LABELS.items():
        one, two = (spread(figures.runs, system, size, "rate") for system in ("gateway", "gateway-2"))
        if one and two:
            said.append(f"{label}: {two.median / one.median:.2f}x")
    sources = [run.source_cpu for run in figures.runs if run.size == "4k"]
    source = f" The source itself costs {Spread.of(sources).median:.0f} us of CPU a 4 KiB message." if sources else ""
    reference = ", ".join(f"{LABELS[size]} {rate:,.0f}/s" for size, rate in figures.reference.items())
    signature = figures.yardsticks.get(SIGNATURE, 0.0) / 1e3
    return (
        f"Of the gateway's and the peer's CPU, {signature:.2f} ms a message is the RSA-2048 signature itself on this processor"
        " (a processor with AVX-512 IFMA needs about 0.25 ms).\n\n"
        f"Two processes against one, on the same cores as source and sink: {', '.join(said) or '-'}.{source}"
        f" For reference, Postfix's own `smtp-source -d` straight to the sink: {reference or '-'}.\n"
    )


def _latency_rows(figures: Figures) -> list[tuple[str, ...]]:
    return [(LABELS[run.size], WORDS[run.system], f"{run.p50:.2f}", f"{run.p99:.2f}", f"{run.worst:.2f}") for run in figures.single]


def _memory(memory: Memory | None) -> str:
    if memory is None:
        return "Not measured.\n"
    return (
        f"One fresh process, {memory.sessions} sessions at once, {memory.messages} messages of 5 MiB: largest resident size"
        f" (VmHWM) {memory.peak / 1e6:.0f} MB, {memory.before / 1e6:.0f} MB before, {memory.rate:.1f} messages/s.\n"
    )


def _oppositions(found: Oppositions | None) -> str:
    if found is None:
        return "Not measured.\n"
    rows = [
        ("one-click POST, due to answered", found.posts),
        (f"one-click POST, due to refused at each of {found.workers} processes", found.effect),
        ("mail meanwhile, due to its 250", found.messages),
    ]
    return (
        "One-click POSTs at a steady rate beside mail (`python -m bench.opposition`), timed from the moment each was due, so"
        " that waiting counts. The answer is given when the opposition is on disk.\n\n"
        + _table(
            ("from, to", "p50 ms", "p99 ms", "max ms", "count"),
            [(what, f"{q.p50:.1f}", f"{q.p99:.1f}", f"{q.worst:.1f}", f"{q.count:,}") for what, q in rows],
        )
    )


def _commands(figures: Figures) -> str:
    return (
        f"Command: `{figures.command}`. It starts `smtp-sink -m 4000 -c 127.0.0.1:PORT 1000`, `postfix -c FOLDER start`, OpenDKIM"
        " and the peer's milter on unix sockets, and `gateway serve --config FILE`, all on loopback from folders under"
        " `bench/out/`, and stops them by process id.\n"
    )


def _not_measured(figures: Figures) -> str:
    lines = [
        "TLS on either side, several recipients a message, 8-bit and base64 text bodies, real networks (where pipelining matters"
        " more), other disks, more cores than this machine has, Redis.",
        "Postfix and the peer keep what they accept and retry by themselves; the gateway's 250 for one recipient means that the"
        " provider has it.",
        "The peer's milter uses the standard library's `email` package in its documented modern form. An expert's milter on that"
        " package's older interface, with its own quoting, was measured apart: 2.6 ms of CPU less at 4 KiB, 3.4 ms less at 50 KiB,"
        " no difference at 5 MiB.",
        "Postfix and the peer write no log here, which favours them.",
        *figures.missing,
    ]
    return "## Not measured, and what to keep in mind\n\n" + "\n".join(f"- {line}" for line in lines) + "\n"
