"""Opens the journal's archive that the settings name, and the journal that reads through to it.

The bucket's library is loaded only where a bucket is named, so that a gateway without the extra `s3` runs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.core.duration import Duration, parse_duration
from gateway.edges.archive.folder import Folder
from gateway.edges.archive.shelf import Shelf
from gateway.edges.archive.shelved import ShelvedArchive
from gateway.flow.archive_ports import Run
from gateway.flow.archiving import Archiving, DailyArchiving
from gateway.flow.ports import Clock, Journal, Log, Unavailable
from gateway.flow.store import Store
from gateway.flow.whole_journal import WholeJournal
from gateway.settings import MissingSecret
from gateway.settings.archive import Archive as Given
from gateway.settings.archive import archive_credentials

if TYPE_CHECKING:
    from gateway.flow.daily import Chore

_KEEP_LIVE = Duration(0, 30)


def open_archive(given: Given) -> ShelvedArchive | None:
    """The configured archive; None where there is none. Raises MissingSecret, or Unavailable without the bucket's library."""
    if given.folder is not None:
        return ShelvedArchive(Folder(given.folder))
    return ShelvedArchive(_bucket(given)) if given.bucket else None


def whole_journal(live: Journal, given: Given, since: datetime | None = None, until: datetime | None = None) -> Journal:
    """The journal with what is archived of it, runs that have nothing of a time left out where only that is wanted."""
    archive = open_archive(given)
    return live if archive is None else WholeJournal(live, archive, since, until)


def make_archiving(store: Store, archive: ShelvedArchive, clock: Clock, told: Callable[[Run], None] = lambda _: None) -> Archiving:
    """The journey into it."""
    return Archiving(store.book, store.journal, archive, clock, told)


def make_daily_archiving(store: Store, given: Given, clock: Clock, log: Log) -> Chore | None:
    """Its part of the daily job; None where no archive is configured."""
    archive = open_archive(given)
    return None if archive is None else DailyArchiving(make_archiving(store, archive, clock), keep_live(given), log).daily


def keep_live(given: Given) -> Duration:
    """How long entries stay in the store; the setting was checked when it was loaded."""
    return parse_duration(given.keep_live) or _KEEP_LIVE


def _bucket(given: Given) -> Shelf:
    try:
        from gateway.edges.archive.bucket import Bucket, BucketConfig
    except ImportError:
        raise Unavailable("the archive is in a bucket, and the extra s3 is not installed") from None
    try:
        key, secret = archive_credentials(given) or ("", "")
    except OSError as error:
        raise MissingSecret(f"{given.credentials_file} cannot be read: {error.strerror}") from None
    return Bucket(BucketConfig(given.bucket, given.region, given.endpoint, given.prefix, key, secret, given.ca_file))
