"""The header of mail that somebody sent back: who wrote it, whether it may be answered at all (RFC 3834, R-STD-61).

Lenient where `mime` is strict, because it was not written for us; every field keeps its bytes, so that it can be passed on. Claims
are claims: nothing here proves who wrote.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass

from gateway.core.compose import STAMP
from gateway.core.originator import mailbox
from gateway.core.reply_to import nobody_reads
from gateway.core.subject import decoded

MOST_HEAD = 256 * 1024
MOST_FIELDS = 1000
MOST_REFERENCES = 20
PASSED_ON = "X-Passed-On-By"
"""Our own mark on what was passed on: such mail is never passed on again (T15)."""

_NAME = re.compile(rb"([!-9;-~]{1,80})[ \t]*:")
_MESSAGE_ID = re.compile(rb"<[!-;=?-~]{1,250}>")
_ADDRESS = re.compile(rb"[^\s<>,;:\"()@]{1,64}@([^\s<>,;:\"()@]{1,255})")
_LISTS = ("list-id", "list-unsubscribe", "list-post", "list-help", "mailing-list", "feedback-id")
_MARKS = ("x-auto-response-suppress", "x-autoreply", "x-autorespond", "x-autoresponse", "x-loop", PASSED_ON.lower())
_BULK = frozenset((b"bulk", b"list", b"junk", b"auto_reply", b"auto-reply"))
_MACHINES = re.compile(
    r"(?:mailer-daemon|postmaster|daemon|bounces?|listserv|majordomo|owner|root|abuse)(?:[-+._].*)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One mail with its fields as (lower-case name, whole field with its line end); `body` is where the content begins."""

    data: bytes
    fields: tuple[tuple[str, bytes], ...]
    body: int

    def values(self, name: str) -> tuple[bytes, ...]:
        """The unfolded values of every field of that lower-case name."""
        return tuple(_value(raw) for known, raw in self.fields if known == name)

    def value(self, name: str) -> bytes:
        """The first of them, empty without one."""
        return next(iter(self.values(name)), b"")

    @property
    def author(self) -> str:
        """The address in From; empty where there is not exactly one field with one mailbox."""
        said = self.values("from")
        found = mailbox(said[0]) if len(said) == 1 else None
        return found[0] if found else ""

    @property
    def author_name(self) -> str:
        """The name shown in From, decoded, in one line; empty without one."""
        if not self.author:
            return ""
        phrase = self.value("from").rpartition(b"<")[0].strip(b" \t").strip(b'"')
        return " ".join(decoded(phrase).replace("\\", "").split())[:120]

    @property
    def answer_to(self) -> str:
        """Where an answer to it goes: its Reply-To where that is one mailbox, else its author."""
        found = mailbox(self.value("reply-to"))
        return found[0] if found else self.author

    @property
    def message_id(self) -> bytes:
        """Its Message-ID; empty without one."""
        found = _MESSAGE_ID.search(self.value("message-id"))
        return found[0] if found else b""

    @property
    def thread(self) -> bytes:
        """The References an answer to it carries: its own, else In-Reply-To, then its Message-ID (RFC 5322 3.6.4)."""
        before = _MESSAGE_ID.findall(self.value("references")) or _MESSAGE_ID.findall(self.value("in-reply-to"))
        every = list(dict.fromkeys((*before, self.message_id)))
        kept = every if len(every) <= MOST_REFERENCES else [every[0], *every[1 - MOST_REFERENCES :]]
        return b" ".join(one for one in kept if one)

    def addressed(self, domains: Set[str]) -> bool:
        """Whether To or Cc names an address at one of these domains."""
        places = (*self.values("to"), *self.values("cc"))
        return any(found[1].decode("ascii", "replace").lower() in domains for one in places for found in _ADDRESS.finditer(one))


def read_answer(data: bytes) -> Answer:
    """The fields of a mail of any bytes; what is no field is left out."""
    ends = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if (at := data.find(mark, 0, MOST_HEAD)) >= 0]
    at, length = min(ends, default=(min(len(data), MOST_HEAD), 0))
    fields: list[tuple[str, bytes]] = []
    current, name = b"", ""
    for line in [*data[:at].splitlines(keepends=True), b""]:
        if line[:1] in (b" ", b"\t") and name:
            current += line
            continue
        if name:
            fields.append((name, current.rstrip(b"\r\n") + b"\r\n"))
        found = _NAME.match(line)
        name, current = (found[1].decode("ascii").lower(), line) if found else ("", b"")
        if len(fields) >= MOST_FIELDS:
            break
    return Answer(data, tuple(fields), at + length)


def went_round(answer: Answer, hostname: str) -> bool:
    """Whether we, or a gateway like us, passed this on before, or it came through this very gateway twice (R-STD-20, T15).

    Once is no loop: people of the advertiser's may send their own mail through it, and their STOP counts.
    """
    mark = f"by {hostname} ({STAMP})".encode("ascii", "replace")
    return bool(answer.values(PASSED_ON.lower())) or sum(mark in value for value in answer.values("received")) > 1


def silent(answer: Answer, sender: str | None, ours: Set[str]) -> str:
    """Why nothing automatic may answer this mail; empty where it may be answered (R-STD-61, RFC 3834 2).

    `sender` is the envelope's (None: unknown), `ours` are domains of ours and of the advertisers.
    """
    if sender == "":
        return "null sender"
    submitted = answer.value("auto-submitted").partition(b";")[0].partition(b"(")[0].strip().lower()
    if submitted not in (b"", b"no"):
        return "automatic"
    if any(answer.values(name) for name in _LISTS) or answer.value("precedence").strip().lower() in _BULK:
        return "list or bulk"
    if any(answer.values(name) for name in _MARKS):
        return "asks for silence"
    local, _, domain = answer.author.lower().rpartition("@")
    if not local or _MACHINES.fullmatch(local) or nobody_reads(answer.author):
        return "nobody reads there"
    senders = (sender or "").lower().rpartition("@")
    if domain in ours or senders[2] in ours or _MACHINES.fullmatch(senders[0]):
        return "ours or a machine"
    return ""


def _value(raw: bytes) -> bytes:
    return raw.partition(b":")[2].replace(b"\r\n", b"").replace(b"\n", b"").replace(b"\r", b"").strip(b" \t")
