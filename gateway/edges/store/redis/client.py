"""Makes the library's clients for a location, one that blocks and one for the event loop; says what their failures mean.

The library never repeats a command by itself: whether a commit happened is for the script's own check of the chain to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLCertVerificationError
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.cluster import ClusterNode as AsyncNode
from redis.asyncio.cluster import RedisCluster as AsyncCluster
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import AuthenticationError, NoPermissionError, RedisClusterException, RedisError, ResponseError
from redis.retry import Retry
from redis.sentinel import Sentinel

from gateway.edges.store.redis.location import Layout, Location

FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What a client may raise when its server fails."""

CONNECT_PATIENCE = 2.0
ANSWER_PATIENCE = 3.0
"""Seconds to a connection, and to the answer of a batch."""

Command = tuple[Any, ...]
Blocking = Any
Async = Any
"""A client of any layout; the library's own types differ by layout and offer the same commands."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to get in: the place, the ACL user's name and password, and whose certificates are believed."""

    location: Location
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None


def blocking_client(access: Access) -> Blocking:
    """A client for one thread; connects at its first command. For a Cluster it connects now, and may raise one of `FAILURES`."""
    place, options = access.location, _options(access)
    match place.layout:
        case Layout.SINGLE:
            host, port = place.hosts[0]
            return redis.Redis(host=host, port=port, db=place.database, retry=Retry(NoBackoff(), 0), **options)
        case Layout.SENTINEL:
            guards = Sentinel(place.hosts, sentinel_kwargs=_watching(access))
            return guards.master_for(place.service, db=place.database, retry=Retry(NoBackoff(), 0), **options)
        case Layout.CLUSTER:
            nodes = [ClusterNode(host, port) for host, port in place.hosts]
            return RedisCluster(startup_nodes=nodes, **options)


def owner(client: Blocking, key: str) -> Blocking:
    """The client of the one server that has the key now: what WAIT and INFO tell is that server's, and that connection's, own."""
    if isinstance(client, RedisCluster):
        return client.get_redis_connection(client.get_node_from_key(key))
    return client


def async_client(access: Access) -> Async:
    """A client for the event loop; connects at its first command. Who uses it bounds the whole exchange: no timer an answer."""
    place, options = access.location, _options(access)
    if place.layout is not Layout.CLUSTER:
        options["socket_timeout"] = None
    match place.layout:
        case Layout.SINGLE:
            host, port = place.hosts[0]
            return redis.asyncio.Redis(host=host, port=port, db=place.database, retry=AsyncRetry(NoBackoff(), 0), **options)
        case Layout.SENTINEL:
            guards = AsyncSentinel(list(place.hosts), sentinel_kwargs=_watching(access))
            return guards.master_for(place.service, db=place.database, retry=AsyncRetry(NoBackoff(), 0), **options)
        case Layout.CLUSTER:
            nodes = [AsyncNode(host, port) for host, port in place.hosts]
            return AsyncCluster(startup_nodes=nodes, **options)


def _options(access: Access) -> dict[str, Any]:
    options: dict[str, Any] = {
        "username": access.username or None,
        "password": access.password or None,
        "socket_timeout": ANSWER_PATIENCE,
        "socket_connect_timeout": CONNECT_PATIENCE,
        "socket_keepalive": True,
        "client_name": "gateway",
        "encoding_errors": "surrogatepass",  # as `pack` has it
        "protocol": 2,
    }
    return options | _tls(access)


def _watching(access: Access) -> dict[str, Any]:
    """Options towards the Sentinels, which have no accounts of ours."""
    return {"socket_timeout": CONNECT_PATIENCE, "socket_connect_timeout": CONNECT_PATIENCE} | _tls(access)


def _tls(access: Access) -> dict[str, Any]:
    if not access.location.tls:
        return {}
    return {"ssl": True, "ssl_ca_certs": str(access.ca_file) if access.ca_file else None, "ssl_cert_reqs": "required"}


def why(access: Access, error: BaseException) -> str:
    """What one of `FAILURES` means for whoever set this up, in a sentence without anything that a server said."""
    if isinstance(error, AuthenticationError) or str(error).startswith(("WRONGPASS", "NOAUTH")):
        return "the store refuses the password: GATEWAY_REDIS_PASSWORD or [redis] password_file, and [redis] username"
    if isinstance(error, NoPermissionError):
        user = access.username or "default"
        rights = "~{gw}* +@all -@dangerous +info +bgrewriteaof +config|get +client|setname +cluster|slots"  # the last two for 6.2
        return f'the store refuses the user "{user}" a command: ACL SETUSER {user} {rights}'
    if isinstance(error, ResponseError):
        return f"the store refuses: {str(error).partition(' ')[0]}"
    places = ", ".join(f"{host}:{port}" for host, port in access.location.hosts)
    if any(isinstance(one, SSLCertVerificationError) for one in _chain(error)):
        return f"the certificate of the store at {places} is not to be believed: [redis] ca_file, and the name in the URL"
    if access.location.layout is Layout.CLUSTER:
        return f"no Cluster answers at {places}"
    return f"the store at {places} does not answer"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
