"""The load: N reused SMTP sessions that speak command by command, as mailing tools do, at a few dozen microseconds a message.

Runs as a process of its own (`python -m bench.source`), the same for every system, and prints one JSON line. Each message has its
own Message-ID and its own recipient, `person0000042@example.org`.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import select
import socket
import time
from collections import Counter
from pathlib import Path

from bench.messages import ID_MARK, SENDER, TO_MARK

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "900000"))
"""Recipients rotate through the first so many people, in steps that visit each."""
STRIDE = 7_919
PATIENCE = 120.0
MAIL, RCPT, DATA, END, RESET = range(5)


def address(number: int) -> str:
    """The mailbox of made-up person `number`."""
    return f"person{number:07d}@example.org"


class Letter:
    """The message, cut where each copy differs."""

    def __init__(self, raw: bytes, run: str) -> None:
        before, _, rest = raw.partition(TO_MARK)
        between, _, after = rest.partition(ID_MARK)
        stop = after.index(b"\r\n\r\n") + 4
        self._form = b"%b%%b%b%b.%%d%b" % (before, between, run.encode(), after[:stop].replace(b"%", b"%%"))
        self.body = memoryview(after[stop:] + b".\r\n")

    def head(self, to: bytes, number: int) -> bytes:
        """The header block of one copy."""
        return self._form % (to, number)


class Load:
    """Who is written to, how often, and what came back; shared by all sessions of a run."""

    def __init__(self, letter: Letter, count: int, first: int) -> None:
        self.letter = letter
        self._left = count
        self._number = first
        self.took: list[float] = []
        self.refused: Counter[str] = Counter()

    def next(self) -> tuple[bytes, bytes] | None:
        """The next recipient and header block; None when all are on their way."""
        if not self._left:
            return None
        self._left -= 1
        self._number += 1
        to = address(self._number * STRIDE % PEOPLE).encode()
        return to, self.letter.head(to, self._number)


class Session:
    """One connection, logged in; `step` is the command whose answer it waits for."""

    __slots__ = ("_began", "_head", "_load", "_rest", "_to", "sock", "step", "wants_write")

    def __init__(self, port: int, login: tuple[str, str] | None, load: Load) -> None:
        self._load = load
        self._rest: list[memoryview] = []
        self.step = MAIL
        self.wants_write = False
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._expect(b"", b"220")
        self._expect(b"EHLO bench.example.com\r\n", b"250")
        if login:
            plain = base64.b64encode("\0{}\0{}".format(*login).encode())
            self._expect(b"AUTH PLAIN " + plain + b"\r\n", b"235")
        self.sock.setblocking(False)

    def begin(self) -> bool:
        """Send MAIL for the next message; False when there is none."""
        item = self._load.next()
        if item is None:
            return False
        self._to, self._head = item
        self._began = time.monotonic()
        self.step = MAIL
        self.sock.send(b"MAIL FROM:<%b>\r\n" % SENDER.encode())
        return True

    def serve(self, event: int) -> bool:
        """Go on as far as the connection allows; False when this session has no more to do."""
        try:
            if event & select.EPOLLOUT:
                self._write()
            return not event & ~select.EPOLLOUT or self._answer()
        except ConnectionError:
            self._load.refused["connection closed"] += 1
            return False

    def _answer(self) -> bool:
        said = self.sock.recv(4096)
        if not said:
            raise ConnectionError
        if said[0] > 51:  # ASCII "3": the server refused
            return self._refused(said)
        step = self.step
        self.step = step + 1
        if step == MAIL:
            self.sock.send(b"RCPT TO:<%b>\r\n" % self._to)
        elif step == RCPT:
            self.sock.send(b"DATA\r\n")
        elif step == DATA:
            self._rest = [memoryview(self._head), self._load.letter.body]
            self._write()
        elif step == END:
            self._load.took.append(time.monotonic() - self._began)
            return self.begin()
        else:
            return self.begin()
        return True

    def _write(self) -> None:
        """Send what the connection takes of the message; `wants_write` says whether some is left."""
        while self._rest:
            try:
                sent = self.sock.sendmsg(self._rest)
            except BlockingIOError:
                break
            while self._rest and sent >= len(self._rest[0]):
                sent -= len(self._rest.pop(0))
            if self._rest and sent:
                self._rest[0] = self._rest[0][sent:]
        self.wants_write = bool(self._rest)

    def _refused(self, said: bytes) -> bool:
        self._load.refused[said[:60].decode("ascii", "replace").strip()] += 1
        if said.startswith(b"421"):
            return False
        if self.step == END:
            return self.begin()
        self.step = RESET
        self.sock.send(b"RSET\r\n")
        return True

    def _expect(self, line: bytes, code: bytes) -> None:
        self.sock.sendall(line)
        said = b""
        while not said.endswith(b"\r\n") or said.splitlines()[-1][3:4] == b"-":
            piece = self.sock.recv(4096)
            if not piece:
                raise SystemExit("connection closed at set-up")
            said += piece
        if not said.startswith(code):
            raise SystemExit(f"expected {code.decode()}, heard: {said[:200].decode('ascii', 'replace')}")


def run(sessions: list[Session]) -> None:
    """Drive all sessions until each is done."""
    poll = select.epoll()
    open_ = {session.sock.fileno(): session for session in sessions}
    for number, session in list(open_.items()):
        poll.register(number, select.EPOLLIN)
        if not session.begin():
            del open_[number]
    writing: set[int] = set()
    while open_:
        events = poll.poll(PATIENCE)
        if not events:
            raise SystemExit(f"no answer for {PATIENCE:.0f} s; {len(open_)} sessions wait")
        for number, event in events:
            session = open_[number]
            if not session.serve(event):
                poll.unregister(number)
                del open_[number]
                continue
            if session.wants_write != (number in writing):
                (writing.add if session.wants_write else writing.discard)(number)
                poll.modify(number, select.EPOLLIN | (select.EPOLLOUT if session.wants_write else 0))


def main() -> None:
    """Read the order, load the system, print what happened."""
    order = argparse.ArgumentParser(description="SMTP load source")
    order.add_argument("--port", type=int, required=True)
    order.add_argument("--message", type=Path, required=True)
    order.add_argument("--sessions", type=int, default=20)
    order.add_argument("--count", type=int, required=True)
    order.add_argument("--first", type=int, default=0)
    order.add_argument("--login", default="", help="name:secret, read from BENCH_LOGIN where empty")
    given = order.parse_args()
    login = given.login or os.environ.get("BENCH_LOGIN", "")
    name, _, secret = login.partition(":")
    load = Load(Letter(given.message.read_bytes(), f"{time.time_ns():x}"), given.count, given.first)
    sessions = [Session(given.port, (name, secret) if login else None, load) for _ in range(min(given.sessions, given.count))]
    used = time.process_time()
    began = time.monotonic()
    run(sessions)
    ended = time.monotonic()
    used = time.process_time() - used
    for session in sessions:
        session.sock.close()
    took = sorted(load.took) or [0.0]
    told = {
        "began": began,
        "ended": ended,
        "accepted": len(load.took),
        "refused": load.refused,
        "p50": took[len(took) // 2],
        "p99": took[len(took) * 99 // 100],
        "worst": took[-1],
        "cpu": used,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
