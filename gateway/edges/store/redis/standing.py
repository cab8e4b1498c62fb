"""What this process believes of the shared data: its epoch, the highest stand seen, and whether everything is known to be there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the server is not trusted with a commit, and the line that puts it right."""

    what: str
    line: str

    def __str__(self) -> str:
        return f"{self.what}; {self.line}"


@dataclass(slots=True)
class Standing:
    """Shared by the reads and the commits of one process; an empty epoch means that it must be settled first.

    While there are `faults` nothing is read and nothing is written; while it is `emptied` nothing is concluded from what is not
    there.
    """

    epoch: str = ""
    seen: int = 0
    settled: bool = False
    emptied: bool = False
    awaited: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    doubts: int = 0
    """How often it was found that something may be missing."""

    def saw(self, stand: int) -> None:
        """A stand that the server told: it may never tell a lower one again."""
        self.seen = max(self.seen, stand)

    def told(self, *, settled: bool) -> None:
        """What a look said of whether everything is there."""
        self.doubts += self.settled and not settled
        self.settled = settled

    def moved(self, epoch: str) -> None:
        """A script refused that epoch; another one, learned meanwhile, stays."""
        if self.epoch == epoch:
            self.epoch = ""
