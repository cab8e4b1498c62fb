"""What a next hop answers: a strict, bounded reader of SMTP replies, and what a reply means for a message.

Pure. It never guesses: what is not a reply is `Garbage`, and the connection it came over is not to be trusted any more.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from gateway.core.model import Fate, Features, Outcome, Stage
from gateway.core.reply import clean

MAX_LINE = 2048
MAX_REPLY = 64 * 1024
SHUTTING_DOWN = 421

_CODES = {b"%d" % code: code for code in range(200, 560) if code // 10 % 10 <= 5}
_MARKS = (b" ", b"-", b"")
_ENHANCED = re.compile(r"([245])\.\d{1,3}\.\d{1,3}(?= |$)")
_LOGIN_WANTED = frozenset({530, 534, 535, 538})


class Garbage(Exception):
    """Bytes that are no SMTP reply, or too many of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole reply: its code and the text of each line."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def positive(self) -> bool:
        """Whether a command was obeyed (2xx)."""
        return self.code < 300

    def as_outcome(self, fate: Fate, stage: Stage) -> Outcome:
        """An outcome quoting this reply: enhanced code taken out of the text, text on one line of printable ASCII."""
        texts = [line.decode("ascii", "replace") for line in self.lines]
        enhanced = ""
        if (found := _ENHANCED.match(texts[0])) and int(found[1]) == self.code // 100:
            enhanced = found[0]
            texts = [text.removeprefix(enhanced).lstrip() for text in texts]
        return Outcome(fate, stage, self.code, enhanced, clean(" ".join(texts)))

    def refusal(self, stage: Stage) -> Outcome:
        """What a reply other than the hoped-for one means (reliability 1.3).

        A 5xx before MAIL, or one that asks for a login, is about this gateway and not about the message.
        """
        if 400 <= self.code < 500:
            return self.as_outcome(Fate.DEFERRED, stage)
        if self.code < 400:
            return self.as_outcome(Fate.AMBIGUOUS if stage is Stage.END else Fate.UNREACHABLE, stage)
        before_mail = stage in (Stage.CONNECT, Stage.HELLO, Stage.AUTH)
        ours = before_mail or (stage is not Stage.END and self.code in _LOGIN_WANTED)
        return self.as_outcome(Fate.OURS if ours else Fate.REFUSED, stage)


class AnswerReader:
    """Cuts a byte stream into answers; `partial` tells whether a reply has begun and not ended."""

    __slots__ = ("_code", "_lines", "_rest", "_size")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._code = 0
        self._size = 0

    @property
    def partial(self) -> bool:
        """Whether bytes wait for their end."""
        return bool(self._rest or self._lines)

    def feed(self, received: bytes, into: deque[Answer]) -> None:
        """Append every answer that is complete; raises Garbage after appending those before it."""
        *lines, self._rest = (self._rest + received).split(b"\n")
        for line in lines:
            code = _CODES.get(line[:3])
            if code is not None and line[3:4] == b" " and not self._lines and len(line) <= MAX_LINE:
                into.append(Answer(code, (line[4:].removesuffix(b"\r"),)))  # a reply of one line, as most are
            else:
                self._take(line, into)
        if len(self._rest) > MAX_LINE:
            raise Garbage

    def _take(self, line: bytes, into: deque[Answer]) -> None:
        self._size += len(line)
        if len(line) > MAX_LINE or self._size > MAX_REPLY:
            raise Garbage
        line = line.removesuffix(b"\r")
        code, mark = _CODES.get(line[:3]), line[3:4]
        if code is None or mark not in _MARKS:
            raise Garbage
        if self._lines and code != self._code:
            raise Garbage
        self._code = code
        self._lines.append(line[4:])
        if mark != b"-":
            into.append(Answer(code, tuple(self._lines)))
            self._lines.clear()
            self._size = 0


@dataclass(frozen=True, slots=True)
class Announced:
    """What an EHLO answer announced: `features` is what the journeys ask about, the rest is for the connection itself."""

    features: Features
    pipelining: bool
    starttls: bool
    mechanisms: frozenset[str]


def announced(hello: Answer) -> Announced:
    """Read an EHLO answer; the first line is the greeting, unknown extensions are none of our business."""
    offers = {}
    for line in hello.lines[1:]:
        name, _, rest = line.decode("ascii", "replace").strip().upper().partition(" ")
        offers[name] = rest.split()
    size = offers.get("SIZE", [])
    return Announced(
        Features(
            eight_bit="8BITMIME" in offers,
            smtputf8="SMTPUTF8" in offers,
            dsn="DSN" in offers,
            size=int(size[0]) if size and re.fullmatch(r"[0-9]{1,20}", size[0]) else 0,
        ),
        pipelining="PIPELINING" in offers,
        starttls="STARTTLS" in offers,
        mechanisms=frozenset(offers.get("AUTH", ())),
    )
