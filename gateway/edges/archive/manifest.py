"""The manifest: which runs are archived. Each archived run makes a new one, numbered, which names the digest of the one before.

A manifest is written last and never changed: the highest number counts, and of two written at once one finds its name taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.core.evidence import GENESIS
from gateway.edges.archive.block import Unfit
from gateway.flow.archive_ports import Run

FOLDER = "manifest"
JOURNAL = "journal"
FORMAT = 1
_NAME = re.compile(rf"{FOLDER}/([0-9]{{8}})\.json")
_OBJECT = re.compile(rf"{JOURNAL}/([^/]+)/([0-9]{{19}})-([0-9]{{19}})\.jsonl\.gz")

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=1, lt=1 << 63)]
Size = Annotated[int, Field(ge=1, lt=1 << 31)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    writer: Annotated[str, Field(min_length=1)]
    first: Number
    last: Number
    before: Digest
    hash: Digest
    earliest: str
    latest: str
    size: Size
    sha256: Digest
    index_size: Size
    index_sha256: Digest
    block: Annotated[int, Field(ge=1, le=1 << 20)]
    blocks: Annotated[int, Field(ge=1, le=1 << 16)]
    buckets: Annotated[int, Field(ge=1, le=1 << 24)]


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: int
    number: Number
    previous: Annotated[str, Field(pattern=r"^(?:[0-9a-f]{64})?$")]
    runs: list[_Written]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One reading of it; number 0 is an archive in which nothing is yet."""

    number: int = 0
    digest: str = ""
    runs: tuple[Run, ...] = ()

    def name(self) -> str:
        """Under which name it lies."""
        return f"{FOLDER}/{self.number:08}.json"

    def with_run(self, run: Run) -> tuple[Manifest, bytes]:
        """The next manifest, and its text; raises `Unfit` where the run does not go on from what is archived."""
        runs = sorted((*self.runs, run), key=lambda one: (one.writer, one.first))
        if not _follow(runs):
            raise Unfit("it does not follow what is archived")
        page = {"format": FORMAT, "number": self.number + 1, "previous": self.digest, "runs": [_told(one) for one in runs]}
        text = json.dumps(page, ensure_ascii=True, indent=0).encode()
        return Manifest(self.number + 1, sha256(text).hexdigest(), tuple(runs)), text


def newest(names: Iterable[str]) -> int:
    """The number of the newest manifest among these names; 0 where there is none."""
    return max(numbers(names), default=0)


def numbers(names: Iterable[str]) -> Sequence[int]:
    """The numbers of the manifests among these names."""
    return [int(found[1]) for name in names if (found := _NAME.fullmatch(name))]


def read(text: bytes, number: int) -> Manifest:
    """A manifest of that number; raises `Unfit` where it is none, or its chains have gaps."""
    try:
        page = _Page.model_validate_json(text)
        runs = tuple(_run(one) for one in page.runs)
    except (ValidationError, ValueError):
        raise Unfit("no manifest") from None
    if page.format != FORMAT or page.number != number or not _follow(runs):
        raise Unfit("no manifest of this number and kind, or with gaps")
    return Manifest(number, sha256(text).hexdigest(), runs)


def _follow(runs: Sequence[Run]) -> bool:
    """Whether each chain is there from its first entry on, in order."""
    reached: dict[str, tuple[int, bytes]] = {}
    for run in runs:
        if (run.first - 1, run.before) != reached.get(run.writer, (0, GENESIS)) or run.last < run.first:
            return False
        if run.blocks != -(-run.entries // run.block):
            return False
        reached[run.writer] = run.last, run.hash
    return [run.writer for run in runs] == sorted(run.writer for run in runs)


def content_name(writer: str, first: int, last: int) -> str:
    """Under which name a run's content lies; names sort as numbers do."""
    return f"{folder_of(writer)}/{first:019}-{last:019}.jsonl.gz"


def index_name(writer: str, first: int, last: int) -> str:
    """Under which name its index lies."""
    return content_name(writer, first, last).removesuffix(".jsonl.gz") + ".index"


def folder_of(writer: str) -> str:
    """Where a writer's runs lie; signs that mean something in paths or links are quoted, with `=` for `%`."""
    return f"{JOURNAL}/{quote(writer, safe='').replace('.', '%2E').replace('%', '=')}"


def ends_of(name: str) -> tuple[str, int, int] | None:
    """The writer, first and last number of an object by its name; None where it is no run's content."""
    found = _OBJECT.fullmatch(name)
    return None if found is None else (unquote(found[1].replace("=", "%")), int(found[2]), int(found[3]))


def _told(run: Run) -> dict[str, str | int]:
    return {
        "writer": run.writer,
        "first": run.first,
        "last": run.last,
        "before": run.before.hex(),
        "hash": run.hash.hex(),
        "earliest": run.earliest.isoformat(),
        "latest": run.latest.isoformat(),
        "size": run.size,
        "sha256": run.digest.hex(),
        "index_size": run.index_size,
        "index_sha256": run.index_digest.hex(),
        "block": run.block,
        "blocks": run.blocks,
        "buckets": run.buckets,
    }


def _run(one: _Written) -> Run:
    earliest, latest = datetime.fromisoformat(one.earliest), datetime.fromisoformat(one.latest)
    if earliest.tzinfo is None or latest.tzinfo is None:
        raise ValueError
    return Run(
        one.writer,
        one.first,
        one.last,
        bytes.fromhex(one.before),
        bytes.fromhex(one.hash),
        earliest,
        latest,
        one.size,
        bytes.fromhex(one.sha256),
        one.index_size,
        bytes.fromhex(one.index_sha256),
        one.block,
        one.blocks,
        one.buckets,
    )
