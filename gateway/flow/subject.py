"""Whom an act of administration is about: a person, everybody at a domain, or the holder of a hash from another list.

Only here does a typed address become a key; the address goes no further than the caller needs it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.core.address import Address, AddressFault, Identity, parse_typed
from gateway.core.model import PersonKey

Algorithm = Literal["md5", "sha256"]
_HEX = re.compile(r"[0-9A-Fa-f]+")
_LENGTHS: dict[int, Algorithm] = {32: "md5", 64: "sha256"}


class Kind(StrEnum):
    """What a key was made of."""

    ADDRESS = "address"
    DOMAIN = "domain"
    HASH = "hash"


@dataclass(frozen=True, slots=True)
class Subject:
    """A key and what it was made of; `address` only where an address was given."""

    key: PersonKey
    kind: Kind
    address: Address | None = None


def of_address(identity: Identity, text: str) -> Subject | AddressFault:
    """The person behind a typed address."""
    address = parse_typed(text)
    if isinstance(address, AddressFault):
        return address
    return Subject(identity.person(address), Kind.ADDRESS, address)


def of_domain(identity: Identity, text: str) -> Subject | AddressFault:
    """Everybody at a domain (R-FR-66), written with or without a leading `@`."""
    probe = parse_typed(f"postmaster@{text.strip().removeprefix('@')}")
    return probe if isinstance(probe, AddressFault) else Subject(identity.domain(probe.domain), Kind.DOMAIN)


def of_hash(identity: Identity, text: str, algorithm: Algorithm | None = None) -> Subject | None:
    """The holder of another list's hash; the algorithm follows from the length where it is not given. None when it is no hash."""
    digest = text.strip()
    found = _LENGTHS.get(len(digest)) if _HEX.fullmatch(digest) else None
    if found is None or algorithm not in (None, found):
        return None
    return Subject(identity.foreign(found, digest), Kind.HASH)


def detect(identity: Identity, text: str, algorithm: Algorithm | None = None) -> Subject | AddressFault:
    """An address, a hash, or `@domain`, as a cell of a list may hold any of them."""
    if by_hash := of_hash(identity, text, algorithm):
        return by_hash
    return of_domain(identity, text) if text.strip().startswith("@") else of_address(identity, text)
