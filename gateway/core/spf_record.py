"""Reads an SPF record into its mechanisms (RFC 7208 4.6, 5, 6); looks nothing up and decides nothing."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TERM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::([^/\s]*))?((?:/\d{1,3})?(?://\d{1,3})?)", re.IGNORECASE)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(\S*)")


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism: `qualifier` is one of `+-~?`; `domain` is empty where the record's own is meant."""

    qualifier: str
    name: str
    domain: str = ""
    network: Network | None = None
    prefix4: int = 32
    prefix6: int = 128


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """The mechanisms in order, and the domain whose record counts where none matches."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str = ""


def read(record: str) -> SpfRecord | None:
    """The record; None where it is no sound one: then it permits nobody (RFC 7208 4.6)."""
    mechanisms: list[Mechanism] = []
    redirect = ""
    for term in record.split()[1:]:
        if modifier := _MODIFIER.fullmatch(term):
            redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
            continue
        mechanism = _mechanism(term)
        if mechanism is None:
            return None
        mechanisms.append(mechanism)
    return SpfRecord(tuple(mechanisms), redirect)


def is_spf(record: str) -> bool:
    """Whether a TXT record is an SPF record (RFC 7208 4.5)."""
    return record.lower().split(" ")[0] == "v=spf1"


def _mechanism(term: str) -> Mechanism | None:
    found = _TERM.fullmatch(term)
    if found is None:
        return None
    qualifier, name, argument, lengths = found[1] or "+", found[2].lower(), found[3] or "", found[4]
    if name in ("ip4", "ip6"):
        network = _network(argument + lengths, 4 if name == "ip4" else 6)
        return None if network is None else Mechanism(qualifier, name, network=network)
    if name in ("include", "exists") and not argument:
        return None
    four, _, six = lengths.partition("//")
    four = four.removeprefix("/")
    if int(four or 32) > 32 or int(six or 128) > 128:
        return None
    return Mechanism(qualifier, name, argument.rstrip(".").lower(), None, int(four or 32), int(six or 128))


def _network(text: str, version: int) -> Network | None:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return network if network.version == version else None
