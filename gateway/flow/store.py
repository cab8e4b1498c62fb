"""The store as a whole: what is opened at the start and closed at the end, whichever of the two it is."""

from __future__ import annotations

from typing import Protocol

from gateway.flow.back_ports import Outbox, Returns
from gateway.flow.lease_ports import Lease, Leases
from gateway.flow.ports import Book, Clock, Journal, Log, OptOutHealth


class Store(Protocol):
    """Book, journal, outbox and what came back, seen through their ports."""

    @property
    def book(self) -> Book:
        """The state, and the one door by which it changes."""

    @property
    def journal(self) -> Journal:
        """The evidence."""

    @property
    def outbox(self) -> Outbox:
        """What partners and tools must still be told."""

    @property
    def returns(self) -> Returns:
        """What came back."""

    @property
    def leases(self) -> Leases:
        """Who may do what only one may do."""

    @property
    def settled(self) -> bool:
        """Whether every acknowledged opposition is in it, as of the last look; while not, marketing waits (design 5)."""

    @property
    def why(self) -> str:
        """What keeps the store from being used, or marketing from leaving, for whoever puts it right; empty when nothing does."""

    def under(self, lease: Lease) -> Store:
        """The same store; commits of its book and trims of its journal raise `Overtaken` once the lease has another number."""

    async def watch(self, log: Log, clock: Clock) -> None:
        """Keep it honest while nothing is asked of it; may return where there is nothing to watch, never fails."""

    async def close(self) -> None:
        """Write what waits and let go."""


class WayOut:
    """`ports.OptOutHealth` of a gateway: the self-test passes, and no opposition is known to be missing (R-FR-52)."""

    def __init__(self, probe: OptOutHealth, store: Store) -> None:
        self._probe = probe
        self._store = store

    @property
    def healthy(self) -> bool:
        """See `ports.OptOutHealth`."""
        return self._probe.healthy and self._store.settled
