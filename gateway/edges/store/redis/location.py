"""Where the store is, as one URL says it: one server, a primary that Sentinels name, or a Cluster.

Knows no secret: a URL with a password is refused, because it would stand in the configuration and in process lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

PORT = 6379
SENTINEL_PORT = 26379
_FORM = "redis://HOST[:PORT][/DB], redis+sentinel://HOST[:PORT],.../SERVICE[/DB] or redis+cluster://HOST[:PORT],...; rediss for TLS"


class Layout(StrEnum):
    """How many servers there are, and how the one that takes writes is found."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Location:
    """A parsed store URL; `hosts` are the server, the Sentinels, or some nodes of the Cluster."""

    layout: Layout
    hosts: tuple[tuple[str, int], ...]
    tls: bool = False
    service: str = ""
    database: int = 0


@dataclass(frozen=True, slots=True)
class NoLocation:
    """Why a text is no store URL, in a sentence."""

    why: str


def read_location(text: str) -> Location | NoLocation:
    """The place a store URL names."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return NoLocation(f"is no store URL: {_FORM}.")
    scheme, _, kind = parts.scheme.partition("+")
    if scheme not in ("redis", "rediss") or kind not in ("", "sentinel", "cluster") or parts.query or parts.fragment:
        return NoLocation(f"is no store URL: {_FORM}.")
    if "@" in parts.netloc:
        return NoLocation("must not hold a name or a password: [redis] username, and GATEWAY_REDIS_PASSWORD or password_file.")
    layout = Layout(kind or "single")
    hosts = [_host(one, SENTINEL_PORT if layout is Layout.SENTINEL else PORT) for one in parts.netloc.split(",")]
    known = tuple(one for one in hosts if one is not None)
    if len(known) != len(hosts) or (layout is Layout.SINGLE and len(hosts) != 1):
        return NoLocation(f"names no host that can be read: {_FORM}.")
    return _whole(layout, known, scheme == "rediss", [unquote(one) for one in parts.path.split("/")[1:] if one])


def _whole(layout: Layout, hosts: tuple[tuple[str, int], ...], tls: bool, path: list[str]) -> Location | NoLocation:
    service = ""
    if layout is Layout.SENTINEL:
        if not path:
            return NoLocation("names no service that the Sentinels watch: redis+sentinel://HOST,.../SERVICE.")
        service = path.pop(0)
    database = path.pop(0) if path else "0"
    if path or not (database.isascii() and database.isdigit() and len(database) < 4):
        return NoLocation(f"names no database number: {_FORM}.")
    if layout is Layout.CLUSTER and database != "0":
        return NoLocation("names a database, but a Cluster has only number 0.")
    return Location(layout, hosts, tls, service, int(database))


def _host(text: str, port: int) -> tuple[str, int] | None:
    """Host and port; an IPv6 address stands in brackets."""
    try:
        parts = urlsplit(f"//{text}")
        return (parts.hostname, parts.port or port) if parts.hostname else None
    except ValueError:
        return None
