"""One logged-in look into one folder: which mails are there, what each says, a keyword on one. Nothing else is ever sent.

No command here moves, deletes or marks mail as read: bodies are asked for by BODY.PEEK, and without a keyword to set the folder is
opened by EXAMINE, so that the server itself refuses every change (RFC 3501 6.3.2).
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.edges.imap.wire import PATIENCE, Said, Wire, connected
from gateway.flow.ports import Unavailable

MAX_ANSWERS = 20_000
"""Responses that one command may draw: others may change thousands of flags while we look."""

SPARE = 1024
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_VALIDITY = re.compile(rb"\* OK \[UIDVALIDITY (\d{1,10})\]", re.IGNORECASE)
_NEXT = re.compile(rb"\* OK \[UIDNEXT (\d{1,10})\]", re.IGNORECASE)
_PERMANENT = re.compile(rb"\* OK \[PERMANENTFLAGS \(([^()]*)\)", re.IGNORECASE)
_EXISTS = re.compile(rb"\* \d{1,10} EXISTS\s*", re.IGNORECASE)
_FETCHED = re.compile(rb"\* \d{1,10} FETCH \(", re.IGNORECASE)
_UID = re.compile(rb"(?<![A-Za-z])UID (\d{1,10})(?=[ )])", re.IGNORECASE)
_BODY = re.compile(rb'BODY\[\](?:<\d+>)? (\{\}|"((?:[^"\\]|\\.)*)"|NIL)(?=[ )])', re.IGNORECASE | re.DOTALL)


class Refused(Unavailable):
    """The server said no: to the login, to the folder, to a command. Asking again at once is of no use."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where a mailbox is and how it is read; `keyword` is put on what was acted on, empty for none; `most` octets of each mail."""

    host: str
    port: int
    tls: bool
    username: str
    password: bytes = field(repr=False)
    ca_file: Path | None = None
    folder: str = "INBOX"
    keyword: str = ""
    most: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Folder:
    """An opened folder: mails keep their number as long as `validity` stays the same (RFC 3501 2.3.1.1)."""

    validity: int
    next_uid: int
    markable: bool


@asynccontextmanager
async def logged_in(account: Account) -> AsyncIterator[Session]:
    """A session; Refused where the server does not let us in, Unavailable where it cannot be talked to."""
    async with connected(account.host, account.port, account.tls, account.ca_file, account.most + SPARE) as wire:
        session = Session(wire, account)
        await session.enter()
        yield session


