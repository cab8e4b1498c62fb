"""What became of our way out in a message that came through the provider: a provider that puts its own is found out.

The message went to an address of ours, so it comes back as recipients see it. Pure: who checks tokens comes in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

_BLANK = re.compile(rb"\r?\n\r?\n")
_FIELD = rb"(?im)^%b[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)"
_WAY = re.compile(_FIELD % b"List-Unsubscribe")
_ONE_CLICK = re.compile(_FIELD % b"List-Unsubscribe-Post")
_URI = re.compile(r"<\s*([^<>]{1,2000}?)\s*>")
_HEAD = 256 * 1024
_MOST = 20


class Seen(StrEnum):
    """How List-Unsubscribe and List-Unsubscribe-Post arrived (R-STD-31)."""

    INTACT = "intact"
    LOST = "lost"
    REPLACED = "replaced"
    JOINED = "joined"
    NO_ONE_CLICK = "no-one-click"


def seen(data: bytes, ours: Callable[[str], bool]) -> Seen:
    """What arrived; `ours` says whether an address in the field is one that we give out.

    Replaced: none of ours is left. Joined: others stand beside ours, so people may stop at the provider and not here.
    """
    end = _BLANK.search(data, 0, _HEAD)
    head = data[: end.start() + 1 if end else _HEAD]
    values = [_flat(value) for value in _WAY.findall(head)]
    uris = [uri for value in values for uri in _URI.findall(value)][:_MOST]
    if not uris:
        return Seen.LOST
    kept = [uri for uri in uris if ours(uri)]
    if not kept:
        return Seen.REPLACED
    if len(kept) != len(uris) or len(values) != 1:
        return Seen.JOINED
    asked = [_flat(value).strip().lower() for value in _ONE_CLICK.findall(head)]
    return Seen.INTACT if asked == ["list-unsubscribe=one-click"] else Seen.NO_ONE_CLICK


def _flat(value: bytes) -> str:
    return re.sub(r"\r?\n[ \t]+", "", value.decode("latin-1"))
