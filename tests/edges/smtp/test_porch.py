"""Behind a balancer: its client counts, nobody else's claim does, and nothing is said before a whole PROXY header."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest
import trustme

from gateway.core.proxy_header import SIGNATURE
from gateway.core.reply import AUTH_TOO_MANY, TOO_BUSY
from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.listener import server_context
from gateway.edges.smtp.terms import Kind
from tests.support.smtp import PLAIN, Client, Door, door, until

BALANCER = (ip_network("127.0.0.1/32"),)
ELSEWHERE = (ip_network("192.0.2.0/24"), ip_network("127.0.0.9/32"))
AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost")
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
WRONG = "AUTH PLAIN AGNybQB3cm9uZw=="


def text(client: str) -> bytes:
    return f"PROXY TCP4 {client} 198.51.100.1 40000 465\r\n".encode()


def binary(client: str) -> bytes:
    block = IPv4Address(client).packed + IPv4Address("198.51.100.1").packed + b"\x9c\x40\x01\xd1\x04\x00\x02\0\0"
    return SIGNATURE + b"\x21\x11" + len(block).to_bytes(2, "big") + block


def is_(answer: str, code: bytes) -> bool:
    return answer.encode() + b"\r\n" == code


@pytest.fixture
def server(tmp_path: Path) -> ssl.SSLContext:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    CERTIFICATE.private_key_pem.write_to_path(key)
    certificate.write_bytes(b"".join(blob.bytes() for blob in CERTIFICATE.cert_chain_pems))
    return server_context(certificate, key)


@pytest.fixture
def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def relayed(house: Door, header: bytes) -> Client:
    """A client whose connection a balancer passed on, saying this."""
    client = await house.client()
    client.send(header)
    return client


async def silence(client: Client) -> bytes:
    """All that is heard until the server hangs up."""
    async with asyncio.timeout(10):
        try:
            return await client.reader.read()
        except ConnectionError:
            return b""


def noted(house: Door) -> list[str | int | float | bool]:
    return [facts["why"] for what, facts in house.log.said if what == "smtp-proxy-header"]


@pytest.mark.parametrize("header", [text("192.0.2.7"), binary("192.0.2.7"), b"PROXY UNKNOWN\r\n", LOCAL], ids=repr)
async def test_mail_passes_behind_a_header_however_it_arrives(header: bytes) -> None:
    async with door(kind=Kind.INBOUND, proxy_from=BALANCER) as house:
        for cut in (len(header), 1, 13):
            client = await house.client()
            for start in range(0, len(header), cut):
                client.send(header[start : start + cut])
                await client.writer.drain()
                await asyncio.sleep(0)
            assert (await client.reply()).startswith("220")
            await client.ask("EHLO client.example")
            await client.envelope()
            assert (await client.ask(b"Subject: x\r\n\r\n.\r\n")).startswith("250")
            assert (await client.ask("QUIT")).startswith("221")
        assert len(house.desk.sent) == 3
        assert house.log.said == []


@pytest.mark.parametrize("made", [text, binary])
async def test_connections_are_counted_by_the_client_not_by_the_balancer(made: Callable[[str], bytes]) -> None:
    async with door(proxy_from=BALANCER, limits=Limits(connections_per_address=2)) as house:
        held = [await relayed(house, made("192.0.2.7")) for _ in range(2)]
        for client in held:
            assert (await client.reply()).startswith("220")
        third = await relayed(house, made("192.0.2.7"))
        assert is_((await third.rest())[0], TOO_BUSY.line())
        mapped = await relayed(house, b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 1\r\n")
        assert is_((await mapped.rest())[0], TOO_BUSY.line())
        others = [await relayed(house, made(f"192.0.2.{n}")) for n in range(10, 20)]
        for client in others:
            assert (await client.reply()).startswith("220")
        held[0].close()
        await until(lambda: house.listener.sessions == 11)
        again = await relayed(house, made("192.0.2.7"))
        assert (await again.reply()).startswith("220")
        for client in (held[1], again, *others):
            client.close()


async def secured(house: Door, header: bytes, trusting: ssl.SSLContext) -> Client:
    client = await relayed(house, header)
    await client.reply()
    await client.ask("EHLO client.example")
    await client.ask("STARTTLS")
    await client.writer.start_tls(trusting, server_hostname="localhost")
    await client.ask("EHLO client.example")
    return client


async def test_guessing_from_one_client_turns_away_that_client_alone(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with door(tls=server, proxy_from=BALANCER, limits=Limits(auth_failures_per_minute=2)) as house:
        guesser = await secured(house, text("192.0.2.7"), trusting)
        for _ in range(2):
            assert (await guesser.ask(WRONG)).startswith("535")
        assert is_(await guesser.ask(f"AUTH PLAIN {PLAIN}"), AUTH_TOO_MANY.line())
        owner = await secured(house, binary("192.0.2.8"), trusting)
        assert (await owner.ask(f"AUTH PLAIN {PLAIN}")).startswith("235")
        owner.close()


@pytest.mark.parametrize(
    "header", [text("192.0.2.7"), text("127.0.0.1"), binary("127.0.0.1"), b"PROXY UNKNOWN\r\n", LOCAL], ids=repr
)
async def test_nobody_logs_in_in_clear_through_a_balancer(header: bytes, server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with door(tls=server, proxy_from=BALANCER, clear_auth=True) as house:
        client = await relayed(house, header)
        await client.reply()
        assert "AUTH" not in await client.ask("EHLO client.example")
        assert (await client.ask(f"AUTH PLAIN {PLAIN}")).startswith("530 5.7.0 [TLS-REQUIRED]")
        assert (await client.ask("MAIL FROM:<tool@acme.example>")).startswith("530 5.7.0 [TLS-REQUIRED]")
        assert house.desk.guesses == []
        client.close()
        client = await secured(house, header, trusting)
        assert (await client.ask(f"AUTH PLAIN {PLAIN}")).startswith("235")
        client.close()


async def test_direct_clients_of_a_loopback_listener_keep_what_they_had() -> None:
    async with door(proxy_from=ELSEWHERE, clear_auth=True) as house:
        client = await house.logged_in()
        client.close()


@pytest.mark.parametrize("header", [text("192.0.2.7"), binary("192.0.2.7"), LOCAL], ids=repr)
async def test_a_header_from_a_peer_that_is_not_listed_is_what_it_was_without_a_list(header: bytes) -> None:
    heard = []
    for proxy_from in ((), ELSEWHERE):
        async with door(proxy_from=proxy_from, limits=Limits(connections_per_address=1)) as house:
            client = await house.ready("")
            client.send(header + b"\r\nEHLO evil.example\r\n")
            heard.append([await client.reply()])
            early = await relayed(house, header)
            assert is_((await early.rest())[0], TOO_BUSY.line())  # counted as who it is, not as who it says it is
            client.send(b"QUIT\r\n")
            heard[-1] += await client.rest()
    assert heard[0] == heard[1]
    assert heard[0][0].startswith("500")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"EHLO client.example\r\n", "foreign"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "foreign"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n", "line"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 1\n", "line"),
        (b"PROXY UNKNOWN " + b"x" * 200, "too-long"),
        (SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 100, "too-long"),
        (SIGNATURE + b"\x11\x11\x00\x0c" + b"x" * 12, "version"),
        (SIGNATURE + b"\x21\x11\x00\x04" + b"x" * 12, "too-short"),
    ],
)
async def test_what_is_no_header_is_hung_up_on_without_a_word(octets: bytes, why: str) -> None:
    async with door(kind=Kind.INBOUND, proxy_from=BALANCER) as house:
        client = await relayed(house, octets)
        assert await silence(client) == b""
        assert noted(house) == [why]
        assert "192.0.2" not in repr(house.log.said)
        assert "127.0.0.1" not in repr(house.log.said)
        assert house.listener.sessions == 0


@pytest.mark.parametrize("begun", [b"", b"PROXY TCP4 192.0.2.7", SIGNATURE + b"\x21\x11\x00\x0c1234"])
async def test_a_header_that_does_not_come_is_waited_for_seconds_only(begun: bytes) -> None:
    async with door(kind=Kind.INBOUND, proxy_from=BALANCER, limits=Limits(proxy_header=0.2)) as house:
        start = asyncio.get_running_loop().time()
        assert await silence(await relayed(house, begun)) == b""
        assert 0.15 < asyncio.get_running_loop().time() - start < 5
        assert noted(house) == ["missing"]


async def test_dripping_a_header_buys_no_time() -> None:
    async with door(kind=Kind.INBOUND, proxy_from=BALANCER, limits=Limits(proxy_header=0.3)) as house:
        client = await house.client()
        for octet in b"PROXY UNKNOWN " + b"x" * 80:
            client.send(bytes([octet]))
            await asyncio.sleep(0.01)
            if noted(house):
                break
        assert noted(house) == ["missing"]


async def test_what_follows_the_header_at_once_is_talking_too_early() -> None:
    async with door(kind=Kind.INBOUND, proxy_from=BALANCER) as house:
        client = await relayed(house, text("192.0.2.7") + b"EHLO client.example\r\nMAIL FROM:<a@b.example>\r\n")
        assert (await client.rest())[0].startswith("5")
        assert house.desk.letters == []


async def test_looking_whether_the_port_is_open_is_no_error() -> None:
    async with door(kind=Kind.INBOUND, proxy_from=BALANCER) as house:
        for hurry in (False, True):
            for header in (b"", LOCAL, text("127.0.0.1")):
                client = await relayed(house, header)
                await client.writer.drain()
                if hurry:  # a check that resets, as HAProxy's do
                    plug = client.writer.get_extra_info("socket")
                    plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                client.close()
        client = await relayed(house, LOCAL)
        assert (await client.reply()).startswith("220")
        assert (await client.ask("QUIT")).startswith("221")
        await until(lambda: house.listener.sessions == 0)
        assert house.log.said == []
        client = await relayed(house, b"PROXY TCP4 192.")
        await client.writer.drain()
        client.close()
        await until(lambda: noted(house))
        assert noted(house) == ["cut"]


async def test_those_who_wait_are_bounded_and_sent_away_at_the_end() -> None:
    async with door(kind=Kind.INBOUND, proxy_from=BALANCER, limits=Limits(connections=2)) as house:
        waiting = [await relayed(house, b"PROXY ") for _ in range(2)]
        await until(lambda: len(house.listener._lodge.waiting) == 2)  # type: ignore[union-attr]
        assert await silence(await house.client()) == b""
        assert noted(house) == ["full"]
        await house.listener.close(0.2)
        for client in waiting:
            assert await silence(client) == b""


# TLS from the first octet, after a header in clear


class Plug:
    """TLS by hand over a socket, so that the first octets of it can share a segment with what comes before."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        self._port = port

    async def open(self, header: bytes, cut: int = 0) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                hello, header = header + self._outgoing.read(), b""
                for start in range(0, len(hello), cut or len(hello)):
                    self._writer.write(hello[start : start + (cut or len(hello))])
                    await asyncio.sleep(0)
                await self._fill()
            else:
                self._writer.write(self._outgoing.read())
                return

    async def _fill(self) -> None:
        async with asyncio.timeout(10):
            octets = await self._reader.read(65536)
        if not octets:
            raise ConnectionResetError
        self._incoming.write(octets)

    async def reply(self) -> str:
        heard = ""
        while not heard.endswith("\r\n") or heard.splitlines()[-1][3:4] == "-":
            try:
                heard += self._tls.read(65536).decode()
            except ssl.SSLWantReadError:
                await self._fill()
        return heard

    async def ask(self, command: bytes) -> str:
        self._tls.write(command)
        self._writer.write(self._outgoing.read())
        return await self.reply()

    def close(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def submissions(server: ssl.SSLContext, limits: Limits | None = None, listed: bool = True) -> AsyncIterator[Door]:
    proxy_from = BALANCER if listed else ELSEWHERE
    async with door(tls=server, kind=Kind.SUBMISSIONS, clear_auth=False, proxy_from=proxy_from, limits=limits) as house:
        yield house


@pytest.mark.parametrize("header", [text("192.0.2.7"), binary("192.0.2.7"), LOCAL], ids=repr)
@pytest.mark.parametrize("cut", [0, 1, 50])
async def test_tls_begins_right_behind_the_header(
    header: bytes, cut: int, server: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async with submissions(server) as house:
        plug = Plug(house.port, trusting)
        await plug.open(header, cut)
        assert (await plug.reply()).startswith("220")
        hello = await plug.ask(b"EHLO client.example\r\n")
        assert "AUTH PLAIN LOGIN" in hello
        assert "STARTTLS" not in hello
        assert (await plug.ask(f"AUTH PLAIN {PLAIN}\r\n".encode())).startswith("235")
        for command in (b"MAIL FROM:<tool@acme.example>\r\n", b"RCPT TO:<ann@customer.example>\r\n"):
            assert (await plug.ask(command)).startswith("250")
        assert (await plug.ask(b"DATA\r\n")).startswith("354")
        big = b"".join(b"%070d\r\n" % n for n in range(5_000))
        assert (await plug.ask(big + b".\r\n")).startswith("250")
        assert house.desk.sent[0].data == big
        assert house.desk.sent[0].peer.protocol == "ESMTPSA"
        assert house.desk.sent[0].peer.tls.startswith("TLSv1.3 ")
        assert (await plug.ask(b"QUIT\r\n")).startswith("221")
        plug.close()
        assert house.log.said == []


async def test_clients_are_counted_under_implicit_tls_too(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with submissions(server, Limits(connections_per_address=1)) as house:
        plugs = [Plug(house.port, trusting) for _ in range(3)]
        answers = []
        for plug, client in zip(plugs, ("192.0.2.7", "192.0.2.7", "192.0.2.8"), strict=True):
            await plug.open(binary(client))
            answers.append((await plug.reply())[:3])
        assert answers == ["220", "421", "220"]
        for plug in plugs:
            plug.close()


async def test_a_direct_client_speaks_tls_at_once_beside_a_balancer(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with submissions(server, listed=False) as house:
        client = await house.client(trusting)
        assert (await client.reply()).startswith("220")
        await client.ask("EHLO client.example")
        assert (await client.ask(f"AUTH PLAIN {PLAIN}")).startswith("235")
        client.close()
        liar = Plug(house.port, trusting)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await liar.open(text("192.0.2.7"))
        assert noted(house) == []


async def test_a_direct_client_is_never_too_early(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    def spoken(port: int) -> bytes:
        """One that has its first octets on the way before the listener's loop has seen it at all."""
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plug,
            trusting.wrap_socket(plug, server_hostname="localhost") as tls,
        ):
            return tls.recv(100)

    async with submissions(server, listed=False) as house:
        for _ in range(20):
            assert (await asyncio.to_thread(spoken, house.port)).startswith(b"220 ")
        await until(lambda: house.listener.sessions == 0)
        assert house.log.said == []


async def test_direct_clients_that_begin_no_tls_are_bounded_and_sent_away_at_the_end(server: ssl.SSLContext) -> None:
    async with submissions(server, Limits(connections=2, tls_handshake=60), listed=False) as house:
        held = [await house.client() for _ in range(2)]
        assert await silence(await house.client()) == b""
        await house.listener.close(0.2)
        for client in held:
            assert await silence(client) == b""
        assert house.log.said == []


@pytest.mark.parametrize("garbage", [b"EHLO client.example\r\n", text("192.0.2.9"), b"\x16\x03\x01\xff\xff" + b"x" * 50, b""])
async def test_no_word_in_clear_where_tls_is_due(garbage: bytes, server: ssl.SSLContext) -> None:
    async with submissions(server, Limits(tls_handshake=0.3, linger=0.1)) as house:
        client = await relayed(house, text("192.0.2.7") + garbage)
        assert b"220" not in await silence(client)
        await until(lambda: house.listener.sessions == 0)
        assert house.desk.letters == []


async def test_a_client_that_leaves_during_the_handshake_leaves_nothing_behind(server: ssl.SSLContext) -> None:
    async with submissions(server) as house:
        for rest in (b"", b"\x16\x03\x01"):
            client = await relayed(house, LOCAL + rest)
            await client.writer.drain()
            await until(lambda: house.listener.sessions == 1)
            client.close()
            await until(lambda: house.listener.sessions == 0)
        assert house.log.said == []
