"""Whether a server keeps what it says it has: looked at before the store is used, each minute, and after every change of server.

Each fault is a sentence and the line that puts it right. What cannot be proved counts as a fault (design 5, reliability 1.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from redis.exceptions import NoPermissionError, ResponseError

from gateway.edges.store.redis.client import Access, Blocking, owner
from gateway.edges.store.redis.location import Layout
from gateway.edges.store.redis.pack import MARKS
from gateway.edges.store.redis.standing import Fault

OLDEST = (6, 2)
"""The oldest server that will do."""
REPLICA_LAG = 10
"""Seconds within which a replica must have answered to count."""
_SHORT_ROWS = 512

_SETTINGS = (
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "maxmemory-policy",
    "hash-max-listpack-value",
    "hash-max-ziplist-value",
)

Told = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found; `advice` is what costs memory, not mail."""

    faults: tuple[Fault, ...]
    advice: tuple[Fault, ...] = ()


def look(client: Blocking, access: Access, replicas: int) -> Finding:
    """Ask the server that takes our commits; raises one of the client's failures where it does not answer."""
    told: dict[str, str] = {}
    for section in ("server", "persistence", "replication"):
        told |= _info(ask(client, "INFO", section))
    state = [*_state(told), *_copied(told, replicas, may_lead=access.location.layout is not Layout.SINGLE)]
    try:
        given = _settings(client)
    except (NoPermissionError, ResponseError) as error:
        return Finding((*state, _forbidden(error, access)))
    return Finding((*state, *_configured(given)), tuple(_advice(given)))


def ask(client: Blocking, *words: str) -> object:
    """What the server answers that owns our keys, which in a Cluster is one of many."""
    answer: object = owner(client, MARKS).execute_command(*words)
    return answer


def _settings(client: Blocking) -> Told:
    found: dict[str, str] = {}
    for name in _SETTINGS:
        found |= _pairs(ask(client, "CONFIG GET", name))
    return found


def _state(told: Told) -> Iterator[Fault]:
    """What the server is, and how it fares."""
    if _version(told) < OLDEST:
        yield Fault(f"its version {told.get('redis_version')} is too old", "install 6.2 or later")
    if told.get("role") != "master":
        yield Fault("it is a replica and takes no writes", "name the primary, or its Sentinels: redis+sentinel://HOST,.../SERVICE")
    if told.get("aof_enabled") != "1" and told.get("loading") != "1":
        yield Fault("it keeps no log", "appendonly yes")
    if told.get("aof_last_write_status", "ok") != "ok":
        yield Fault("its last write to its log failed", "make room on its disk, or see its own log")
    if told.get("loading", "0") != "0":
        yield Fault("it is still loading its data", "wait")


def _copied(told: Told, replicas: int, *, may_lead: bool) -> Iterator[Fault]:
    """Who else has its data. Where a replica can be made primary, each must have each commit.

    Else a primary that was voted out would go on with those on its side, and never learn who opposed on the other.
    """
    if (there := _replicas(told)) < replicas:
        yield Fault(
            f"{there} of the {replicas} declared replicas are in touch with it", "bring them back, or lower [redis] replicas"
        )
    if may_lead and 0 < replicas < (connected := int(told.get("connected_slaves", "0"))):
        yield Fault(
            f"{connected} replicas may become primary, and {replicas} must have each commit", f"[redis] replicas = {connected}"
        )


def _configured(given: Told) -> Iterator[Fault]:
    """How it is set up. That WAITAOF answers is no proof: decision 0032."""
    if given.get("appendonly") != "yes":
        yield Fault("what it acknowledges is not on its disk", "appendonly yes")
    if given.get("appendfsync") != "always":
        yield Fault("its log is not forced to disk with each commit", "appendfsync always")
    if given.get("no-appendfsync-on-rewrite") != "no":
        yield Fault("its log is not forced to disk while it is being rewritten", "no-appendfsync-on-rewrite no")
    if given.get("maxmemory-policy") != "noeviction":
        yield Fault("it drops data when its memory is full", "maxmemory-policy noeviction")


def _advice(given: Told) -> Iterator[Fault]:
    for name in ("hash-max-listpack-value", "hash-max-ziplist-value"):
        if int(given.get(name) or _SHORT_ROWS) < _SHORT_ROWS:
            yield Fault("people's rows take several times the memory", f"{name} {_SHORT_ROWS}")
            return


def _forbidden(error: ResponseError, access: Access) -> Fault:
    """A managed server may hide its settings altogether; then nothing can be proved."""
    user = access.username or "default"
    if isinstance(error, NoPermissionError):
        return Fault(f'its settings may not be read by the user "{user}"', f"user {user} +config|get")
    return Fault("its settings cannot be read, so nothing proves that it keeps what it acknowledges", "allow CONFIG GET")


def _replicas(told: Told) -> int:
    """Replicas that are connected and answered lately."""
    lines = [told[f"slave{number}"] for number in range(int(told.get("connected_slaves", "0"))) if f"slave{number}" in told]
    parts = [dict(part.partition("=")[::2] for part in line.split(",")) for line in lines]
    return sum(one.get("state") == "online" and int(one.get("lag", REPLICA_LAG + 1)) <= REPLICA_LAG for one in parts)


def _version(told: Told) -> tuple[int, ...]:
    """Valkey also says a version of Redis that it stands in for."""
    parts = told.get("redis_version", "0").split(".")
    return tuple(int(part) for part in parts[:2] if part.isdigit())


def _info(said: object) -> dict[str, str]:
    """The library parses INFO into a dict of its own, where it knows the command by one word."""
    if isinstance(said, dict):
        return {str(name): _flat(value) for name, value in said.items()}
    assert isinstance(said, bytes)  # noqa: S101 - INFO answers text
    pairs = (line.partition(":") for line in said.decode(errors="replace").splitlines() if ":" in line)
    return {name: value for name, _, value in pairs}


def _flat(value: object) -> str:
    return ",".join(f"{name}={part}" for name, part in value.items()) if isinstance(value, dict) else str(value)


def _pairs(said: object) -> dict[str, str]:
    if isinstance(said, dict):
        return {_text(name): _text(value) for name, value in said.items()}
    assert isinstance(said, list)  # noqa: S101 - CONFIG GET answers names and values in turn
    return {_text(name): _text(value) for name, value in zip(said[::2], said[1::2], strict=True)}


def _text(one: object) -> str:
    return one.decode(errors="replace") if isinstance(one, bytes) else str(one)
