"""Asks name servers, over dnspython; answers are kept as long as they say, within bounds. Implements `preflight.Resolver`.

With the system's own servers, names that are reserved for examples and tests are never asked for (RFC 2606, RFC 6761).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from gateway.core.posture import Answer

PATIENCE = 5.0
SHORTEST, LONGEST, FAILURE = 60.0, 3600.0, 30.0
"""Seconds an answer is kept: at least, at most, and where there was none."""
MOST = 1000
_RESERVED = ("test", "example", "invalid", "localhost", "example.com", "example.net", "example.org")


class NameServers:
    """A stub resolver with a cache; `servers` are (address, port), none means the system's."""

    def __init__(
        self, servers: Sequence[tuple[str, int]] = (), patience: float = PATIENCE, clock: Callable[[], float] = monotonic
    ) -> None:
        self._own = bool(servers)
        self._servers = servers
        self._patience = patience
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def ask(self, name: str, kind: str) -> Answer:
        """See `preflight.Resolver`."""
        key = name.lower().rstrip("."), kind
        until, answer = self._known.get(key, (0.0, Answer()))
        if until > self._clock():
            return answer
        answer, seconds = await self._ask(*key)
        self._known[key] = self._clock() + seconds, answer
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return answer

    async def _ask(self, name: str, kind: str) -> tuple[Answer, float]:
        """An answer, and for how long it holds."""
        if not self._own and any(name == one or name.endswith(f".{one}") for one in _RESERVED):
            return Answer(failed="the name is reserved for examples"), LONGEST
        try:
            found = await self._made().resolve(name, kind, search=False, raise_on_no_answer=False, lifetime=self._patience)
        except dns.resolver.NXDOMAIN:
            return Answer(exists=False), SHORTEST
        except dns.resolver.NoNameservers:
            return Answer(failed="the name servers fail"), FAILURE
        except dns.exception.Timeout:
            return Answer(failed="the name servers do not answer"), FAILURE
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as fault:
            return Answer(failed=f"fault of the look-up ({type(fault).__name__})"), FAILURE
        records = tuple(_text(record) for record in found.rrset or ())
        ttl = float(found.rrset.ttl) if found.rrset else SHORTEST
        return Answer(records), min(max(ttl, SHORTEST), LONGEST)

    def _made(self) -> dns.asyncresolver.Resolver:
        """The library's resolver, made at the first question: without servers configured it reads the system's."""
        if self._resolver is None:
            self._resolver = dns.asyncresolver.Resolver(configure=not self._own)
            if self._own:
                self._resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in self._servers]
            self._resolver.timeout = min(2.0, self._patience)
        return self._resolver


def _text(record: object) -> str:
    match record:
        case TXT():
            return b"".join(record.strings).decode("utf-8", "replace")
        case MX():
            return f"{record.preference} {record.exchange.to_text()}"
        case _:
            return str(record)
