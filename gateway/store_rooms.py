"""Opens the store that the settings name, the embedded or the shared one, and the keys that belong to it.

Keys are made only where nothing depends on earlier ones yet (reliability 2): for the embedded store while there is no database, for
the shared one while it holds nothing; every other machine is given a copy of the folder.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.edges.keys import KeyFault, KeyRing
from gateway.edges.store.backup import back_up
from gateway.edges.store.backup_folder import BackupFolder, Still
from gateway.edges.store.backup_proof import ProvenTarget, prove_file
from gateway.edges.store.connection import Refused
from gateway.edges.store.copy_sqlite import SqliteSource, SqliteTarget
from gateway.edges.store.copying import Digest, copy
from gateway.edges.store.shared_since import refuse_if_left_behind
from gateway.edges.store.sqlite import open_store
from gateway.flow.backups import Backups, Meter, Rhythm
from gateway.flow.ports import Book, Clock, Log, Unavailable
from gateway.flow.store import Store
from gateway.settings import Settings, redis_password
from gateway.settings.crossings import in_clear

if TYPE_CHECKING:
    from gateway.edges.store.copying import Target
    from gateway.edges.store.redis.client import Access
    from gateway.edges.store.redis.copying import RedisSource
    from gateway.edges.store.redis.restoring import Restoring
    from gateway.edges.store.redis.store import RedisStore

DATABASE = "gateway.db"
KEYS = "keys"
SCRATCH = "restore.db"
_SHARED_BY = b"the keys of one gateway"
Shown = Callable[[int], AbstractContextManager[Callable[[int], None]]]


def shared(settings: Settings) -> bool:
    """Whether many gateways share the store."""
    return settings.gateway.store != "sqlite"


def recorded(settings: Settings) -> bool:
    """Whether anything may have been recorded under the keys; raises Unavailable where the shared store does not say."""
    if not shared(settings):
        return (settings.gateway.data_dir / DATABASE).exists()
    from gateway.edges.store.redis.store import holds_something

    return holds_something(_access(settings))


def open_keys(settings: Settings, *, may_create: bool) -> KeyRing:
    """The key ring of this machine; raises KeyFault where it is missing and must not be made."""
    folder = settings.gateway.data_dir / KEYS
    whole = shared(settings) and (folder / "pepper").exists()  # written last: the shared store need not be asked
    may_create = may_create and not whole and not recorded(settings)
    if shared(settings) and not (may_create or folder.exists()):
        raise KeyFault(f"{folder} is missing: copy it from another gateway of this store, mode 0700")
    return KeyRing.open(folder, may_create=may_create)


def fingerprint(keys: KeyRing) -> bytes:
    """What the shared store remembers of the keys, so that a machine with others is refused; tells nothing about them."""
    return hmac.digest(keys.pepper, _SHARED_BY, "sha256")


def open_truth(settings: Settings, keys: KeyRing, writer: str, *, looks_on: bool = False) -> Store:
    """The store; events are chained under `writer`, which no other process of this machine uses.

    Who only looks on is none of the machines that share it. Raises `Refused` (an `Unavailable`) with a sentence to act on.
    """
    if not shared(settings):
        refuse_if_left_behind(settings.gateway.data_dir / DATABASE)
        return open_store(settings.gateway.data_dir / DATABASE, writer)
    return _open_shared(settings, keys, writer, "" if looks_on else settings.gateway.node)


def open_onlooker(settings: Settings, keys: KeyRing, writer: str) -> RedisStore:
    """The shared store as one sees it who is none of its nodes, as a machine may that is refused as one; raises as above."""
    return _open_shared(settings, keys, writer, "")


def _open_shared(settings: Settings, keys: KeyRing, writer: str, node: str) -> RedisStore:
    from gateway.edges.store.redis.store import open_redis

    folder, replicas = settings.gateway.data_dir, settings.redis.replicas
    return open_redis(_access(settings), writer, node=node, folder=folder, fingerprint=fingerprint(keys), replicas=replicas)


def command_writer(settings: Settings, name: str) -> str:
    """The name a command chains its evidence under: its own on each machine that shares a store."""
    return f"{name}.{settings.gateway.node}" if shared(settings) else name


def database(settings: Settings, where: str) -> Path | None:
    """The file that a word names, "sqlite" the configured one; None for a shared store.

    Raises `Refused` where a store URL was meant and a file of that name would be made.
    """
    if "://" in where:
        return None
    if where == "sqlite":
        return settings.gateway.data_dir / DATABASE
    path = Path(where)
    if ":" in where and path.suffix != ".db" and not path.exists():
        raise Refused(f"{where} is no store URL: redis://HOST[:PORT]; and a new file's name ends in .db")
    return path


def open_source(settings: Settings, where: str, *, still: bool = False) -> SqliteSource | RedisSource:
    """A store to copy or compare: "sqlite", a file or a store URL; `still` lets nobody write to a file meanwhile.

    Raises `Refused` with a sentence, or KeyFault where a shared store's keys are not here.
    """
    if path := database(settings, where):
        return SqliteSource(path, still=still)
    access = _access(settings, where)  # before the import, which the extra may be missing for
    from gateway.edges.store.redis.copying import RedisSource

    with _named(access):
        return RedisSource(access, _own_fingerprint(settings))


def open_target(settings: Settings, where: str) -> Target:
    """An empty place for a copy, named as for `open_source`; raises as that does."""
    if path := database(settings, where):
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"{path.parent} is no folder, and cannot be made one: {error.strerror}") from error
        return SqliteTarget(path)
    access = _access(settings, where)
    from gateway.edges.store.redis.copy_target import RedisTarget

    with _named(access):
        return RedisTarget(access, _own_fingerprint(settings), settings.redis.replicas)


@contextmanager
def _named(access: Access) -> Iterator[None]:
    """What a client cannot do, in the same sentence that a gateway would be refused with."""
    from gateway.edges.store.redis.client import FAILURES, why

    try:
        yield
    except Refused:
        raise
    except Unavailable as error:
        if not isinstance(error.__cause__, FAILURES):
            raise
        raise Refused(why(access, error.__cause__)) from error


def put_aside(
    settings: Settings,
    path: Path,
    begun: datetime,
    still: Still = lambda: None,
    shown: Shown = lambda _: nullcontext(lambda _: None),
) -> Mapping[str, Digest]:
    """Write a proven copy of the configured store into a new file, while gateways serve; what it holds.

    `still` is called now and then, and may end it by raising; `shown` takes how many rows there are, and gives who is told how
    many are done. Raises `Refused` with a sentence, or KeyFault where a shared store's keys are not here.
    """
    with closing(open_source(settings, settings.gateway.store)) as opened:
        own = _own_fingerprint(settings) if shared(settings) or (settings.gateway.data_dir / KEYS).exists() else b""
        if isinstance(opened, SqliteSource):
            return back_up(opened, path, still, lambda draft, found: prove_file(draft, own, begun, found))
        with shown(opened.count()) as done:

            def told(rows: int) -> None:
                still()
                done(rows)

            copied = copy(opened, ProvenTarget(path, own, begun, still), told)
    if copied.differing:
        raise Refused(f"the copy differs in {', '.join(copied.differing)}, and was thrown away")
    return copied.read


def backups_of(settings: Settings, keys: KeyRing) -> BackupFolder | None:
    """The folder of the store's backups; None where none is named."""
    folder = settings.backup.folder
    return None if folder is None else BackupFolder(folder, fingerprint(keys), partial(put_aside, settings))


