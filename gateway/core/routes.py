"""Where answers to one person's mail go, and its failures, once addresses of ours stand in their place (R-STD-56).

What a message asked for is remembered, sealed, when its copy leaves; knows nothing of the store.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from gateway.core.header import unfold
from gateway.core.mime import Message
from gateway.core.reply_to import nobody_reads

MOST = 5
"""Addresses of one Reply-To that are remembered."""

_ADDRESS = re.compile(r"[^\s<>,;:\"()@]{1,64}@[^\s<>,;:\"()@]{1,255}")


@dataclass(frozen=True, slots=True)
class Routes:
    """What a tool's message said: who answers go to, the envelope sender, its envelope id; empty where it said nothing."""

    reply_to: tuple[str, ...] = ()
    return_path: str = ""
    envid: str = ""


def routes_of(message: Message, return_path: str = "", envid: str = "") -> Routes:
    """The routes of a message: answers go to Reply-To, else to From (RFC 5322 3.6.2); addresses that nobody reads are none."""
    field = next((field for field in message.fields if field.name == "reply-to"), None)
    written = message.from_address if field is None else unfold(message.raw, field).decode("utf-8", "replace")
    found = dict.fromkeys(one for one in _ADDRESS.findall(written) if not nobody_reads(one))
    return Routes(tuple(found)[:MOST], return_path, envid)


def write_routes(routes: Routes) -> bytes:
    """The routes as they are sealed; what is empty is left out."""
    return json.dumps({name: value for name, value in asdict(routes).items() if value}, separators=(",", ":")).encode()


def read_routes(written: bytes) -> Routes:
    """What was written; no routes for anything else."""
    try:
        told = json.loads(written)
        return Routes(tuple(map(str, told.get("reply_to", ()))), str(told.get("return_path", "")), str(told.get("envid", "")))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return Routes()
