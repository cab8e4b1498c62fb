"""How long a large or hostile message holds up everybody else: an idle session asks NOOP all the while and times each answer.

The time includes the scheduling of sender, sink and gateway on the same cores, and of neighbours: an upper bound of the loop's
stall. Each input is sent several times and the smallest of its worst waits counts, as noise only ever adds.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.messages import make
from bench.source import Letter, Load, Session, run
from bench.systems import System

PAUSE = 0.001
REPEATS = 3
LIMIT = 25 * 1024 * 1024 - 4096


@dataclass(frozen=True, slots=True)
class Stall:
    """The longest wait for a NOOP, in milliseconds, while this input was handled, and what became of it."""

    what: str
    octets: int
    worst: float
    answer: str
    seconds: float


class Pulse:
    """An idle session in a thread of its own."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), 60)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.recv(1000)
        self._worst = 0.0
        self._going = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self) -> float:
        """The longest wait since last asked, in milliseconds."""
        worst, self._worst = self._worst, 0.0
        return worst * 1e3

    def stop(self) -> None:
        """End the session."""
        self._going = False
        self._thread.join(5)
        self._sock.close()

    def _run(self) -> None:
        while self._going:
            began = time.perf_counter()
            self._sock.sendall(b"NOOP\r\n")
            if not self._sock.recv(1000):
                self._worst = float("inf")
                return
            self._worst = max(self._worst, time.perf_counter() - began)
            time.sleep(PAUSE)


def inputs(limit: int = LIMIT) -> Iterator[tuple[str, bytes]]:
    """Messages up to the largest size, each of a shape that is costly to somebody."""
    head = make(4096).partition(b'Content-Type: multipart/alternative; boundary="alt"\r\n')[0]
    text = head + b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    html = head + b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    mixed = head + b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
    part = b"--m\r\nContent-Type: text/plain\r\n\r\nx\r\n"

    def filled(top: bytes, unit: bytes, size: int = limit) -> bytes:
        return top + unit * ((size - len(top)) // len(unit))

    yield "nothing, for comparison", b""
    yield "a 4 KiB newsletter", make(4096)
    yield "5 MiB, base64 attachment", make(5 * 1024 * 1024)
    yield "25 MB, base64 attachment", make(limit)
    yield "25 MB of plain text", filled(text, b"Bonjour tout le monde, voici une ligne de texte ordinaire.\r\n")
    yield "25 MB of HTML, quoted-printable", filled(html, b'<p style=3D"color:#333">l=E2=80=99=C3=A9t=C3=A9</p>\r\n')
    yield "25 MB of HTML comments", filled(html, b"<!-- a -->\r\n")
    yield "25 MB of unclosed tags", filled(html, b"<a <b <!-- \r\n")
    yield "25 MB of empty lines", filled(text, b"\r\n")
    yield "25 MB of lines that begin with dots", filled(text, b"....\r\n")
    yield "25 MB of trailing blanks", filled(text, b" \t" * 490 + b"x\r\n")
    yield "1,000 parts", filled(mixed, part, len(mixed) + len(part) * 1000) + b"--m--\r\n"
    yield "25 MB of parts", filled(mixed, part) + b"--m--\r\n"
    yield "25 MB of boundaries", filled(mixed, b"--m\r\n")
    yield "20 MB header", head + b"X-Fill: abcdefgh abcdefgh abcdefgh\r\n" * (20 * 1024 * 1024 // 36) + b"\r\nx\r\n"


def stalls(system: System, limit: int = LIMIT) -> list[Stall]:
    """Each input in turn on one session, the pulse beside it."""
    pulse = Pulse(system.port)
    found: list[Stall] = []
    try:
        for what, raw in inputs(limit):
            found.append(min((_one(system, pulse, what, raw, turn) for turn in range(REPEATS)), key=lambda stall: stall.worst))
    finally:
        pulse.stop()
    return found


def _one(system: System, pulse: Pulse, what: str, raw: bytes, number: int) -> Stall:
    pulse.take()
    began = time.monotonic()
    answer = _send(system, raw, number) if raw else _idle()
    time.sleep(0.05)
    return Stall(what, len(raw), pulse.take(), answer, time.monotonic() - began)


def _idle() -> str:
    time.sleep(1)
    return "-"


def _send(system: System, raw: bytes, number: int) -> str:
    """One message on a session of its own; the answer's first words."""
    load = Load(Letter(raw, str(time.time_ns())), 1, number)
    name, _, secret = system.login.partition(":")
    session = Session(system.port, (name, secret), load)
    run([session])
    session.sock.close()
    return next(iter(load.refused), "250")