def make_backups(settings: Settings, keys: KeyRing, book: Book, clock: Clock, log: Log, meter: Meter) -> Backups | None:
    """The keeper's job of making backups; None where no folder is named."""
    folder, given = backups_of(settings, keys), settings.backup
    if folder is None:
        return None
    return Backups(folder, Rhythm(given.every, given.keep), book, clock, log, meter)


def make_restoring(settings: Settings, clock: Clock, log: Log) -> Restoring | None:
    """What fills the shared store after it was emptied; None where there is none, or a person is to do that.

    Raises KeyFault where the keys are not here.
    """
    if not (shared(settings) and settings.backup.restore_when_emptied):
        return None
    keys = KeyRing.open(settings.gateway.data_dir / KEYS, may_create=False)
    folder = backups_of(settings, keys)
    if folder is None:
        return None
    from gateway.edges.store.redis.restoring import Place, Restoring

    place = Place(_access(settings), fingerprint(keys), settings.redis.replicas)
    return Restoring(place, settings.gateway.node, folder, settings.gateway.data_dir / SCRATCH, clock, log)


def to_be_filled(store: Store) -> bool:
    """Whether a shared store was emptied, or holds half a copy."""
    from gateway.edges.store.redis.store import RedisStore

    return isinstance(store, RedisStore) and store.to_be_filled


def _own_fingerprint(settings: Settings) -> bytes:
    return fingerprint(KeyRing.open(settings.gateway.data_dir / KEYS, may_create=False))


def _access(settings: Settings, where: str = "") -> Access:
    """How to get into the configured store, or into another one with the same account."""
    if find_spec("redis") is None or find_spec("msgpack") is None:
        raise Refused("a shared store needs the extra redis: pip install 'compliance-gateway[redis]'")
    from gateway.edges.store.redis.client import Access
    from gateway.edges.store.redis.location import NoLocation, read_location

    place, redis = read_location(where or settings.gateway.store), settings.redis
    if isinstance(place, NoLocation):
        raise Refused(f"the store named {place.why.rstrip('.')}")
    if sentence := in_clear(place, redis):
        raise Refused(f"the store at {place.hosts[0][0]} {sentence}")
    return Access(place, redis.username, redis_password(redis).decode(), redis.ca_file)
