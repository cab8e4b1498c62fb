"""The one thread that writes to Redis: gathers what waits, sends it in one pipeline, and says what became of each.

A commit is acknowledged when the server answered, which by its own setting is after its log is on disk, and when so many replicas
have it as were declared. A change that protects somebody is on this machine's own disk before it is sent (design 5).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from redis.exceptions import MovedError, NoScriptError, RedisError

from gateway.core.evidence import link
from gateway.core.model import Ref
from gateway.edges.store.redis.chains import Chains, Head, Memory
from gateway.edges.store.redis.client import FAILURES, Blocking, Command, owner
from gateway.edges.store.redis.lines import Held
from gateway.edges.store.redis.pack import MARKS, Packed, packed, place, unpacked, words
from gateway.edges.store.redis.scripts import COMMIT
from gateway.edges.store.redis.standing import Standing
from gateway.flow.lease_ports import Lease, Overtaken
from gateway.flow.ports import Unavailable

BATCH = 64
QUEUE = 10_000
WAIT_PATIENCE = 2_000
"""Milliseconds that replicas get to have a batch."""
PATIENCE = 10.0
"""Seconds after which a write that could not even be sent is refused, and never sent: behind a server that hangs wait hundreds."""

Prepared = tuple[bytes, int, bytes | None]
"""An event made ready: its canonical JSON, its instant, and its person's key where it has one."""


class Unanswered(Unavailable):
    """The write got no answer in time; it may still have happened."""


class Concluded(Unavailable):
    """Nothing of the post happened: somebody else has ended the waiting, or it is not over yet."""


def fence_of(lease: Lease | None) -> bytes:
    """What a post carries that is made under the lease; empty without one."""
    return packed([lease.name, lease.number]) if lease else b""


@dataclass(frozen=True, slots=True)
class Post:
    """One commit: its operations, its events, the instant of a factual one, its fence, and what its own disk must hold before."""

    operations: bytes
    events: Sequence[Prepared]
    at: int | None
    fence: bytes
    guarded: Sequence[bytes]


class Notes(Memory, Protocol):
    """This machine's own disk: what protects people, before and after Redis has it, and how far the evidence came."""

    def keep(self, writer: str, payloads: Sequence[bytes]) -> Sequence[int]:
        """Have them on disk; a number for each. Raises Unavailable."""

    def recorded(self, epoch: str, stands: Sequence[tuple[int, int]]) -> None:
        """Note in which epoch and with which stand Redis took each. A failure is swallowed: it is only told again."""

    def void(self, numbers: Sequence[int]) -> None:
        """Never tell these again: they were refused for good."""


Job = Callable[[Blocking], Any]
Settle = Callable[[Blocking], None]
"""Brings `Standing` up to date with the server; raises Unavailable, or one of the client's failures, where that cannot be done."""

Answer = asyncio.Future[Any]
_Asked = tuple[Post | Job, Answer, float]
"""What waits: for whom, and since when."""
_NOTHING = object()


