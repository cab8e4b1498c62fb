"""Leases: which of many processes does what only one may do, and what keeps the one before it from still counting (decision 0029).

A lease has an end, so a process that died holds up nobody; its number is the fence: what is written under a lease that another
holder took meanwhile is refused by the store, in the commit's own transaction, whatever any clock says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.flow.ports import Book, Unavailable


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was held when it was given out; `number` grows with each change of holder and never comes twice."""

    name: str
    number: int


class Overtaken(Unavailable):
    """A commit under a lease that has another number by now: nothing of it was written, and nothing will be."""

    def __init__(self, name: str) -> None:
        super().__init__(f"lease {name}")


class Leases(Protocol):
    """Who may do what, by the store's own clock; every method may raise `ports.Unavailable`."""

    async def take(self, name: str, owner: str, seconds: float) -> Lease | None:
        """Have the lease for so long from now on, or renew it under its number; None while another holds it.

        `owner` is `place/run`: a worker of a node, and one run of its process, named so that a later run is the greater text. A
        later run of a place follows an earlier one at once, under a new number, as of those one lives at a time; an earlier one
        never takes from a later. An owner whose time ran out while nobody else came has missed nothing and keeps its number;
        one that released has not, and gets a new one.
        """

    async def release(self, lease: Lease, owner: str) -> None:
        """Let the next in at once; does nothing where another holds the lease by now."""


class LeasedBook(Book, Protocol):
    """A book that can be written to under a lease."""

    def under(self, lease: Lease) -> Book:
        """The same book; its commits raise `Overtaken` once the lease has another number, reads go on as ever."""
