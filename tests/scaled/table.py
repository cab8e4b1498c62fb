"""What the checker found in each estate, as lines of one table."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.invariants import Found


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: how often it was injected, how long mail and opt-outs took to work again, what was found at the end."""

    fault: str
    runs: int
    recovered: tuple[float, ...]
    found: Found


ROWS: list[Row] = []


def text() -> str:
    """The table in Markdown."""
    head = ["fault", "runs", "acknowledged", "copies", "reports", "told to wait", "opt-outs", "second copies explained"]
    head += ["violations", "recovered within"]
    lines = [f"| {' | '.join(head)} |", f"|---|{'--:|' * (len(head) - 1)}"]
    for row in ROWS:
        counts = row.found.counts
        second = sum(number for name, number in counts.items() if name.startswith("second copies"))
        slowest = f"{max(row.recovered):.1f} s" if row.recovered else "-"
        lines.append(
            f"| {row.fault} | {row.runs} | {counts['acknowledged']} | {counts['copies']} | {counts['reports']}"
            f" | {counts['told to wait']} | {counts['opt_outs']} | {second}"
            f" | {len(row.found.violations)} | {slowest} |"
        )
    return "\n".join(lines)
