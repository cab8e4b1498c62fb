"""Reads rows of the consent register: from a file, or one that somebody typed.

What a row comes to is `filing`'s business; this turns cells into columns and findings into a tally and reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.columns import RowFault, proper
from gateway.flow.claims import Finding, Scanned, State
from gateway.flow.filing import Clerk, commit
from gateway.flow.intake import SHOWN, Batch, Rejecting, Row, Tally
from gateway.flow.ports import Book, Clock


@dataclass(frozen=True, slots=True)
class Sheet:
    """A group of rows that were read: the whole ones, and by line why another is none."""

    rows: Sequence[Row]
    whole: Sequence[Row]
    faults: dict[int, str]
    scanned: Scanned


class ConsentReader:
    """`intake.Reader` for consents; `columns` names the cells of each row."""

    what = "consents"

    def __init__(self, clerk: Clerk, columns: Sequence[str]) -> None:
        self._clerk = clerk
        self._columns = proper(columns)

    async def scan(self, rows: Sequence[Row], now: datetime) -> Sheet:
        """See `intake.Reader`."""
        faults = {row.line: fault for row in rows if (fault := self._misshapen(row))}
        whole = [row for row in rows if row.line not in faults]
        cells = [dict(zip(self._columns, row.cells, strict=True)) for row in whole]
        return Sheet(rows, whole, faults, await self._clerk.scan(cells, now, writer="import"))

    async def weigh(self, scanned: Sheet, reject: Rejecting) -> Batch:
        """See `intake.Reader`."""
        filed = await self._clerk.weigh(scanned.scanned)
        reasons = scanned.faults | {
            row.line: str(one.fault) for row, one in zip(scanned.whole, filed.findings, strict=True) if one.fault is not None
        }
        for row in scanned.rows:
            if row.line in reasons:
                reject(row, reasons[row.line])
        return Batch(filed.events, filed.changes, _tally(scanned.rows, scanned.whole, filed.findings))

    def _misshapen(self, row: Row) -> str:
        if row.fault:
            return row.fault
        if len(row.cells) != len(self._columns):
            return f"has {len(row.cells)} cells where the header has {len(self._columns)}"
        return ""


def _tally(rows: Sequence[Row], whole: Sequence[Row], findings: Sequence[Finding]) -> Tally:
    rejected = sum(1 for one in findings if one.state is State.REJECTED)
    fresh = sum(1 for one in findings if one.fresh)
    opposed = [row.line for row, one in zip(whole, findings, strict=True) if one.state is State.STAYS_OPPOSED]
    return Tally(
        recorded=fresh,
        known=len(findings) - rejected - fresh,
        rejected=len(rows) - len(whole) + rejected,
        unproven=sum(1 for one in findings if one.fresh and one.missing),
        opposed=len(opposed),
        opposed_lines=tuple(opposed[:SHOWN]),
        combined=sum(1 for one in findings if one.fresh and one.combined),
    )


async def record_one(book: Book, clock: Clock, clerk: Clerk, row: dict[str, str]) -> Finding | RowFault:
    """Record a row that somebody typed; the reason where it is refused."""
    filed = await clerk.weigh(await clerk.scan([row], clock.now(), writer="cli"))
    (finding,) = filed.findings
    if finding.fault is not None:
        return finding.fault
    await commit(book, filed)
    return finding
