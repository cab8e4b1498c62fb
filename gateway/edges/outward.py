"""The one client that asks other houses over https: partners, tools, providers. Never reaches into our own network (T17).

A name is resolved once and the connection goes to that very address, so no second answer of a name server counts. No redirect is
followed, no proxy of the environment used. Failures are told in closed words; a URL is quoted nowhere.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from gateway.flow.back_ports import Answer, Forbidden
from gateway.flow.ports import Unavailable

__all__ = ["Answer", "Forbidden", "Outward", "is_public"]

SECONDS = 5.0
MAX_BODY = 65536
MAX_URL = 4096
HTTPS = 443

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name."""

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?")
"""A host name; one that ends in a number is an address in disguise: `2130706433`, `0x7f.1`, `127.1`."""

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),  # the last one is a cloud's metadata service on a public address
        *("::/3", "4000::/2", "8000::/1"),  # all but global unicast: mapped and compatible v4, NAT64, local, multicast
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16"),  # tunnels that end at a v4 address, examples
    )
)


def is_public(address: IP) -> bool:
    """Whether an address is somewhere on the public internet."""
    same = (network for network in _NOT_PUBLIC if network.version == address.version)
    return address.is_global and not any(address in network for network in same)


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL taken apart; `local` is our own machine, allowed by the configuration."""

    secure: bool
    host: str
    port: int
    path: str
    local: bool

    @property
    def authority(self) -> str:
        """The Host field."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (HTTPS if self.secure else 80) else f"{host}:{self.port}"

    def at(self, address: str) -> str:
        """The same URL with an address for its host."""
        host = f"[{address}]" if ":" in address else address
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}{self.path}"


async def _system(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


@lru_cache(maxsize=4)
def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Read once: the system's authorities take some 20 ms, and each term of the keeper makes a client of its own."""
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)


class Outward:
    """Implements `back_ports.Outside`.

    `loopback` allows this machine by its own name or address, in clear and on any port: for tests and the demo only, where
    `public_url` itself is on loopback. `ports` are allowed besides 443. `ca_file` names an authority of one's own.
    """

    def __init__(
        self,
        *,
        loopback: bool = False,
        ports: Collection[int] = (),
        ca_file: Path | None = None,
        resolve: Resolve = _system,
        permitted: Callable[[IP], bool] = is_public,
        seconds: float = SECONDS,
    ) -> None:
        self._tls = _trusting(ca_file)
        self._loopback = loopback
        self._ports = frozenset({HTTPS, *ports})
        self._resolve = resolve
        self._permitted = permitted
        self._seconds = seconds

    async def get(self, url: str) -> Answer:
        """See `back_ports.Outside`."""
        return await self._ask("GET", url, b"", {})

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """See `back_ports.Outside`."""
        return await self._ask("POST", url, body, headers)

    async def _ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        target = self._target(url)
        try:
            async with asyncio.timeout(self._seconds):
                address = await self._address(target)
                return await self._exchange(method, target, address, body, headers)
        except TimeoutError:
            raise Unavailable("timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as failure:
            raise Unavailable(type(failure).__name__) from None  # the library's text quotes the URL

    def _target(self, url: str) -> _Target:
        """The URL taken apart, or Forbidden: strict, because what two parsers read differently is how filters are passed."""
        if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            raise Forbidden("url")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            raise Forbidden("url") from None
        if "@" in parts.netloc or not host:
            raise Forbidden("url")
        secure, local = parts.scheme == "https", self._loopback and host in _HERE
        if not secure and not (local and parts.scheme == "http"):
            raise Forbidden("scheme")
        port = port if port is not None else HTTPS if secure else 80
        if not local and port not in self._ports:
            raise Forbidden("port")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _Target(secure, host, port, path, local)

    async def _address(self, target: _Target) -> str:
        """The one address to connect to; Forbidden as soon as any of a name's addresses is one that must not be reached."""
        literal = _literal(target.host)
        if literal is None and not target.local and not _NAME.fullmatch(target.host):
            raise Forbidden("host")
        if target.local:
            return "127.0.0.1" if literal is None else str(literal)
        found = [literal] if literal else [_literal(one) for one in await self._resolve(target.host, target.port)]
        if not all(one is not None and self._permitted(one) for one in found):
            raise Forbidden("address")
        if not found:
            raise Unavailable("no address")
        return str(found[0])

    async def _exchange(self, method: str, target: _Target, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        own = {**headers, "Host": target.authority, "Accept-Encoding": "identity", "User-Agent": "compliance-gateway"}
        taken = bytearray()
        async with (
            httpx.AsyncClient(verify=self._tls, timeout=self._seconds, trust_env=False, follow_redirects=False) as client,
            client.stream(
                method, target.at(address), content=body, headers=own, extensions={"sni_hostname": target.host}
            ) as answer,
        ):
            async for chunk in answer.aiter_raw():
                taken += chunk
                if len(taken) >= MAX_BODY:
                    break
            return Answer(answer.status_code, bytes(taken[:MAX_BODY]))


def _literal(host: str) -> IP | None:
    """An address in its usual spelling; a v6 address with a zone is none."""
    try:
        return ipaddress.ip_address(host) if "%" not in host else None
    except ValueError:
        return None
