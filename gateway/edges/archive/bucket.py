"""An archive in an S3-compatible bucket, through obstore: conditional writes (`If-None-Match: *`), reads by range.

The library keeps its connections and tries again by itself, within bounds; nothing of what it says of a failure is passed on, for
that may hold a link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

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

CONNECT = timedelta(seconds=10)
REQUEST = timedelta(seconds=120)
GIVE_UP = timedelta(seconds=60)
"""For a connection, for one request with its body, and from a first failure to the last attempt."""
RETRIES = 3


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

    async def put(self, name: str, content: bytes) -> None:
        """See `Shelf`; one request, so that the object is there as a whole or not at all."""
        with _translated(name):
            await obstore.put_async(self._store, name, content, use_multipart=False, mode="create")

    async def get(self, name: str) -> bytes:
        """See `Shelf`."""
        with _translated(name):
            found = await obstore.get_async(self._store, name)
            if found.meta["size"] > MOST:
                raise Damaged(f"archive: {name} is too large to be one of ours")
            return bytes(await found.bytes_async())

    async def parts(self, name: str, spans: Sequence[Span]) -> Sequence[bytes]:
        """See `Shelf`; parts that lie close together come with one request."""
        starts, ends = [start for start, _ in spans], [end for _, end in spans]
        with _translated(name):
            found = [bytes(part) for part in await obstore.get_ranges_async(self._store, name, starts=starts, ends=ends)]
        if [len(part) for part in found] != [end - start for start, end in spans]:
            raise Damaged(f"archive: {name} is cut")
        return found

    async def names(self, prefix: str) -> Sequence[str]:
        """See `Shelf`."""
        with _translated(prefix):
            pages = obstore.list(self._store, prefix, chunk_size=1000)
            return sorted([str(one["path"]) async for page in pages for one in page])

    async def remove(self, name: str) -> None:
        """See `Shelf`; a bucket may forbid it."""
        with suppress(Unavailable), _translated(name):
            await obstore.delete_async(self._store, name)


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


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except (AlreadyExistsError, PreconditionError):
        raise Taken from None
    except (NotFoundError, FileNotFoundError):
        raise Damaged(f"archive: {name} is missing") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise Unavailable("archive: the bucket does not admit these credentials") from None
    except (BaseError, OSError) as error:
        raise Unavailable("archive: the bucket does not answer as a bucket should") from error
