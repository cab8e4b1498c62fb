"""What every system under test offers the rounds: a port to send to, process ids to measure, a way to stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from bench.sink import Sink


class System(Protocol):
    """One running system between the source and its sink."""

    name: str
    port: int
    login: str
    sink: Sink | None

    def roots(self) -> list[int]:
        """The processes whose trees are the system: their CPU time counts, source and sink do not."""

    def stop(self) -> None:
        """End it, by process id."""


@dataclass(slots=True)
class Straight:
    """No system at all: the source speaks to the sink, which is the limit of the machine."""

    sink: Sink | None
    name: str = "limit"
    login: str = ""
    port: int = field(init=False)

    def __post_init__(self) -> None:
        assert self.sink is not None
        self.port = self.sink.port

    def roots(self) -> list[int]:
        """Nothing is in between."""
        return []

    def stop(self) -> None:
        """The sink has its own end."""