class Commits:
    """Owns the blocking client; `post` may be called from the loop at any time."""

    def __init__(
        self, connect: Callable[[], Blocking], writer: str, standing: Standing, settle: Settle, notes: Notes, replicas: int
    ) -> None:
        self._connect = connect
        self._client: Blocking | None = None
        self._line: Held | None = None
        self._writer = writer
        self._standing = standing
        self._settle = settle
        self._notes = notes
        self._replicas = replicas
        self._chains = Chains(notes, writer)
        self._head: Head | None = None
        self._closing = False
        self._queue: SimpleQueue[_Asked | None] = SimpleQueue()
        self._aside: Any = _NOTHING
        self._thread = threading.Thread(target=self._run, name="write-redis", daemon=True)
        self._thread.start()

    def post(self, post: Post) -> Answer:
        """The references of the post's events, later; posts take effect in the order of the calls."""
        return self._put(post)

    def apart(self, job: Job) -> Answer:
        """What a job answers that runs on the blocking client, between two batches; its failures come as Unavailable."""
        return self._put(job)

    async def close(self) -> None:
        """Write what waits and let the connection go."""
        self._closing = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _put(self, what: Post | Job) -> Answer:
        future: Answer = asyncio.get_running_loop().create_future()
        if self._closing or self._queue.qsize() >= QUEUE:
            _fail(future, Unavailable("store"))
        else:
            self._queue.put((what, future, time.monotonic()))
        return future

    def _run(self) -> None:
        while batch := self._gather():
            ended = self._end(batch)
            futures = [future for _, future, _ in batch]
            with suppress(RuntimeError):  # a closed loop has nobody waiting any more; the commit stands
                futures[0].get_loop().call_soon_threadsafe(_release, futures, ended)
        with suppress(Unavailable):
            self._chains.close()
        self._disconnect()

    def _end(self, batch: Sequence[_Asked]) -> list[Any]:
        """How each of a batch ends."""
        what, newest = batch[0][0], batch[-1][2]
        if newest < time.monotonic() - PATIENCE:
            return [Unavailable("store")] * len(batch)
        try:
            if isinstance(what, Post):
                return self._commit([one for one, _, _ in batch if isinstance(one, Post)])
            return [self._by_itself(what)]
        except Exception as error:  # noqa: BLE001 a fault of ours is handed to who waits, and ends the thread for nobody else
            self._disconnect()
            return [error] * len(batch)

    def _gather(self) -> list[_Asked]:
        """Whatever waits, at least one; a job comes alone; nothing when it is over."""
        first = self._queue.get() if self._aside is _NOTHING else self._aside
        self._aside = _NOTHING
        batch = [first] if first is not None else []
        while batch and len(batch) < BATCH and isinstance(batch[0][0], Post):
            try:
                one = self._queue.get_nowait()
            except Empty:
                break
            if one is None or not isinstance(one[0], Post):
                self._aside = one
                break
            batch.append(one)
        return batch

    def _by_itself(self, job: Job) -> Any:
        try:
            return job(self._ready())
        except FAILURES as error:
            self._disconnect()
            return _unavailable(error)
        except Unavailable as failure:
            return failure

    def _commit(self, posts: Sequence[Post]) -> list[Any]:
        """For each post its references or its failure."""
        if self._standing.faults:
            return [Unavailable("store")] * len(posts)
        ended: dict[int, Any] = {}
        failure = Unavailable("store")
        try:
            self._send(posts, self._keep(posts), ended)
        except FAILURES as error:
            self._disconnect()
            failure = Unanswered("store")
            failure.__cause__ = error
        except Unavailable as error:
            failure = error
        return [ended.get(at, failure) for at in range(len(posts))]

    def _keep(self, posts: Sequence[Post]) -> list[Sequence[int]]:
        """Have on this machine's disk what must not be lost, in one go; for each post the numbers of its notes."""
        payloads = [one for post in posts for one in post.guarded]
        numbers = iter(self._notes.keep(self._writer, payloads) if payloads else ())
        return [[*islice(numbers, len(post.guarded))] for post in posts]

    def _send(self, posts: Sequence[Post], kept: Sequence[Sequence[int]], ended: dict[int, Any]) -> None:
        """All posts in pipelines, until each was taken or refused for good: twice at most for what was not the post's fault.

        `ended` is told of each as soon as that is known: it stays so, whatever becomes of the others.
        """
        for _ in range(4):
            waiting = [at for at in range(len(posts)) if at not in ended]
            if not waiting:
                break
            self._ready()
            epoch = self._standing.epoch
            answers = self._fly([posts[at] for at in waiting], epoch)
            stands = []
            for at, (answer, refs) in zip(waiting, answers, strict=True):
                if isinstance(answer, int):
                    ended[at] = refs
                    self._chains.gave(refs)
                    self._standing.saw(answer)
                    stands += [(number, answer) for number in kept[at]]
                elif not _again(answer):
                    ended[at] = self._refuse(answer, posts[at], kept[at])
            if stands:
                self._notes.recorded(epoch, stands)
            if len(ended) < len(posts):
                self._recover([answer for answer, _ in answers], epoch)

    def _refuse(self, answer: Packed, post: Post, kept: Sequence[int]) -> Exception:
        refused = _refused(answer, post)
        if kept and isinstance(refused, Overtaken):
            self._notes.void(kept)
        return refused

    def _fly(self, posts: Sequence[Post], epoch: str) -> list[tuple[Any, list[Ref]]]:
        client = self._ready()
        if self._head is None:
            self._head = self._chains.head(client, epoch)
        told = [self._told(post, epoch) for post in posts]
        waits = self._waits()
        if self._line is None:
            self._line = Held(owner(client, MARKS))
        answers = self._line.exchange([*(command for command, _ in told), *([waits] if waits else ())])
        if waits and not _reached(answers[-1], self._replicas):
            self._head = None
            raise Unanswered("store")
        if any(isinstance(one, Exception) for one in answers):
            self._head = None
        return [(answer, refs) for answer, (_, refs) in zip(answers, told, strict=False)]

    def _waits(self) -> Command:
        """What ends a batch so that it counts, where replicas are declared."""
        return ("WAIT", self._replicas, WAIT_PATIENCE) if self._replicas else ()

    def _told(self, post: Post, epoch: str) -> tuple[Command, list[Ref]]:
        """The script's call for a post, and the references that its events get."""
        assert self._head is not None  # noqa: S101 - read right before
        name, first, before = self._head.name, self._head.seq, self._head.hash
        seq, last, entries = first, before, []
        for body, _, person in post.events:
            seq += 1
            last = link(last, name, seq, body)
            entries.append([seq, body, last, list(place("p", person)) if person else False])
        self._head = Head(name, seq, last)
        at = "" if post.at is None else post.at
        chain = (name, first, before, post.operations, packed(entries))
        command = ("EVALSHA", COMMIT.digest, 1, MARKS, epoch, self._standing.seen, post.fence, *chain, at)
        return command, [Ref(f"{name}-{number}") for number in range(first + 1, seq + 1)]

    def _recover(self, answers: Sequence[Any], epoch: str) -> None:
        """What a repetition needs: the script where the server has lost it, the chain's end, the epoch."""
        self._head = None
        if any(isinstance(one, MovedError) for one in answers):
            self._disconnect()  # the next client learns who has the slot by now
        client = self._ready()
        if any(isinstance(one, NoScriptError) for one in answers):
            owner(client, MARKS).script_load(COMMIT.text)
        if any(_says(one, "EPOCH") for one in answers):
            self._standing.moved(epoch)
            self._ready()

    def _ready(self) -> Blocking:
        """The client, its standing settled."""
        if self._client is None:
            self._client = self._connect()
        if not self._standing.epoch:
            self._settle(self._client)
            self._head = None
        return self._client

    def _disconnect(self) -> None:
        self._head = self._line = None
        if self._client is not None:
            with suppress(*FAILURES):
                self._client.close()
            self._client = None


