"""What this process believes of the shared data: its epoch, the highest stand seen, and whether everything is known to be there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Standing:
    """Shared by the reads and the commits of one process; an empty epoch means that it must be settled first."""

    epoch: str = ""
    seen: int = 0
    settled: bool = False

    def saw(self, stand: int) -> None:
        """A stand that the server told: it may never tell a lower one again."""
        self.seen = max(self.seen, stand)
