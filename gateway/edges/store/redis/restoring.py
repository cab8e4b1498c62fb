"""Fills a shared store that was emptied from the newest backup that proves itself; one gateway does so, the others wait.

Decides nothing about people: what opposed since is told by the nodes once the copy is whole, and marketing waits until then
(decision 0031). Works in a thread, on a private copy of the backup, so that a folder that goes away or changes spoils nothing.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from gateway.core.evidence import Event, Kind
from gateway.edges.store.backup_folder import Backup, BackupFolder, Unwanted
from gateway.edges.store.backup_proof import FORM, whole
from gateway.edges.store.connection import Refused
from gateway.edges.store.copy_sqlite import SqliteSource, drop
from gateway.edges.store.copying import Copied, copy, digest, looking
from gateway.edges.store.redis.client import FAILURES, Access, Blocking
from gateway.edges.store.redis.copy_target import Begun, RedisTarget
from gateway.edges.store.redis.copying import connected, outside
from gateway.edges.store.redis.durability import look
from gateway.edges.store.redis.pack import MARKS, words
from gateway.edges.store.redis.scripts import OFFER
from gateway.flow.ports import Clock, Log, Unavailable

EVERY = 0.5
"""Seconds between two looks while the store is emptied."""
SAY_EVERY = 1.0
PROVEN, AT_IT, WITHDRAWN = 1, 0, -1
"""Seconds between two offers while a backup is being proven, and how far that is."""
AGAIN_AFTER = 60.0
"""Seconds until a backup that could not be read is tried again; one that is damaged never is."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Milliseconds: how long an offer counts, how long one waits for better ones, how long a copy lasts that says nothing."""

    counts: int = 5_000
    waits: int = 3_000
    lasts: int = 6_000


@dataclass(frozen=True, slots=True)
class Place:
    """The store that may have to be filled: how to get in, and the fingerprint of its keys."""

    access: Access
    fingerprint: bytes
    replicas: int = 0


class _Unfit(Exception):
    """A backup cannot be put back: why, and for how many seconds that is certain."""

    def __init__(self, why: str, seconds: float = float("inf")) -> None:
        super().__init__(why)
        self.why = why
        self.seconds = seconds


