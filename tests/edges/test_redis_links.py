"""The links, balancers and networks the tests put between gateways and servers do what the tests believe of them."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.support.haproxy import Front, HAProxy, needs_haproxy, running_haproxy
from tests.support.slow_link import SlowLink, slow_link

STRACE = shutil.which("strace")


@asynccontextmanager
async def server(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[int]:
    """A server of the test's own: its port."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    listener = await asyncio.start_server(served, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each piece with itself."""
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()


@asynccontextmanager
async def echoing() -> AsyncIterator[tuple[SlowLink, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A link to an echo, and a connection through it."""
    async with server(echo) as port, slow_link("127.0.0.1", port) as link:
        reader, writer = await asyncio.open_connection(link.host, link.port)
        yield link, reader, writer
        writer.close()


async def echoed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """Seconds there and back."""
    began = time.monotonic()
    writer.write(b"x")
    await reader.readexactly(1)
    return time.monotonic() - began


async def test_link_passes_everything_at_first() -> None:
    async with echoing() as (link, reader, writer):
        sent = bytes(range(256)) * 4096
        writer.write(sent)
        assert await reader.readexactly(len(sent)) == sent
        writer.write_eof()
        assert await reader.read() == b""
        assert link.taken == 1


async def test_delayed_link_costs_latency_in_each_direction_and_keeps_the_order() -> None:
    async with echoing() as (link, reader, writer):
        link.there, link.back = 0.1, 0.2
        began = time.monotonic()
        for number in range(50):
            writer.write(b"%04d" % number)
            await asyncio.sleep(0)
        assert await reader.readexactly(200) == b"".join(b"%04d" % number for number in range(50))
        assert 0.3 <= time.monotonic() - began < 10  # were each to wait for the one before: 15 s
        link.heal()
        assert min([await echoed(reader, writer) for _ in range(10)]) < 0.3


async def test_stalled_link_takes_connections_and_says_nothing_until_healed() -> None:
    async with echoing() as (link, reader, writer):
        link.stall()
        _, another = await asyncio.open_connection(link.host, link.port)
        writer.write(b"held back")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        link.heal()
        assert await reader.readexactly(9) == b"held back"
        another.close()


async def test_cut_link_resets_what_is_open_and_what_comes_until_healed() -> None:
    async with echoing() as (link, reader, _):
        link.cut()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        later, writer = await asyncio.open_connection(link.host, link.port)
        with pytest.raises(ConnectionResetError):
            await later.read(1)
        writer.close()
        link.heal()
        later, writer = await asyncio.open_connection(link.host, link.port)
        writer.write(b"x")
        assert await later.readexactly(1) == b"x"
        writer.close()


async def test_lying_link_answers_itself_and_keeps_the_question() -> None:
    async with echoing() as (link, reader, writer):
        link.answer(b"-ERR\r\n")
        writer.write(b"question")
        assert await reader.readexactly(6) == b"-ERR\r\n"
        link.heal()
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"


async def test_link_to_a_server_that_is_gone_resets() -> None:
    async with server(echo) as port:
        pass
    async with slow_link("127.0.0.1", port) as link:
        reader, writer = await asyncio.open_connection(link.host, link.port)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()


def naming(name: str, heard: list[bytes], octets: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server that hears so much and says its name."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(octets) if octets else await reader.readline())
        writer.write(name.encode())
        await writer.drain()

    return serve


async def visit(port: int) -> tuple[str, int]:
    """What a client is told there, and the port it came from."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    own = writer.get_extra_info("sockname")[1]
    said = (await reader.read()).decode()
    writer.close()
    return said, own


@needs_haproxy
@pytest.mark.parametrize(("proxy", "octets"), [("send-proxy", 0), ("send-proxy-v2", 28)])
async def test_balancer_takes_turns_and_tells_who_the_client_is(tmp_path: Path, proxy: str, octets: int) -> None:
    heard: list[bytes] = []
    async with (
        server(naming("a", heard, octets)) as a,
        server(naming("b", heard, octets)) as b,
        running_haproxy(tmp_path, Front("mail", (a, f"127.0.0.1:{b}"), proxy)) as balancer,
    ):
        front = balancer.port("mail")
        visits = [await visit(front) for _ in range(6)]
        assert Counter(said for said, _ in visits) == {"a": 3, "b": 3}
        if octets:
            assert [int.from_bytes(one[24:26]) for one in heard] == [own for _, own in visits]
        else:
            assert heard == [b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (own, front) for _, own in visits]


@needs_haproxy
async def test_balancer_goes_on_with_the_other_where_one_is_gone(tmp_path: Path) -> None:
    heard: list[bytes] = []
    async with server(naming("a", heard, 28)) as a:
        async with server(naming("b", heard, 28)) as b:
            pass
        async with running_haproxy(tmp_path, Front("mail", (a, b))) as balancer:
            assert {(await visit(balancer.port("mail")))[0] for _ in range(4)} == {"a"}


@needs_haproxy
async def test_balancer_started_again_listens_on_the_same_ports(tmp_path: Path) -> None:
    async with server(naming("a", [], 28)) as a, running_haproxy(tmp_path, Front("mail", (a,))) as balancer:
        for end in (balancer.kill, balancer.stop):
            await end()
            with pytest.raises(OSError, match="Connect call failed"):
                await visit(balancer.port("mail"))
            await balancer.start()
            assert (await visit(balancer.port("mail")))[0] == "a"


@needs_haproxy
@pytest.mark.skipif(STRACE is None, reason="unproven here: a balancer slow to listen is waited for (no strace)")
async def test_balancer_is_ready_only_once_its_last_front_listens(tmp_path: Path) -> None:
    slow_to_listen = (str(STRACE), "-D", "-f", "-o", str(tmp_path / "calls"), "-e", "inject=listen:delay_enter=300000:when=2+")
    async with server(naming("a", [], 28)) as a:
        balancer = HAProxy(tmp_path, (Front("mail", (a,)), Front("late", (a,))), slow_to_listen)
        try:
            await balancer.start()
            assert (await visit(balancer.port("late")))[0] == "a"
        finally:
            await balancer.kill()


@needs_haproxy
async def test_checks_of_the_balancer_name_no_client(tmp_path: Path) -> None:
    checked: asyncio.Queue[bytes] = asyncio.Queue()

    async def note(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        with suppress(ConnectionResetError):  # a check ends so, at times before it was read
            await checked.put(await reader.readexactly(13))

    async with server(note) as a, running_haproxy(tmp_path, Front("mail", (a,), checked=True)), asyncio.timeout(10):
        local = b"\r\n\r\n\x00\r\nQUIT\n\x20"
        assert await checked.get() == local
        assert await checked.get() == local
