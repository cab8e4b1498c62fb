"""Lines to the server, the event loop's and the commit thread's: what is said together is written at once, and answered in order.

One connection each stays in use. Taking one from the library's pool for each question, packing it in the library's slower way, and
a timer for each answer, cost more processor time than the answer itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from hiredis import pack_command
from redis.exceptions import ResponseError

from gateway.edges.store.redis.client import ANSWER_PATIENCE, FAILURES, Access, Async, Blocking, Command, async_client
from gateway.edges.store.redis.location import Layout


class Line(Protocol):
    """The event loop's way to the server."""

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """The answer to each, or the error that it was answered with; raises one of `FAILURES` where there are none."""

    async def close(self) -> None:
        """Hang up."""


def open_line(access: Access) -> Line:
    """A line to that place; connects at its first question."""
    client = async_client(access)
    return Forwarded(client) if access.location.layout is Layout.CLUSTER else Straight(client)


class Straight:
    """One connection to one server, the primary that Sentinels name included; used by one asker at a time."""

    def __init__(self, client: Async) -> None:
        self._client = client
        self._connection: Any = None

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """See `Line`. An exchange that is left half way ends the connection: its answers belong to nobody."""
        async with asyncio.timeout(ANSWER_PATIENCE):
            connection = await self._connected()
            try:
                await connection.send_packed_command(_packed(connection, commands), check_health=False)
                answers = [await self._answer() for _ in commands]
            except BaseException:
                await connection.disconnect(nowait=True)
                raise
        return answers

    async def close(self) -> None:
        """See `Line`."""
        await self._client.aclose()

    async def _connected(self) -> Any:
        if self._connection is None:
            self._connection = await self._client.connection_pool.get_connection()
        elif await self._hung_up():
            await self._connection.disconnect(nowait=True)
        await self._connection.connect()
        return self._connection

    async def _hung_up(self) -> bool:
        if not self._connection.is_connected:
            return False
        try:
            return bool(await self._connection.can_read())  # all was answered: there is nothing to read but the end
        except FAILURES:
            return True

    async def _answer(self) -> Any:
        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return error


class Forwarded:
    """Any server of a Cluster: the library follows the slot."""

    def __init__(self, client: Async) -> None:
        self._client = client

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """See `Line`."""
        pipe = self._client.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
        return answers

    async def close(self) -> None:
        """See `Line`."""
        await self._client.aclose()


class Held:
    """The commit thread's line to one server; the connection ends with its client."""

    def __init__(self, client: Blocking) -> None:
        self._pool = client.connection_pool
        self._connection: Any = None

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """See `Line`."""
        connection = self._connected()
        try:
            connection.send_packed_command(_packed(connection, commands), check_health=False)
            return [self._answer() for _ in commands]
        except BaseException:
            connection.disconnect()
            raise

    def _connected(self) -> Any:
        if self._connection is None:
            self._connection = self._pool.get_connection()
        elif self._hung_up():
            self._connection.disconnect()
        self._connection.connect()
        return self._connection

    def _hung_up(self) -> bool:
        try:
            return bool(self._connection.can_read())  # all was answered: there is nothing to read but the end
        except FAILURES:
            return True

    def _answer(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as error:
            return error


def _packed(connection: Any, commands: Sequence[Command]) -> Any:
    """Commands as they go out."""
    try:
        return [b"".join(map(pack_command, commands))]
    except UnicodeEncodeError:  # half a character, which only the library can be told to pass on
        return connection.pack_commands(commands)