class Restoring:
    """One gateway's part in it; `node` is its name, `scratch` where its private copy of the backup goes."""

    def __init__(
        self, place: Place, node: str, folder: BackupFolder, scratch: Path, clock: Clock, log: Log, patience: Patience | None = None
    ) -> None:
        self._place = place
        self._node = node
        self._folder = folder
        self._scratch = scratch
        self._clock = clock
        self._log = log
        self._patience = patience or Patience()
        self._proven: tuple[Path, int, int] | None = None
        self._unfit: dict[tuple[Path, int, int], tuple[str, float]] = {}
        self._token = ""
        self.why = ""
        """What is being done about an emptied store, or keeps it from being filled; empty when there is nothing to say."""
        self.by_hand = False
        """Whether it is for a person to go on."""

    async def run(self, needed: Callable[[], bool]) -> None:
        """Look whether there is anything to do while it is `needed`; never returns."""
        await asyncio.to_thread(self._rest, "")  # a gateway that was killed left its copy here
        while True:
            if needed():
                await self.step()
            elif self.why or self._proven:
                await asyncio.to_thread(self._rest, "")
            await asyncio.sleep(EVERY)

    async def step(self) -> None:
        """Look once, and do what is to be done; cancelled, it soon stops and leaves half a copy that nobody can use."""
        unwanted = threading.Event()

        def still() -> None:
            if unwanted.is_set():
                raise Unwanted("the copy")

        try:
            await asyncio.to_thread(self._look, still)
        finally:
            unwanted.set()

    def _look(self, still: Callable[[], None]) -> None:
        try:
            with closing(connected(self._place.access)) as client:
                found = self._ask(client)
                self.by_hand = found in ("partly", "copying")
                match found:
                    case "whole":
                        self._rest("")
                    case "partly":
                        self._refuse("not everything is gone from it, and a copy would replace what is left: a person must judge")
                    case "copying":
                        self._rest("a copy is being put into it by hand, or one was broken off: make it again")
                    case "restoring":
                        self._rest("another gateway is putting a backup back")
                    case _:
                        self._fill(client, still)
        except Refused as refused:
            self._refuse(refused.what)
        except (Unavailable, *FAILURES):
            return  # whoever watches the store says so

    def _fill(self, client: Blocking, still: Callable[[], None]) -> None:
        """Offer the newest backup, and put it back where nobody has a newer one."""
        try:
            backup = self._best()
            with outside():
                if faults := look(client, self._place.access, self._place.replicas).faults:
                    raise _Unfit("the store is not safe: " + ". ".join(map(str, faults)), 0)
            self._prove(backup, client, still)
            found = self._offer(client, backup, PROVEN)
            if found in ("begun", "again"):
                self._put_back(backup, again=found == "again", still=still)
        except _Unfit as unfit:
            self._refuse(unfit.why)

    def _best(self) -> Backup:
        """The newest backup here."""
        backup = self._folder.last()
        if backup is None:
            raise _Unfit("no backup that belongs to these keys and was proven is in the folder of this machine")
        if isinstance(backup, Path):
            raise _Unfit(f"the newest backup, {backup.name}, cannot be read: move it away where it is none of ours")
        if backup.proof.form != FORM:
            raise _Unfit("the newest backup was made by another release, so that nobody can prove it here")
        return backup

    def _prove(self, backup: Backup, client: Blocking, still: Callable[[], None]) -> None:
        """Take a private copy, and see whether it holds what was read back when it was made."""
        identity = _identity(backup.path)
        why, until = self._unfit.get(identity, ("", 0.0))
        if time.monotonic() < until:
            raise _Unfit(why)
        if self._proven == identity:
            return
        at_it = _now_and_then(lambda: self._mention(client, backup, AT_IT), still)
        try:
            self._copy_privately(backup, at_it)
            with closing(SqliteSource(self._scratch)) as source:
                found = whole(digest(looking(source.batches(), at_it)))
            if found != backup.proof.digest:
                raise _Unfit("it does not hold what was read back when it was made")
        except Unwanted:
            raise
        except _Unfit as unfit:
            self._spoilt(backup, identity, client, unfit)
        except OSError as error:
            self._spoilt(backup, identity, client, _Unfit(f"it cannot be read: {error.strerror}", AGAIN_AFTER))
        except (Unavailable, ValueError):  # a text that is none, where octets were changed
            self._spoilt(backup, identity, client, _Unfit("it is damaged"))
        self._proven = identity

    def _spoilt(self, backup: Backup, identity: tuple[Path, int, int], client: Blocking, unfit: _Unfit) -> None:
        """Remember it, and let others know that this gateway has nothing to offer."""
        drop(self._scratch)
        why = f"the newest backup, of {_time(backup)}, cannot be put back: {unfit.why}"
        self._unfit[identity] = why, time.monotonic() + unfit.seconds
        self._mention(client, backup, WITHDRAWN)
        raise _Unfit(why)

    def _copy_privately(self, backup: Backup, at_it: Callable[[], None]) -> None:
        drop(self._scratch)
        self._scratch.touch(mode=0o600, exist_ok=False)
        with backup.path.open("rb") as read, self._scratch.open("wb") as write:
            while some := read.read(1 << 20):
                write.write(some)
                at_it()
            os.fsync(write.fileno())

    def _put_back(self, backup: Backup, *, again: bool, still: Callable[[], None]) -> None:
        began = time.monotonic()
        self.why = f"a backup of {_time(backup)} is being put back"
        self._log.say("store-restoring", backup=_time(backup), again=again)
        detail = f"backup={_time(backup)}; node={self._node}"
        event = Event(self._clock.now(), Kind.STORE, "restored-from-backup", detail=detail)
        try:
            copied = self._copied(Begun(self._token, self._patience.lasts, event, still))
        except Unavailable as failure:
            self._proven = None
            self._log.say("store-not-restored", why="it was broken off, and will be made again", outside=failure.what)
            return
        if copied.differing:
            why = f"the backup of {_time(backup)} did not arrive as it left: {', '.join(copied.differing)}"
            self._unfit[_identity(backup.path)] = why, float("inf")
            raise _Unfit(why)
        rows = sum(one.rows for one in copied.read.values())
        self._log.say("store-restored", backup=_time(backup), rows=rows, seconds=round(time.monotonic() - began, 1))
        self._rest("")

    def _copied(self, begun: Begun) -> Copied:
        place = self._place
        with closing(SqliteSource(self._scratch)) as source:
            return copy(source, RedisTarget(place.access, place.fingerprint, place.replicas, begun))

    def _ask(self, client: Blocking) -> str:
        return self._said(client, "", 0, PROVEN)

    def _offer(self, client: Blocking, backup: Backup, how: int) -> str:
        self._token = f"{self._node}:{token_hex(8)}"
        return self._said(client, self._node, int(backup.proof.begun.timestamp()), how)

    def _mention(self, client: Blocking, backup: Backup, how: int) -> None:
        """Let others know, where that can be done: what comes after asks again."""
        with suppress(Unavailable):
            self._offer(client, backup, how)

    def _said(self, client: Blocking, node: str, begun: int, how: int) -> str:
        patience = self._patience
        given = (node, begun, how, self._token, patience.counts, patience.waits, patience.lasts)
        with outside():
            return words(client.execute_command("EVAL", OFFER.text, 1, MARKS, *given))

    def _refuse(self, why: str) -> None:
        if why != self.why:
            self._log.say("store-not-restored", why=why)
        self.why = why

    def _rest(self, why: str) -> None:
        """Nothing is to be done here now."""
        self.why, self._proven = why, None
        with suppress(OSError):
            drop(self._scratch)


def _now_and_then(work: Callable[[], object], still: Callable[[], None]) -> Callable[[], None]:
    """What looks each time whether it is still wanted, and does the work from time to time."""
    last = float("-inf")

    def look_up() -> None:
        nonlocal last
        still()
        if time.monotonic() - last >= SAY_EVERY:
            last = time.monotonic()
            work()

    return look_up


def _identity(path: Path) -> tuple[Path, int, int]:
    """One state of a file; all zeros where it has gone."""
    try:
        found = path.stat()
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size


def _time(backup: Backup) -> str:
    return backup.proof.begun.isoformat(timespec="seconds")
