"""Opens the shared store: book, journal, outbox and what came back behind one place, seen through the same ports as the embedded one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.edges.store.connection import Refused
from gateway.edges.store.redis.book import RedisBook
from gateway.edges.store.redis.client import FAILURES, Access, Blocking, async_client, blocking_client
from gateway.edges.store.redis.commits import Commits
from gateway.edges.store.redis.journal import RedisJournal
from gateway.edges.store.redis.pack import MARKS
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.redis.standing import Standing


@dataclass(frozen=True, slots=True)
class RedisStore:
    """The open store."""

    book: RedisBook
    journal: RedisJournal
    reads: Reads
    commits: Commits

    async def close(self) -> None:
        """Write what waits and let the connections go."""
        await self.commits.close()
        await self.reads.close()


class _NoNotes:
    def keep(self, writer: str, payloads: Sequence[bytes]) -> Sequence[int]:
        """Nothing."""
        return [0] * len(payloads)

    def recorded(self, numbers: Sequence[tuple[int, int]]) -> None:
        """Nothing."""


def open_redis(access: Access, writer: str, replicas: int = 0) -> RedisStore:
    """Open the store at that place; events are chained under `writer`, a name that no other running process uses."""
    standing = Standing()

    def settle(client: Blocking) -> None:
        run = client.info("server")["run_id"]
        if client.hget(MARKS, "epoch") is None:
            client.hset(MARKS, mapping={"epoch": secrets.token_hex(8), "run": run})
        standing.epoch = client.hget(MARKS, "epoch").decode()
        standing.settled = True

    try:
        reads_client = async_client(access)
    except FAILURES as error:
        raise Refused("the store cannot be reached") from error
    commits = Commits(lambda: blocking_client(access), writer, standing, settle, _NoNotes(), replicas)

    async def settled() -> None:
        await commits.apart(settle)

    reads = Reads(reads_client, standing, settled)
    return RedisStore(RedisBook(reads, commits), RedisJournal(reads, commits), reads, commits)
