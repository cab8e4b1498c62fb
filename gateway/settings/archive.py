"""Settings of the journal's archive: where the older part of the evidence goes, and how much of it stays in the store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from gateway.core.duration import parse_duration
from gateway.settings.table import Table
from gateway.settings.values import CalendarSpan, FromFolder, Line, Link, is_loopback, no_folder

CREDENTIALS = "GATEWAY_ARCHIVE_CREDENTIALS"
LEAST_LIVE = 7
"""Days: what comes back about a mail, such as a bounce, is looked up in the live journal."""

Complaint = tuple[tuple[str, ...], str]


class Archive(Table):
    """Where `gateway journal archive` puts the older part of the evidence; nothing is archived while neither is named."""

    folder: FromFolder | None = Field(default=None, description="A folder, local or mounted. Or:")
    bucket: Annotated[str, Field(pattern=r"^(?:[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$")] = Field(
        default="", description="an S3-compatible bucket (the extra `s3`)."
    )
    endpoint: Link = Field(default="", description="Link of its service. Empty: Amazon's of that region.")
    region: Line = Field(default="us-east-1", min_length=1, description="Its region; many services take any.")
    prefix: Annotated[str, Field(pattern=r"^(?:[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*)?$")] = Field(
        default="", description="Folder inside the bucket. Two gateways never share one."
    )
    credentials_file: FromFolder | None = Field(
        default=None,
        description=f"File of `ACCESS_KEY_ID:SECRET`, mode 0600; or `{CREDENTIALS}`. Neither: the machine's own, such as a role.",
    )
    ca_file: FromFolder | None = Field(default=None, description="PEM file of the authorities to trust. Empty: the usual ones.")
    keep_live: CalendarSpan = Field(
        default="P30D", description=f"How long entries stay in the store, as a calendar duration; P{LEAST_LIVE}D at least."
    )

    @property
    def configured(self) -> bool:
        """Whether there is one."""
        return self.folder is not None or bool(self.bucket)


def complaints(archive: Archive, environ: Mapping[str, str]) -> Iterator[Complaint]:
    """What one key alone cannot know."""
    if archive.folder is not None and archive.bucket:
        yield ("archive",), "folder and bucket are two places: choose one."
    if not archive.bucket and (archive.endpoint or archive.prefix or archive.credentials_file):
        yield ("archive",), "endpoint, prefix and credentials_file are a bucket's, and none is named."
    if archive.folder is not None and (sentence := no_folder(archive.folder)):
        yield ("archive", "folder"), sentence
    endpoint = urlsplit(archive.endpoint)
    if endpoint.scheme == "http" and not is_loopback(endpoint.hostname or ""):
        yield ("archive", "endpoint"), "must begin with https:// unless it is on loopback."
    if archive.ca_file is not None and not archive.ca_file.is_file():
        yield ("archive", "ca_file"), f"{archive.ca_file} does not exist."
    if _days(archive.keep_live) < LEAST_LIVE:
        yield ("archive", "keep_live"), f"must be P{LEAST_LIVE}D at least: bounces and answers are about the mail of the last days."
    if environ.get(CREDENTIALS) is not None and not _pair(environ[CREDENTIALS].encode()):
        yield ("archive",), f"{CREDENTIALS} must be ACCESS_KEY_ID:SECRET."


def _days(span: str) -> int:
    start, duration = datetime(2000, 1, 1, tzinfo=UTC), parse_duration(span)
    return (duration.after(start) - start).days if duration else 0


def archive_credentials(archive: Archive, environ: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """Key id and secret, from the environment first; None where there are none or they are no pair. Raises OSError."""
    given = (os.environ if environ is None else environ).get(CREDENTIALS)
    if given is not None:
        return _pair(given.encode())
    return None if archive.credentials_file is None else _pair(archive.credentials_file.read_bytes())


def _pair(text: bytes) -> tuple[str, str] | None:
    key, _, secret = text.decode("ascii", "replace").strip().partition(":")
    return (key, secret) if key and secret else None