class Session:
    """The commands that are used, and no more; `news` says that the server told of mail since the last search."""

    def __init__(self, wire: Wire, account: Account) -> None:
        self._wire = wire
        self._account = account
        self._count = 0
        self._can: frozenset[bytes] = frozenset()
        self.news = False

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself (RFC 2177)."""
        return b"IDLE" in self._can

    async def enter(self) -> None:
        """Greeting and login."""
        greeting = (await self._wire.hear()).text.upper()
        if greeting.startswith(b"* PREAUTH"):
            raise Refused("mailbox login")  # whose mailbox this would be, nobody has said
        if not greeting.startswith(b"* OK"):
            raise Unavailable("mailbox server")
        await self._capable()
        name, password = self._account.username.encode(), self._account.password
        if b"AUTH=PLAIN" in self._can:
            await self._command(b"AUTHENTICATE PLAIN", base64.b64encode(b"\0" + name + b"\0" + password))
        elif b"LOGINDISABLED" in self._can:
            raise Refused("mailbox login")
        else:
            await self._command(b"LOGIN " + quoted(name) + b" " + quoted(password))
        await self._capable()

    async def open(self) -> Folder:
        """Open the folder, for reading only unless there is a keyword to set."""
        keyword = self._account.keyword.encode()
        verb = b"SELECT " if keyword else b"EXAMINE "
        texts = [one.text for one in await self._command(verb + quoted(folder_name(self._account.folder)))]
        validity = _number(_VALIDITY, texts)
        if not validity:
            raise Refused("mailbox folder")  # without it a number means nothing tomorrow
        flags = next((found[1].lower().split() for text in texts if (found := _PERMANENT.match(text))), [])
        return Folder(validity, _number(_NEXT, texts), bool(keyword) and (rb"\*" in flags or keyword.lower() in flags))

    async def since(self, day: datetime) -> Sequence[int]:
        """The numbers of mails that came in on that day or later, ascending."""
        return await self._search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}".encode())

    async def after(self, uid: int) -> Sequence[int]:
        """The numbers above that one, ascending; `n:*` always names the last mail too, which is left out (RFC 3501 6.4.8)."""
        return [one for one in await self._search(b"UID %d:*" % (uid + 1)) if one > uid]

    async def fetch(self, uid: int) -> bytes | None:
        """The beginning of a mail, as much as may be read of it; None where it is gone."""
        for said in await self._command(b"UID FETCH %d (UID BODY.PEEK[]<0.%d>)" % (uid, self._account.most)):
            found = read_fetched(said)
            if found is not None and found[0] == uid:
                return found[1][: self._account.most]
        return None

    async def mark(self, uid: int) -> None:
        """Put the keyword on a mail."""
        await self._command(b"UID STORE %d +FLAGS.SILENT (%s)" % (uid, self._account.keyword.encode()))

    async def wait(self, seconds: float) -> None:
        """Until the server tells of mail, or so many seconds."""
        tag = self._tag()
        await self._wire.say(tag + b" IDLE")
        while not (line := await self._wire.line(PATIENCE)).startswith(b"+"):
            self._notice(line)
            if line.startswith(tag + b" "):
                raise Refused("mailbox server")
        clock = asyncio.get_running_loop()
        until = clock.time() + seconds
        while not self.news and (heard := await self._wire.heard_in(until - clock.time())) is not None:
            self._notice(heard)
        await self._wire.say(b"DONE")
        await self._end(tag)

    async def look(self) -> None:
        """Ask whether anything came, and keep the connection alive."""
        await self._command(b"NOOP")

    async def _capable(self) -> None:
        said = await self._command(b"CAPABILITY")
        words = [one.text.upper().split()[2:] for one in said if one.text.upper().startswith(b"* CAPABILITY ")]
        self._can = frozenset(word for line in words for word in line)

    async def _search(self, what: bytes) -> Sequence[int]:
        self.news = False
        found: set[int] = set()
        for said in await self._command(b"UID SEARCH " + what):
            if said.text.upper().startswith(b"* SEARCH"):
                found.update(int(word) for word in said.text.split()[2:] if word.isdigit() and len(word) <= 10)
        return sorted(found)

    async def _command(self, words: bytes, answer: bytes = b"") -> list[Said]:
        tag = self._tag()
        await self._wire.say(tag + b" " + words)
        return await self._end(tag, answer)

    async def _end(self, tag: bytes, answer: bytes = b"") -> list[Said]:
        """What the server says until it ends the command; `answer` is given where it asks for more."""
        heard: list[Said] = []
        for _ in range(MAX_ANSWERS):
            said = await self._wire.hear()
            if said.text.startswith(tag + b" "):
                if said.text[len(tag) + 1 :].upper().startswith(b"OK"):
                    return heard
                raise Refused("mailbox command")
            if said.text.startswith(b"+"):
                await self._wire.say(answer or b"*")
                answer = b""
                continue
            self._notice(said.text)
            heard.append(said)
        raise Unavailable("mailbox answer")

    def _notice(self, text: bytes) -> None:
        if text.upper().startswith(b"* BYE"):
            raise Unavailable("mailbox server")
        self.news = self.news or _EXISTS.fullmatch(text) is not None

    def _tag(self) -> bytes:
        self._count += 1
        return b"g%d" % self._count


def read_fetched(said: Said) -> tuple[int, bytes] | None:
    """(number, body) of a response to FETCH; None for any other one, such as news of flags."""
    if not _FETCHED.match(said.text):
        return None
    body = _BODY.search(said.text)
    number = _UID.search(said.text)
    if body is None or number is None:
        return None
    if body[1] == b"{}":
        place = said.text[: body.start(1)].count(b"{}")
        return (int(number[1]), said.literals[place]) if place < len(said.literals) else None
    return int(number[1]), re.sub(rb"\\(.)", rb"\1", body[2] or b"", flags=re.DOTALL)


def quoted(text: bytes) -> bytes:
    """A quoted string (RFC 3501 4.3); Refused for text that has none."""
    if not text.isascii() or any(octet < 32 or octet == 127 for octet in text):
        raise Refused("mailbox login")
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def folder_name(name: str) -> bytes:
    """A folder's name in modified UTF-7 (RFC 3501 5.1.3)."""
    parts = re.findall(r"[ -%'-~]+|&|[^ -~]+", name)
    return b"".join(part.encode() if part[0] != "&" and part.isascii() and part.isprintable() else _shifted(part) for part in parts)


def _shifted(part: str) -> bytes:
    if part == "&":
        return b"&-"
    return b"&" + base64.b64encode(part.encode("utf-16-be", "replace"), b"+,").rstrip(b"=") + b"-"


def _number(pattern: re.Pattern[bytes], texts: Sequence[bytes]) -> int:
    return next((int(found[1]) for text in texts if (found := pattern.match(text))), 0)
