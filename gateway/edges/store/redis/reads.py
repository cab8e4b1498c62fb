"""What is read from Redis on the event loop: whatever is asked while an answer is under way goes out together in the next pipeline.

Each question is one script, which answers from one moment and only where it is the data that this process settled with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from gateway.edges.store.redis.client import ANSWER_PATIENCE, FAILURES, Command
from gateway.edges.store.redis.lines import Line
from gateway.edges.store.redis.pack import MARKS
from gateway.edges.store.redis.scripts import ASK, READ, Script
from gateway.edges.store.redis.standing import Standing
from gateway.flow.ports import Unavailable

PATIENCE = 2 * ANSWER_PATIENCE

_Asked = tuple[Command, asyncio.Future[Any]]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look tells: stand, stand of the arrangements, whether foreign hashes exist, whether all is settled; the raw rows."""

    stand: int
    arranged: int
    hashes: bool
    settled: bool
    rows: Sequence[bytes | None]


class Reads:
    """Owns the loop's line; `settle` brings the standing up to date and is awaited when a script refuses."""

    def __init__(self, line: Line, standing: Standing, settle: Callable[[], Awaitable[None]]) -> None:
        self._line = line
        self._standing = standing
        self._settle = settle
        self._waiting: list[_Asked] = []
        self._flight = asyncio.Lock()

    async def rows(self, places: Sequence[tuple[str, bytes]], *, what_is_left: bool = False) -> Look:
        """The marks that verdicts rest on, and the raw rows of these places, of one moment.

        Of a store that was emptied nothing is told, unless `what_is_left` is enough: no row proves that there was none.
        """
        stand, hashes, unsettled, arranged, emptied, *found = await self.script(READ, [part for one in places for part in one])
        self._standing.saw(stand)
        self._standing.told(settled=not unsettled)
        self._standing.emptied = bool(emptied)
        if emptied and not what_is_left:
            raise Unavailable("store")
        return Look(stand, arranged, bool(hashes), not unsettled, found)

    async def script(self, script: Script, arguments: Sequence[Any] = ()) -> Any:
        """What a script answers that begins with the guard: its first two arguments are the epoch and the stand seen."""
        for _ in range(3):
            if not self._standing.epoch:
                await self._settle()
            if self._standing.faults:
                raise Unavailable("store")
            epoch = self._standing.epoch
            told = (1, MARKS, epoch, self._standing.seen, *arguments)
            answer = await self.ask(("EVALSHA", script.digest, *told))
            if isinstance(answer, NoScriptError):
                answer = await self.ask(("EVAL", script.text, *told))
            if isinstance(answer, RedisError) and str(answer).startswith("EPOCH"):
                self._standing.moved(epoch)
            elif isinstance(answer, Exception):
                self._standing.emptied |= str(answer).startswith("EMPTIED")
                raise Unavailable("store") from answer
            else:
                return answer
        raise Unavailable("store")

    async def sure(self, *command: Any) -> Any:
        """What one command answers, of the data that this process settled with: for what logins and evidence rest on."""
        return await self.script(ASK, command)

    async def plain(self, *command: Any) -> Any:
        """What one command answers, whatever the epoch: for what no verdict rests on."""
        answer = await self.ask(command)
        if isinstance(answer, Exception):
            raise Unavailable("store") from answer
        return answer

    async def plainly(self, commands: Sequence[Command]) -> list[Any]:
        """What each of these commands answers, in order and in one round trip; as `plain`."""
        answers = await self._asked(commands)
        for answer in answers:
            if isinstance(answer, Exception):
                raise Unavailable("store") from answer
        return answers

    async def ask(self, command: Command) -> Any:
        """One command's answer, or the exception it was answered with; Unavailable where there is no answer."""
        return (await self._asked([command]))[0]

    async def _asked(self, commands: Sequence[Command]) -> list[Any]:
        futures: list[asyncio.Future[Any]] = [asyncio.get_running_loop().create_future() for _ in commands]
        self._waiting.extend(zip(commands, futures, strict=True))
        try:
            async with asyncio.timeout(PATIENCE):
                async with self._flight:
                    if not all(future.done() for future in futures):
                        await self._fly()
                return [future.result() for future in futures]
        except TimeoutError as error:
            raise Unavailable("store") from error
        finally:
            for future in futures:
                future.cancel()  # nobody asks again for who has left

    async def _fly(self) -> None:
        """Send what waits, and give everybody their answer; who is cancelled meanwhile leaves the others' questions to the next."""
        asked, self._waiting = [one for one in self._waiting if not one[1].done()], []
        try:
            answers = await self._line.exchange([command for command, _ in asked])
        except asyncio.CancelledError:
            self._waiting = asked + self._waiting
            raise
        except Exception as error:
            for _, future in asked:
                _fail(future, error)
            if not isinstance(error, FAILURES):  # a fault of ours in one question, which leaves nobody else waiting
                raise
        else:
            for (_, future), answer in zip(asked, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    async def close(self) -> None:
        """Let the connections go."""
        await self._line.close()


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        failure = Unavailable("store")
        failure.__cause__ = error
        future.set_exception(failure)
        future.exception()  # who asked may have left meanwhile
