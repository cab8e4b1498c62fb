"""A name server on loopback that answers from a table, or misbehaves by plan; real datagrams, real TCP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset


@dataclass
class Zone:
    """`records` maps (name, type) to texts; `plans` a name to `servfail`, `silent`, `garbage`, `truncated` or `wrong-id`."""

    records: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    ttl: int = 300
    asked: list[tuple[str, str]] = field(default_factory=list)
    over_tcp: int = 0
    address: tuple[str, int] = ("127.0.0.1", 0)

    def put(self, name: str, kind: str, *texts: str) -> None:
        """Publish records; a TXT is given as its text."""
        self.records[name, kind] = tuple(_quoted(text) if kind == "TXT" else text for text in texts)

    def answer(self, packet: bytes, tcp: bool) -> bytes | None:
        """The response to one query; None for silence."""
        query = dns.message.from_wire(packet)
        (asked,) = query.question
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        self.over_tcp += tcp
        plan = self.plans.get(name, "")
        if plan == "silent":
            return None
        if plan == "garbage":
            return b"\xff" * 40
        response = dns.message.make_response(query)
        if plan == "servfail":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif plan == "truncated" and not tcp:
            response.flags |= dns.flags.TC
        elif (name, kind) in self.records:
            response.answer.append(dns.rrset.from_text(asked.name, self.ttl, "IN", kind, *self.records[name, kind]))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        if plan == "wrong-id":
            response.id ^= 1
        return response.to_wire()


def _quoted(text: str) -> str:
    """A TXT record in strings of 255 octets at most."""
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, max(len(text), 1), 255))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio."""
        answer = self._zone.answer(data, tcp=False)
        if answer is not None:
            self._transport.sendto(answer, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def name_server(zone: Zone) -> AsyncIterator[Zone]:
    """Serve a zone on one port of loopback, by UDP and TCP, while the block runs."""
    loop = asyncio.get_running_loop()

    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        answer = zone.answer(await reader.readexactly(size), tcp=True)
        if answer is not None:
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(over_tcp, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(zone), local_addr=("127.0.0.1", port))
    zone.address = ("127.0.0.1", port)
    try:
        yield zone
    finally:
        transport.close()
        server.close()
        await server.wait_closed()


@contextmanager
def served(zone: Zone) -> Iterator[tuple[str, int]]:
    """The same for a test that runs no loop of its own: the server lives in a thread."""
    loop = asyncio.new_event_loop()
    serving = name_server(zone)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(10)
        yield zone.address
        asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
