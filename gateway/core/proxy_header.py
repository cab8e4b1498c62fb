"""The header of the PROXY protocol, text (version 1) and binary (version 2): who is behind a connection that a balancer passes on.

Source: HAProxy's proxy-protocol.txt, sections 2.1 and 2.2. Must not decide who may send one; that is the operator's list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

LINE_LIMIT = 107
"""Octets of the longest line of version 1, CRLF included (2.1)."""
HEADER_LIMIT = 4096
"""Octets of the longest header of version 2 taken. Its length field could say 64 kB; the addresses and every registered TLV at
its longest (a host name, a unique id, the names of a TLS session) need less than a third of this."""
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = 16
"""Octets of version 2 before the addresses."""
_WORD = b"PROXY "
_SHORTEST_LINE = len(b"PROXY UNKNOWN\r\n")
_SHORTEST = {b"TCP4": (7, 7, 1, 1), b"TCP6": (2, 2, 1, 1)}
"""Octets that source, destination and the two ports have at least."""
_PORT = re.compile(rb"0|[1-9][0-9]{0,4}")
_LOCAL, _PROXY = 0, 1
_UNSPEC, _INET, _INET6, _UNIX = range(4)
_STREAM, _DGRAM = 1, 2
_ADDRESSES = {_UNSPEC: 0, _INET: 12, _INET6: 36, _UNIX: 216}
"""Octets of the address block of each family."""


class HeaderFault(StrEnum):
    """Why a connection that must begin with a header is not served."""

    FOREIGN = "foreign"
    """It begins with something else."""
    TOO_LONG = "too-long"
    LINE = "line"
    """The fields of version 1 are not those of 2.1, or its line does not end with CRLF."""
    VERSION = "version"
    COMMAND = "command"
    FAMILY = "family"
    TOO_SHORT = "too-short"
    """Version 2 announces fewer octets than the addresses of its family have."""


@dataclass(frozen=True, slots=True)
class Introduced:
    """A whole header; `client` is the client's address, empty where the balancer speaks for itself or cannot name one."""

    client: str
    length: int


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A beginning of a header, which is `least` octets longer or more: so many may be read without reading beyond it."""

    least: int


Reading = Introduced | Incomplete | HeaderFault


def read_header(octets: bytes) -> Reading:
    """What the first octets of a connection say; once it is not Incomplete, octets that follow change nothing."""
    if octets[: len(SIGNATURE)] == SIGNATURE[: len(octets)] and octets:
        return _binary(octets)
    if octets[: len(_WORD)] == _WORD[: len(octets)]:
        return _text(octets)
    return HeaderFault.FOREIGN


def listed(address: str, networks: Iterable[Network]) -> bool:
    """Whether a peer's address lies in one of these networks; a mapped address counts as the IPv4 address it is."""
    try:
        peer = _unmapped(ip_address(address))
    except ValueError:
        return False
    return any(peer in network for network in networks)


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """One client, one spelling: limits count by it."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


# Version 1


def _text(octets: bytes) -> Reading:
    end = octets.find(b"\n", 0, LINE_LIMIT)
    if end < 0:
        return HeaderFault.TOO_LONG if len(octets) >= LINE_LIMIT else Incomplete(_least(octets))
    client = _client_of(octets[: end - 1].split(b" ")) if octets[end - 1 : end] == b"\r" else None
    return HeaderFault.LINE if client is None else Introduced(client, end + 1)


def _least(line: bytes) -> int:
    """How many octets a line begun like this lacks at least, its CRLF included."""
    fields = line.split(b" ")
    unbegun = _SHORTEST.get(fields[1], ())[len(fields) - 2 :] if len(fields) > 2 else ()
    rest = sum(1 + octets for octets in unbegun) + (1 if line.endswith(b"\r") else 2)
    return max(rest, _SHORTEST_LINE - len(line))


def _client_of(fields: list[bytes]) -> str | None:
    match fields:
        case [b"PROXY", b"UNKNOWN", *_]:
            return ""
        case [b"PROXY", b"TCP4" | b"TCP6" as family, *ends, source_port, port] if len(ends) == 2:
            source, destination = (_address(end, IPv4Address if family == b"TCP4" else IPv6Address) for end in ends)
            sound = destination is not None and all(_PORT.fullmatch(one) and int(one) <= 65535 for one in (source_port, port))
            return str(_unmapped(source)) if source is not None and sound else None
        case _:
            return None


def _address(text: bytes, kind: type[IPv4Address | IPv6Address]) -> IPv4Address | IPv6Address | None:
    try:
        return None if b"%" in text else kind(text.decode("ascii"))  # a scope would be an interface of another machine
    except ValueError:
        return None


# Version 2


def _binary(octets: bytes) -> Reading:
    if len(octets) < _FIXED:
        return Incomplete(_FIXED - len(octets))
    version, command = divmod(octets[12], 16)
    family, transport = divmod(octets[13], 16)
    size = int.from_bytes(octets[14:_FIXED], "big")
    if fault := _fault(version, command, family, transport, size):
        return fault
    if len(octets) < _FIXED + size:
        return Incomplete(_FIXED + size - len(octets))
    stated = command == _PROXY and transport == _STREAM
    return Introduced(_source(octets, family) if stated else "", _FIXED + size)


def _fault(version: int, command: int, family: int, transport: int, size: int) -> HeaderFault | None:
    if version != 2:
        return HeaderFault.VERSION
    if command not in (_LOCAL, _PROXY):
        return HeaderFault.COMMAND
    if _FIXED + size > HEADER_LIMIT:
        return HeaderFault.TOO_LONG
    if command == _LOCAL:
        return None  # its family is to be ignored (2.2)
    if family not in _ADDRESSES or transport > _DGRAM:
        return HeaderFault.FAMILY
    return HeaderFault.TOO_SHORT if transport and size < _ADDRESSES[family] else None


def _source(octets: bytes, family: int) -> str:
    if family == _INET:
        return str(IPv4Address(octets[_FIXED : _FIXED + 4]))
    if family == _INET6:
        return str(_unmapped(IPv6Address(octets[_FIXED : _FIXED + 16])))
    return ""  # none, or the path of a UNIX socket on the balancer
