"""How single settings are written: listen addresses, durations, names, links, paths.

Each type refuses with one plain sentence; nothing here knows which setting it is for.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationInfo

from gateway.core.duration import parse_duration
from gateway.core.proxy_header import Network


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a listener binds: `host:port`; port 0 lets the system choose."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address surely means this machine; other names are not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def no_folder(folder: Path) -> str:
    """Why this is no folder and cannot be made one; empty where it is, or may be made."""
    place = folder
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        return "" if place.is_dir() else f"{place} is not a folder."
    except PermissionError:
        return f"{place} cannot be looked at."


def is_address(host: str) -> bool:
    """Whether a host is given as an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


_LISTEN = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>\d{1,5})")


def _listen(value: object) -> Listen:
    if isinstance(value, Listen):
        return value
    found = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found["port"]) > 65535:
        raise ValueError('must be "host:port", for instance "127.0.0.1:2525" or "[::1]:2525"')
    return Listen(found["six"] or found["host"], int(found["port"]))


def _network(value: object) -> Network:
    """An address or a network whose peers may speak for others; a network of everybody would let anybody do so."""
    if isinstance(value, Network):
        return value
    try:
        network = ipaddress.ip_network(value) if isinstance(value, str) else None
    except ValueError:
        network = None
    if network is None:
        raise ValueError('must be an address or a network such as "192.0.2.10" or "192.0.2.0/28"')
    if network.prefixlen == 0:
        raise ValueError("must not be everybody: whoever is in it may claim any address")
    return network


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return timedelta(seconds=value)
    found = re.fullmatch(r"(\d{1,9})(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be seconds or a duration such as "90s", "5m", "24h" or "2d"')
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def write_duration(value: timedelta) -> str:
    """The duration as it would be written in the file."""
    seconds = value.total_seconds()
    if seconds != int(seconds):
        return f"{round(seconds * 1000)}ms"
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{int(seconds // _UNITS[unit])}{unit}"
    return f"{int(seconds)}s"


def fold_domain(value: str) -> str:
    """A domain in lower case and A-labels; ValueError says what is wrong."""
    try:
        folded = value.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        folded = ""
    if not re.fullmatch(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", folded):
        raise ValueError('must be a full domain name such as "news.example.com"')
    return folded


def _link(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in value):
        raise ValueError('must be a whole link beginning with "https://"')
    return value


def _line(value: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ValueError("must be one line without control characters")
    return value.strip()


def _sender(value: str) -> str:
    if not value:
        return value
    local, at, domain = value.rpartition("@")
    if not at or not re.fullmatch(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+)*", local):
        raise ValueError('must be a mail address such as "contact@example.com"')
    return f"{local}@{fold_domain(domain)}"


def _path(value: Path, info: ValidationInfo) -> Path:
    """Relative paths are relative to the folder of the configuration file, which the loader gives as context."""
    folder = (info.context or {}).get("folder")
    return folder / value.expanduser() if isinstance(folder, Path) else value.expanduser()


def _span(value: str) -> str:
    if parse_duration(value) is None:
        raise ValueError('must be a calendar duration such as "P1Y", "P6M" or "P30D"')
    return value


PeerNetwork = Annotated[Network, BeforeValidator(_network), PlainSerializer(str, return_type=str)]
ListenAt = Annotated[Listen, BeforeValidator(_listen), PlainSerializer(str, return_type=str)]
Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(write_duration, return_type=str)]
Domain = Annotated[str, AfterValidator(fold_domain)]
Link = Annotated[str, AfterValidator(_link)]
Line = Annotated[str, AfterValidator(_line)]
"""One line of text: it may end in a mail header or a footer, so control characters are refused."""
FromFolder = Annotated[Path, AfterValidator(_path), PlainSerializer(str, return_type=str)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""A table's name: a login may be `tool+stream`, so no `+`, no space, lower case."""
Wording = Annotated[Line, Field(max_length=2000)]
"""A text that people agree to."""
Sender = Annotated[str, AfterValidator(_sender)]
"""A plain mail address, as a From field can carry it unquoted."""
Count = Annotated[int, Field(strict=True, ge=1)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
CalendarSpan = Annotated[str, AfterValidator(_span)]
"""A calendar duration as policy packs write them; `gateway.core.duration` reads it."""
Country = Annotated[str, Field(pattern=r"^(?:[A-Z]{2})?$")]
"""An ISO 3166-1 alpha-2 code; empty where nobody declared one."""
