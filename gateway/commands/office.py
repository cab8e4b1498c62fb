"""What most commands need: settings, keys, store and packs, opened beside a running gateway and closed again.

Commands that write chain their evidence under one writer name each (`cli`, `import`), guarded by a lock file, so that chains do not
multiply with processes; a long import does not keep other commands waiting.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.archive_rooms import whole_journal
from gateway.commands.console import DEFAULT_CONFIG, say, stop
from gateway.core.address import Identity
from gateway.core.model import Partner, Stream
from gateway.core.policy import Policy
from gateway.edges.clock import SystemClock
from gateway.edges.files import FileFault, read_policy
from gateway.edges.keys import KeyRing
from gateway.flow.administer import Administer
from gateway.flow.ports import Journal
from gateway.flow.report import Report
from gateway.flow.store import Store
from gateway.settings import Settings, load, shared_keys, to_partners, to_streams
from gateway.store_rooms import command_writer, open_keys, open_onlooker, open_truth, recorded, shared

if TYPE_CHECKING:
    from gateway.edges.store.redis.store import RedisStore

LOCK_PATIENCE = 30.0


class Writing(Enum):
    """Under which name a command writes evidence; a command that only reads has none of its own."""

    NOTHING = "reader"
    ACT = "cli"
    IMPORT = "import"
    DAILY = "daily"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Office:
    """The open house, as commands see it."""

    settings: Settings
    keys: KeyRing
    store: Store
    identity: Identity
    streams: Mapping[str, Stream]
    partners: Mapping[str, Partner]
    clock: SystemClock

    @property
    def administer(self) -> Administer:
        """The acts of administration on this house."""
        return Administer(self.store.book, self.identity, self.streams, self.partners, self.clock)

    @property
    def journal(self) -> Journal:
        """The evidence, archived and live."""
        return whole_journal(self.store.journal, self.settings.archive)

    def journal_of(self, since: datetime, until: datetime) -> Journal:
        """The same for counting within a time: archived entries of other times may be left out."""
        return whole_journal(self.store.journal, self.settings.archive, since, until)

    def policies(self) -> Mapping[str, Policy]:
        """The configured packs; a faulty one ends the command."""
        return read_policies(self.settings)

    def report(self) -> Report:
        """Answers about this house."""
        return Report(self.store.book, self.journal, self.identity, self.policies(), self.clock)


def read_settings(config: Path) -> Settings:
    """The settings; where nobody named a file and there is none, say how to begin."""
    if config == DEFAULT_CONFIG and not config.exists():
        stop(f"There is no {config} here: copy gateway.example.toml to it, or name one with --config.", 2)
    return load(config)


def read_policies(settings: Settings) -> Mapping[str, Policy]:
    """The configured packs by name; a faulty one ends the command."""
    packs: dict[str, Policy] = {}
    for name in settings.gateway.policies:
        pack = read_policy(name, settings.gateway.policies_dir)
        if isinstance(pack, FileFault):
            stop(str(pack))
        packs[name] = pack
    return packs


@asynccontextmanager
async def open_office(config: Path, writing: Writing) -> AsyncIterator[Office]:
    """Open the house for one command."""
    settings = read_settings(config)
    async with _alone(settings.gateway.data_dir, writing):
        keys = _keys(settings, writing)
        store = open_truth(settings, keys, command_writer(settings, writing.value), looks_on=writing is Writing.NOTHING)
        try:
            identity = Identity(keys.pepper, settings.gateway.fold_tags, shared_keys(settings))
            yield Office(settings, keys, store, identity, to_streams(settings), to_partners(settings), SystemClock())
        finally:
            await store.close()


@asynccontextmanager
async def look_on(config: Path, writing: Writing) -> AsyncIterator[RedisStore]:
    """The shared store, seen as one who is none of its nodes; ends the command where there is none."""
    settings = read_settings(config)
    if not shared(settings):
        stop("This gateway has its store for itself: [gateway] store names no Redis.")
    async with _alone(settings.gateway.data_dir, writing):
        store = open_onlooker(settings, _keys(settings, writing), command_writer(settings, writing.value))
        try:
            yield store
        finally:
            await store.close()


def _keys(settings: Settings, writing: Writing) -> KeyRing:
    """The key ring; made anew only by a first write, while nothing depends on an earlier one (reliability 2)."""
    if writing is Writing.NOTHING and not shared(settings) and not recorded(settings):
        stop(f"Nothing is recorded in {settings.gateway.data_dir} yet.")
    return open_keys(settings, may_create=writing is not Writing.NOTHING)


@asynccontextmanager
async def _alone(folder: Path, writing: Writing) -> AsyncIterator[None]:
    """Hold the lock of this writer's name while the command runs."""
    if writing is Writing.NOTHING:
        yield
        return
    descriptor = _lock_file(folder, writing)
    try:
        await _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock_file(folder: Path, writing: Writing) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(folder / f"{writing.value}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


async def _lock(descriptor: int) -> None:
    waited = 0.0
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waited == 0:
                say("Another gateway command is at work; waiting for it.")
            if waited >= LOCK_PATIENCE:
                stop("Another gateway command is still at work; try again later.")
            await asyncio.sleep(0.1)
            waited += 0.1
        else:
            return
