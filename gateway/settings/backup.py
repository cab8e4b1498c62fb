"""Settings of the backups that the gateway makes by itself, and of what it does with them when a shared store was emptied."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.settings.table import Table
from gateway.settings.values import Duration, FromFolder

OFTEN = timedelta(minutes=1)

Complaint = tuple[tuple[str, ...], str]


class Backup(Table):
    """Proven copies of the store that the gateway makes by itself; none while no folder is named. See docs/moving.md."""

    folder: FromFolder | None = Field(
        default=None,
        description="A folder of its own, best shared by all gateways of a store and on none of its servers; never beside `keys`.",
    )
    every: Duration = Field(default=timedelta(days=1), description="How old the newest backup may become.")
    keep: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        default=7, description="So many backups stay in the folder; older ones are removed when a new one is proven."
    )
    restore_when_emptied: Annotated[bool, Field(strict=True)] = Field(
        default=True,
        description="Whether the gateways put the newest backup back by themselves when a shared store was emptied (FLUSHALL):"
        " what opposed since comes from their own disks, consents since are gone.",
    )


def complaints(backup: Backup, data_dir: Path) -> Iterator[Complaint]:
    """What one key alone cannot know."""
    if backup.every < OFTEN:
        yield ("backup", "every"), "must be 1m at least."
    if backup.folder is None:
        return
    if backup.folder.exists() and not backup.folder.is_dir():
        yield ("backup", "folder"), f"{backup.folder} is not a folder."
    if backup.folder.resolve() in (data_dir.resolve(), (data_dir / "keys").resolve()):
        yield ("backup", "folder"), "must be a folder of its own: backups and keys together tell who is in them."
