"""A process that commits for ever and says so only afterwards: `committer.py FILE WRITER TASKS COUNT`; killed by the tests."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.core.change import Oppose
from gateway.edges.store.sqlite import SqliteStore, open_store
from tests.support.people import event, opposition, person


async def commit_for_ever(store: SqliteStore, writer: str, task: int, count: int) -> None:
    for number in range(count):
        name = task * 1_000_000 + number
        (ref,) = await store.book.commit([event(number)], [Oppose(opposition(person(name), stream=writer))])
        sys.stdout.write(f"{ref} {name}\n")
        sys.stdout.flush()


async def main(path: Path, writer: str, tasks: int, count: int) -> None:
    store = open_store(path, writer)
    await asyncio.gather(*(commit_for_ever(store, writer, task, count) for task in range(tasks)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