def _says(answer: Packed, word: str) -> bool:
    return isinstance(answer, RedisError) and str(answer).startswith(word)


def _reached(answer: Packed, replicas: int) -> bool:
    """Whether as many have the batch as must."""
    return isinstance(answer, int) and answer >= replicas


def _again(answer: Packed) -> bool:
    """Whether the script changed nothing, and would take the post once what it rests on is put right."""
    return isinstance(answer, (NoScriptError, MovedError)) or _says(answer, "EPOCH") or _says(answer, "HEAD")


def _refused(answer: Packed, post: Post) -> Exception:
    if _says(answer, "OVERTAKEN"):
        return Overtaken(words(unpacked(post.fence)[0]))
    return Concluded("store") if _says(answer, "SETTLED") else _unavailable(answer)


def _unavailable(error: BaseException) -> Unavailable:
    failure = Unavailable("store")
    failure.__cause__ = error
    return failure


def _release(futures: Sequence[Answer], ended: Sequence[Any]) -> None:
    for future, value in zip(futures, ended, strict=True):
        if isinstance(value, Exception):
            _fail(future, value)
        elif not future.done():
            future.set_result(value)


def refused(error: Exception) -> Answer:
    """What a post that cannot even be sent is answered with."""
    future: Answer = asyncio.get_running_loop().create_future()
    _fail(future, error)
    return future


def _fail(future: Answer, error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # fetched once, so that asyncio does not report a failure that its poster never awaits
