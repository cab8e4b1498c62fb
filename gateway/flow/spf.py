"""Whether a domain's SPF record lets an address send for it: yes, no, or nobody can tell (RFC 7208, as far as a sender needs it).

Macros and `ptr` are not followed: a record that hangs on them is answered "unknown".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from enum import StrEnum

from gateway.core.posture import Answer
from gateway.core.spf_record import Mechanism, SpfRecord, is_spf, read

Ask = Callable[[str, str], Awaitable[Answer]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LOOKUPS = 10
"""Mechanisms that may cost a look-up before a record is in error (RFC 7208 4.6.4)."""


class Permit(StrEnum):
    """What a record says of an address."""

    YES = "yes"
    NO = "no"
    MISSING = "missing"
    ERROR = "error"
    UNKNOWN = "unknown"


class Spf:
    """One evaluation: counts its look-ups over all records."""

    def __init__(self, ask: Ask, address: Address) -> None:
        self._ask = ask
        self._address = address
        self._left = LOOKUPS

    async def permits(self, domain: str) -> Permit:
        """What the domain's record says."""
        answer = await self._ask(domain, "TXT")
        if answer.failed:
            return Permit.UNKNOWN
        records = [record for record in answer.records if is_spf(record)]
        if len(records) != 1:
            return Permit.ERROR if records else Permit.MISSING
        record = read(records[0])
        return Permit.ERROR if record is None else await self._follow(domain, record)

    async def _follow(self, domain: str, record: SpfRecord) -> Permit:
        """The first mechanism that matches decides; then the redirect; then nobody has said anything (RFC 7208 4.7)."""
        for mechanism in record.mechanisms:
            matched = await self._matches(domain, mechanism)
            if matched is Permit.YES:
                return Permit.YES if mechanism.qualifier == "+" else Permit.NO
            if matched in (Permit.UNKNOWN, Permit.ERROR):
                return matched
        if record.redirect:
            if not self._may_look(record.redirect):
                return Permit.ERROR if self._left < 0 else Permit.UNKNOWN
            found = await self.permits(record.redirect)
            return Permit.ERROR if found is Permit.MISSING else found
        return Permit.NO

    async def _matches(self, domain: str, mechanism: Mechanism) -> Permit:
        match mechanism.name:
            case "all":
                return Permit.YES
            case "ip4" | "ip6":
                return _yes(mechanism.network is not None and self._address in mechanism.network)
        asked = mechanism.domain or domain
        if not self._may_look(asked) or mechanism.name in ("ptr", "exists"):
            return Permit.ERROR if self._left < 0 else Permit.UNKNOWN
        match mechanism.name:
            case "include":
                found = await self.permits(asked)
                return Permit.ERROR if found is Permit.MISSING else found
            case "mx":
                return await self._mail_servers(asked, mechanism)
            case _:
                return await self._named(asked, mechanism)

    async def _mail_servers(self, domain: str, mechanism: Mechanism) -> Permit:
        answer = await self._ask(domain, "MX")
        if answer.failed:
            return Permit.UNKNOWN
        found = Permit.NO
        for record in answer.records[:LOOKUPS]:
            found = await self._named(record.split()[-1].rstrip("."), mechanism)
            if found is not Permit.NO:
                break
        return found

    async def _named(self, host: str, mechanism: Mechanism) -> Permit:
        four = self._address.version == 4
        answer = await self._ask(host, "A" if four else "AAAA")
        if answer.failed:
            return Permit.UNKNOWN
        length = mechanism.prefix4 if four else mechanism.prefix6
        return _yes(any(self._address in ipaddress.ip_network(f"{record}/{length}", strict=False) for record in answer.records))

    def _may_look(self, domain: str) -> bool:
        """Count a look-up; False where it is one too many, or where the name holds a macro."""
        self._left -= 1
        return self._left >= 0 and "%" not in domain


def _yes(true: bool) -> Permit:
    return Permit.YES if true else Permit.NO
