"""Where archived bytes lie: named objects that are written once and read in parts. A folder and a bucket implement it.

Each method raises `Unavailable` where the place cannot be reached and `Damaged` where an object is not there as it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Span = tuple[int, int]
"""First octet, and the one behind the last."""

MOST = 1 << 31
"""Octets of an object at most: what claims to be larger is none of ours."""


class Taken(Exception):
    """There is an object of that name already."""


class Shelf(Protocol):
    """One place for an archive's objects; names are relative paths of plain words."""

    async def put(self, name: str, content: bytes) -> None:
        """Write a new object, durably and all at once; raises `Taken` where there is one of that name, which stays as it is."""

    async def get(self, name: str) -> bytes:
        """A whole object."""

    async def parts(self, name: str, spans: Sequence[Span]) -> Sequence[bytes]:
        """Parts of an object, in the order asked for, each of exactly the length asked for."""

    async def names(self, prefix: str) -> Sequence[str]:
        """The names below `prefix/`, in order."""

    async def remove(self, name: str) -> None:
        """Forget an object that nothing names any more; one that is not there, or may not be removed, is left."""
