"""Nothing holds up the loop: large and hostile messages are handled while everybody else is served, and in bounded memory.

The provider runs in a process of its own and the tool in a thread, so that what is measured is the gateway's.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import apsw
import pytest

from gateway.settings import load
from tests.support.corpora import ROOT
from tests.support.gateway import SECRET, Running, company, running, threaded
from tests.support.load import Diary, Session, consent
from tests.support.process import found_company, living, nursery
from tests.support.pulse import Pulse

BAR = 0.050
SIZE = 25_000_000
HEAD = (
    b"From: Maison <news@maison.example>\r\nTo: anna@example.org\r\nSubject: Septembre\r\nMIME-Version: 1.0\r\n"
    b"Date: Tue, 01 Sep 2026 12:00:00 +0000\r\nMessage-ID: <%d@maison.example>\r\n"
)
PROVIDER = """
import asyncio, sys
from gateway.edges.sink import Sink
async def main():
    sink = Sink(keep=1)
    print((await sink.start())[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@asynccontextmanager
async def provider() -> AsyncIterator[int]:
    """A sink in a process of its own; its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROVIDER), cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def plain(number: int, kind: bytes, body: bytes, encoding: bytes = b"7bit") -> bytes:
    """A message of one part."""
    return HEAD % number + b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body


def filled(unit: bytes, size: int = SIZE) -> bytes:
    """The unit repeated to this size."""
    return unit * (size // len(unit))


def mixed(number: int, *parts: bytes) -> bytes:
    """A text followed by these parts."""
    head = HEAD % number + b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
    text = b"Content-Type: text/plain; charset=utf-8\r\n\r\nBonjour\r\n"
    return head + b"".join(b"--m\r\n" + part + b"\r\n" for part in (text, *parts)) + b"--m--\r\n"


def attachment(size: int) -> bytes:
    """One base64 attachment."""
    return (
        b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + filled(b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU2Nzg5QUJDREVGR0hJSktMTU5PUFFSU1RV\r\n", size)
    )


LINK_UNIT = b'<p style=3D"color:#333">l=E2=80=99=C3=A9t=C3=A9 <a href=3D"https://maison.example">ici</a></p>\r\n'
INPUTS: dict[str, Callable[[int], bytes]] = {
    "empty lines": lambda n: plain(n, b"text/plain", filled(b"\r\n")),
    "one base64 attachment": lambda n: mixed(n, attachment(SIZE)),
    "lines of 64 KiB": lambda n: plain(n, b"text/plain", filled(b"a" * 65_000 + b"\r\n")),
    "500 parts": lambda n: mixed(n, *[attachment(SIZE // 500)] * 490),
    "quoted-printable HTML": lambda n: plain(n, b"text/html; charset=utf-8", filled(LINK_UNIT), b"quoted-printable"),
    "1 MB of <!--": lambda n: plain(n, b"text/html", filled(b"<!--" * 200 + b"\r\n", 1_000_000)),
    "plain text": lambda n: plain(
        n, b"text/plain; charset=utf-8", filled(b"Bonjour, une ligne de texte ordinaire et sans surprise.\r\n")
    ),
}


def submit(port: int, message: bytes, recipients: Sequence[str]) -> str:
    """Send one message over a blocking socket, without a copy of it; the answer to the end of data."""
    with socket.create_connection(("127.0.0.1", port), 120) as peer:
        replies = peer.makefile("rb")

        def say(octets: bytes) -> str:
            peer.sendall(octets)
            line = b"250-"
            while line[3:4] == b"-":
                line = replies.readline()
            return line.decode()

        replies.readline()
        say(b"EHLO tool.example\r\n")
        say(b"AUTH PLAIN " + base64.b64encode(f"\0mautic\0{SECRET}".encode()) + b"\r\n")
        say(b"MAIL FROM:<news@maison.example>\r\n")
        for one in recipients:
            assert say(f"RCPT TO:<{one}>\r\n".encode()).startswith("250")
        say(b"DATA\r\n")
        peer.sendall(message)
        return say(b".\r\n")


async def stalled(gateway: Running, message: bytes, recipients: Sequence[str]) -> tuple[float, str]:
    """How long the loop was held up at worst until this message had left, and what was answered."""
    pulse = Pulse()
    beating = asyncio.ensure_future(pulse.feel())
    spool = gateway.database.with_name("spool-0.db")
    try:
        answer = await threaded(lambda: submit(gateway.addresses.submission[1], message, recipients))
        async with asyncio.timeout(60):
            while await threaded(lambda: parcels(spool)):  # noqa: ASYNC110 - another thread empties it
                await asyncio.sleep(0.05)
    finally:
        beating.cancel()
    return pulse.worst, answer


def parcels(spool: Path) -> int:
    """How many rows a spool holds."""
    with closing(apsw.Connection(str(spool), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return int(str(connection.execute("SELECT count(*) FROM parcel").fetchall()[0][0]))


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.slow
@pytest.mark.parametrize("people", [["anna@example.org"], ["anna@example.org", "zoe@example.org"]], ids=["at-once", "kept"])
@pytest.mark.parametrize("what", INPUTS)
async def test_no_input_holds_up_the_loop(tmp_path: Path, what: str, people: list[str]) -> None:
    """The middle one of three runs counts: the machine is shared, and one lost time slice would be blamed on us."""
    async with provider() as port, running(company(tmp_path, port)) as gateway:
        await consent(gateway.settings, people)
        worst = []
        for number in range(3):
            held, answer = await stalled(gateway, INPUTS[what](number), people)
            worst.append(held)
            assert answer.startswith(("250 ", "550 5.6.0 ", "554 5.6.")), answer
        print(f"{what}: {', '.join(f'{held * 1e3:.0f}' for held in worst)} ms, {answer.strip()}")
        assert sorted(worst)[1] <= BAR, worst


@pytest.mark.slow
async def test_a_hundred_sessions_with_large_messages_fit_in_200_mb(tmp_path: Path) -> None:
    message = mixed(1, attachment(5 * 1024 * 1024))
    async with provider() as port:
        config, ports = await found_company(tmp_path, port)
        async with nursery(tmp_path / "log") as starter, living(starter, config, ports) as life:
            people = [f"p{number}@example.org" for number in range(100)]
            await consent(load(config, {}), people)
            before = peak_memory(life.pid)
            diary = Diary()
            sessions = [Session(ports, diary) for _ in people]
            tries = await asyncio.gather(
                *(session.send(f"<{one}>", [one], message) for session, one in zip(sessions, people, strict=True))
            )
            peak = peak_memory(life.pid)
            print(f"before {before} MB, peak {peak} MB, {sum(one.acknowledged for one in tries)} acknowledged")
            assert all(one.acknowledged for one in tries), [one.final for one in tries if not one.acknowledged][:3]
            assert peak <= 200


def peak_memory(pid: int) -> int:
    """The most memory the process ever held, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024
