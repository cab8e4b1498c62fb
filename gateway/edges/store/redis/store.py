"""Opens the shared store: book, journal, outbox and what came back in one place, through the same ports as the embedded one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from gateway.edges.machine import this_run
from gateway.edges.store.connection import Refused
from gateway.edges.store.redis.book import RedisBook
from gateway.edges.store.redis.chains import Written
from gateway.edges.store.redis.client import FAILURES, Access, Blocking, blocking_client, why
from gateway.edges.store.redis.commits import Commits
from gateway.edges.store.redis.durability import look
from gateway.edges.store.redis.journal import RedisJournal
from gateway.edges.store.redis.leases import RedisLeases
from gateway.edges.store.redis.lines import open_line
from gateway.edges.store.redis.nodes import RedisNodes
from gateway.edges.store.redis.notes import FILE, NodeJournal
from gateway.edges.store.redis.outbox import RedisOutbox
from gateway.edges.store.redis.pack import MARKS
from gateway.edges.store.redis.reads import PATIENCE, Reads
from gateway.edges.store.redis.returns import RedisReturns
from gateway.edges.store.redis.settle import HEARD, Moved, Runs, Settling
from gateway.edges.store.redis.standing import Standing
from gateway.edges.store.redis.watching import Watching
from gateway.flow.lease_ports import Lease
from gateway.flow.ports import Clock, Log, Unavailable

EMPTIED = (
    "the store was emptied: put a copy back (gateway store copy BACKUP STORE);"
    " what was acknowledged since stays. To do without what was lost: gateway node begin-anew"
)
_TRIES = 3
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RedisStore:
    """The open store."""

    book: RedisBook
    journal: RedisJournal
    outbox: RedisOutbox
    returns: RedisReturns
    leases: RedisLeases
    nodes: RedisNodes
    reads: Reads
    commits: Commits
    standing: Standing
    watching: Watching
    notes: NodeJournal | None

    @property
    def settled(self) -> bool:
        """See `flow.store.Store`."""
        return self.standing.settled and not self.standing.emptied and not self.standing.faults

    @property
    def why(self) -> str:
        """What keeps the store from being used, or marketing from leaving, for whoever puts it right; empty when nothing does."""
        if self.standing.faults:
            return "the store is not safe: " + ". ".join(map(str, self.standing.faults))
        told = [EMPTIED] if self.standing.emptied else []
        if not self.standing.settled:
            awaited = ", ".join(self.standing.awaited) or "this one"
            told.append(self.watching.refusal or f"marketing waits until these nodes have told what they have: {awaited}")
        elif not self.standing.epoch and self.watching.refusal:
            told.append(self.watching.refusal)
        return ". ".join(told)

    @property
    def to_be_filled(self) -> bool:
        """Whether everything is known to be lost, or nobody can settle with what is there."""
        return self.standing.emptied or not self.standing.epoch

    def under(self, lease: Lease) -> RedisStore:
        """See `flow.store.Store`."""
        return replace(self, book=self.book.under(lease), journal=self.journal.under(lease))

    async def watch(self, log: Log, clock: Clock) -> None:
        """Keep the store honest while nothing is asked of it; never returns."""
        await self.watching.run(log, clock)

    async def close(self) -> None:
        """Write what waits and let the connections go."""
        await self.commits.close()
        await self.reads.close()
        if self.notes:
            self.notes.close()


class _Onlooker:
    """Notes of a process that belongs to no node: it can put nothing on a disk, so it can change nothing that protects anybody."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def keep(self, writer: str, payloads: Sequence[bytes]) -> Sequence[int]:  # noqa: ARG002 - as the protocol has it
        """Refuse."""
        raise Unavailable("store")

    def recorded(self, epoch: str, stands: Sequence[tuple[int, int]]) -> None:
        """There are none."""

    def void(self, numbers: Sequence[int]) -> None:
        """There are none."""

    def chain(self, writer: str) -> Written | None:
        """As whoever wrote under this name on this machine left it."""
        with closing(NodeJournal(self._file, Standing())) as notes:
            return notes.chain(writer)

    def keep_chain(self, writer: str, written: Written) -> None:
        """For whoever writes under this name here next."""
        with closing(NodeJournal(self._file, Standing())) as notes:
            notes.keep_chain(writer, written)


def open_redis(
    access: Access,
    writer: str,
    *,
    node: str,
    folder: Path,
    fingerprint: bytes,
    replicas: int = 0,
    machine: str | None = None,
) -> RedisStore:
    """Open the store at that place, for the machine `node` whose own files are in `folder`.

    Events are chained under `writer`, a name that no other running process uses; `fingerprint` tells its keys from others.
    An empty `node` only looks on: it joins nobody and is waited for by nobody. `machine` is what tells this run of this machine
    from others, unless the system shall say. Raises `Refused` with all that is wrong.
    """
    standing = Standing()
    notes = NodeJournal(folder / FILE, standing) if node else None
    here = this_run() if machine is None else machine
    settling = Settling(standing, notes, node, writer, fingerprint, lambda client: look(client, access, replicas), here)
    try:
        _with_client(access, lambda client: _settle(settling, client))
        line = _opened(access, open_line)
    except Unavailable:
        if notes:
            notes.close()
        raise
    commits = Commits(lambda: blocking_client(access), writer, standing, settling, notes or _Onlooker(folder / FILE), replicas)

    async def settle() -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await commits.apart(_nothing)  # every job finds the store settled
        except TimeoutError as error:
            raise Unavailable("store") from error

    reads = Reads(line, standing, settle)
    return RedisStore(
        RedisBook(reads, commits),
        RedisJournal(reads, commits),
        RedisOutbox(reads),
        RedisReturns(reads),
        RedisLeases(reads),
        RedisNodes(reads, commits),
        reads,
        commits,
        standing,
        Watching(commits, settling, standing, replicas),
        notes,
    )


def holds_something(access: Access) -> bool:
    """Whether the store was ever begun; raises Unavailable where it does not say."""
    return bool(_with_client(access, lambda client: client.exists(MARKS)))


def _settle(settling: Settling, client: Blocking) -> None:
    """Settle; a machine of this name that is heard of may have died, and its disk have come here: it is waited for."""
    moves, end = 0, time.monotonic() + 1.2 * HEARD
    while moves < _TRIES:
        try:
            settling(client)
        except Moved:
            moves += 1
        except Runs:
            if time.monotonic() > end:
                raise
            time.sleep(HEARD / 20)
        else:
            return
    raise Refused("the store moves from server to server")


def _nothing(_: Blocking) -> None:
    pass


def _with_client(access: Access, work: Callable[[Blocking], T]) -> T:
    client = _opened(access, blocking_client)
    try:
        return work(client)
    except FAILURES as error:
        raise Refused(why(access, error)) from error
    finally:
        with suppress(*FAILURES):
            client.close()


def _opened(access: Access, make: Callable[[Access], T]) -> T:
    try:
        return make(access)
    except FAILURES as error:
        raise Refused(why(access, error)) from error
