"""Machines parted in the network, as the tests of a partition believe them to be."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.netns import IP, needs_root, network
from tests.support.peer import until
from tests.support.redis_servers import RedisServer, needs_redis

pytestmark = [needs_root, needs_redis]

ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 0.5) as one:
    one.sendall(b"INCR asked\\r\\n")
    print(one.recv(64).decode().strip())
"""


def asking(server: RedisServer) -> tuple[str, ...]:
    """A client that has half a second of patience."""
    return (sys.executable, "-c", ASK, server.host, str(server.port))


def spaces() -> str:
    """All namespaces and switches there are."""
    lists = ((IP, "netns", "list"), (IP, "-br", "link", "show", "type", "bridge"))
    return "".join(subprocess.run(one, check=True, capture_output=True, text=True).stdout for one in lists)


async def test_parted_client_times_out_while_others_go_on_and_is_served_when_joined(tmp_path: Path) -> None:
    async with network() as net:
        far, near, away = await net.machine("redis"), await net.machine("near"), await net.machine("away")
        server = RedisServer(tmp_path, host=far.address, before=far.inside)
        await server.start()
        assert await away.run(*asking(server)) == (0, ":1")
        await net.part(away, far)
        code, said = await away.run(*asking(server))
        assert (code, "TimeoutError" in said) == (1, True)
        assert await near.run(*asking(server)) == (0, ":2")
        assert await server.command("GET", "asked") == b"2"
        await net.join(away, far)
        assert await away.run(*asking(server)) == (0, ":3")


async def test_open_connection_over_a_parted_network_is_silent_and_goes_on_when_joined(tmp_path: Path) -> None:
    async with network() as net:
        far = await net.machine("redis")
        server = RedisServer(tmp_path, host=far.address, before=far.inside)
        await server.start()
        reader, writer = await asyncio.open_connection(server.host, server.port)
        await net.part(net.here, far)
        writer.write(b"PING\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.readline()
        await net.join(net.here, far)
        async with asyncio.timeout(10):
            assert await reader.readline() == b"+PONG\r\n"
        writer.close()


async def test_write_over_a_network_parted_on_the_way_back_is_done_and_never_answered(tmp_path: Path) -> None:
    async with network() as net:
        far, near = await net.machine("redis"), await net.machine("near")
        server = RedisServer(tmp_path, host=far.address, before=far.inside)
        await server.start()
        talk = (
            sys.executable,
            "-c",
            ASK.replace(", 0.5)", ", 5)").replace("    one.sendall", "    input(); one.settimeout(0.5); one.sendall"),
        )
        client = await asyncio.create_subprocess_exec(
            *near.inside, *talk, server.host, str(server.port), stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )

        async def connected() -> bool:
            return (await server.info("clients"))["connected_clients"] == "2"

        await until(connected, "the client is connected")
        await net.part(near, far, there=False)
        _, said = await client.communicate(b"\n")
        assert b"TimeoutError" in said
        assert await server.command("GET", "asked") == b"1"


async def test_unplugged_machine_learns_at_once_that_nobody_is_there(tmp_path: Path) -> None:
    async with network() as net:
        far, near = await net.machine("redis"), await net.machine("near")
        server = RedisServer(tmp_path, host=far.address, before=far.inside)
        await server.start()
        await net.unplug(near)
        code, said = await near.run(*asking(server))
        assert (code, "Network is unreachable" in said) == (1, True)
        await net.plug(near)
        assert await near.run(*asking(server)) == (0, ":1")


async def test_failed_test_leaves_no_network_and_no_process_behind() -> None:
    started: list[asyncio.subprocess.Process] = []

    async def fail() -> None:
        async with network() as net:
            one = await net.machine("one")
            assert one.name in spaces()
            started.append(await asyncio.create_subprocess_exec(*one.inside, "cat", stdin=asyncio.subprocess.PIPE))

            async def inside() -> bool:
                return str(started[0].pid) in (await net.here.run(IP, "netns", "pids", one.name))[1].split()

            await until(inside, "the process is inside")
            raise ZeroDivisionError(one.name)

    with pytest.raises(ZeroDivisionError) as failed:
        await fail()
    assert await started[0].wait() == -9
    assert str(failed.value) not in spaces()
    assert str(failed.value).partition("-")[0] + " " not in spaces()


async def test_network_of_a_killed_run_is_cleared_away_by_the_next() -> None:
    left = """
import asyncio, os, signal
from tests.support.netns import network
async def main():
    async with network() as net:
        print((await net.machine("left")).name, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", left, stdout=asyncio.subprocess.PIPE)
    name = (await killed.communicate())[0].decode().strip()
    assert name.endswith("-left")
    assert name in spaces()
    async with network():
        assert name not in spaces()


async def test_networks_of_tests_that_run_at_once_do_not_meet(tmp_path: Path) -> None:
    async with network() as one, network() as other:
        first, second = await one.machine("a"), await other.machine("a")
        assert first.address != second.address
        server = RedisServer(tmp_path, host=first.address, before=first.inside)
        await server.start()
        began = time.monotonic()
        code, _ = await second.run(*asking(server))
        assert code == 1
        assert time.monotonic() - began < 30  # it does not sit out TCP's own patience of two minutes
