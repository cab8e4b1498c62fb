"""An archive in an S3-compatible bucket, through obstore: conditional writes (`If-None-Match: *`), reads by range.

The library keeps its connections and tries again by itself, within bounds; nothing of what it says of a failure is passed on, for
that may hold a link. Its blocking calls are used, in threads: those for asyncio come back from threads of its own, and now and then
abort a short process at its end (decision 0028).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from gateway.edges.archive.shelf import MOST, Span, Taken
from gateway.flow.archive_ports import Damaged
from gateway.flow.ports import Unavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

T = TypeVar("T")
AT_ONCE = 16
"""Requests under way at once."""
CONNECT = timedelta(seconds=10)
REQUEST = timedelta(seconds=120)
GIVE_UP = timedelta(seconds=60)
"""For a connection, for one request with its body, and from a first failure to the last attempt."""
RETRIES = 3
_NO_BUCKET = "NoSuchBucket"
"""What a service says, which the library passes on as text: for most questions as that of a missing object."""


@dataclass(frozen=True, slots=True)
class BucketConfig:
    """Which bucket; without an endpoint it is Amazon's of that region, without a key the library looks for one of the machine's."""

    bucket: str
    region: str
    endpoint: str = ""
    prefix: str = ""
    access_key: str = ""
    secret: str = ""
    ca_file: Path | None = None


class Bucket:
    """`Shelf` in a bucket."""

    def __init__(self, config: BucketConfig) -> None:
        self._store = _open(config)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bucket")

    async def put(self, name: str, content: bytes) -> None:
        """See `Shelf`; one request, so that the object is there as a whole or not at all."""
        await self._away(name, lambda: obstore.put(self._store, name, content, use_multipart=False, mode="create"))

    async def get(self, name: str) -> bytes:
        """See `Shelf`."""
        return await self._away(name, lambda: self._get(name))

    async def parts(self, name: str, spans: Sequence[Span]) -> Sequence[bytes]:
        """See `Shelf`; parts that lie close together come with one request."""
        starts, ends = [start for start, _ in spans], [end for _, end in spans]
        parts = await self._away(name, lambda: obstore.get_ranges(self._store, name, starts=starts, ends=ends))
        found = [bytes(part) for part in parts]
        if [len(part) for part in found] != [end - start for start, end in spans]:
            raise Damaged(f"archive: {name} is cut")
        return found

    async def names(self, prefix: str) -> Sequence[str]:
        """See `Shelf`."""
        return await self._away(prefix, lambda: sorted(one["path"] for page in obstore.list(self._store, prefix) for one in page))

    async def remove(self, name: str) -> None:
        """See `Shelf`; a bucket may forbid it."""
        with suppress(Unavailable):
            await self._away(name, lambda: obstore.delete(self._store, name))

    def _get(self, name: str) -> bytes:
        found = obstore.get(self._store, name)
        if found.meta["size"] > MOST:
            raise Damaged(f"archive: {name} is too large to be one of ours")
        return bytes(found.bytes())

    async def _away(self, name: str, act: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, act)
        except (AlreadyExistsError, PreconditionError):
            raise Taken from None
        except (BaseError, OSError) as error:
            if isinstance(error, NotFoundError | FileNotFoundError) and _NO_BUCKET not in str(error):
                raise Damaged(f"archive: {name} is missing") from None
            raise Unavailable(f"archive: {_why(error)}") from error


def _why(error: Exception) -> str:
    """Which of the usual things is wrong; a list fails with one kind of error, whatever the service says."""
    said = str(error)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or "status code: 403" in said:
        return "the bucket does not admit these credentials"
    if _NO_BUCKET in said:
        return "there is no such bucket"
    return "the bucket cannot be reached" if "HTTP error" in said else "the bucket does not answer as a bucket should"


def _open(config: BucketConfig) -> S3Store:
    given: S3Config = {"region": config.region}
    if config.endpoint:
        given["endpoint"] = config.endpoint
    if config.access_key:
        given |= {"access_key_id": config.access_key, "secret_access_key": config.secret}
    client: ClientConfig = {"connect_timeout": CONNECT, "timeout": REQUEST, "allow_http": config.endpoint.startswith("http://")}
    if config.ca_file is not None:
        client["root_certificate"] = config.ca_file.read_bytes()
    retrying: RetryConfig = {"max_retries": RETRIES, "retry_timeout": GIVE_UP}
    return S3Store(config.bucket, prefix=config.prefix or None, config=given, client_options=client, retry_config=retrying)
