"""Why a mail server refused, and whether the address is dead: the status first, then the words, in doubt for the address.

R-STD-64: 5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10 and 5.2.1 are hard; 5.2.2 and 4.x soft; 5.7.x is policy and never hard. A false hard
bounce silently suppresses a good address, so words that speak of a full mailbox, a rule, spam or a passing fault outweigh a status,
and an answer to the content of a message (after DATA) is no proof by its words alone.
"""

from __future__ import annotations

import re
from enum import StrEnum

from gateway.core.bounce_words import CLOSED, FULL, LATER, MOVED, NOBODY, NOWHERE, POLICY, QUOTED, SENDER, SIZE, VAGUE

MOST_WORDS = 2_000
MOST_RUN = 60

HARD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.\-])([45]\d\d)(?=[ \-:#,;]|$)")
_LINKS = re.compile(r"(?:https?:|www\.)\S+")
_LISTING = re.compile(
    r"(?:https?:|www\.)\S*(?:spamhaus|barracuda|spamcop|sorbs|dnsbl|[su]rbl|black-?list|block-?list|unblock|groups\.google)\S*",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,128}@[^\s<>()\[\]\"',;:]{1,255}")
_RUNS = re.compile(rf"(\S{{{MOST_RUN}}})\S+")
_EDGE = "recipient address rejected: access denied"
"""What Exchange Online says, with 5.4.1, of an address its directory does not have."""
_GENERIC = re.compile(r"5\.(?:0\.\d+|[35]\.0|1\.0|2\.0|4\.[0-9]|3\.5)|")


class Step(StrEnum):
    """Which command of ours a refusal answers; unknown where nobody says."""

    UNKNOWN = "unknown"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


class Cause(StrEnum):
    """Why: the first three mean that the address is dead."""

    NOBODY = "no-such-mailbox"
    NOWHERE = "no-such-domain"
    MOVED = "mailbox-gone"
    FULL = "mailbox-full"
    SIZE = "message-too-big"
    POLICY = "policy"
    SENDER = "sender-refused"
    LATER = "passing-fault"
    UNSAID = "cause-not-stated"

    @property
    def hard(self) -> bool:
        """Whether the address is dead."""
        return self in (Cause.NOBODY, Cause.NOWHERE, Cause.MOVED)


_CONTENT = (
    r"reply to (?:end of )?data|after (?:end of )?data|after i sent the message|our final data|>>> ?data\b|step: data|\[data\]"
)
_SENDER = (
    r"reply to (?:mail from|helo|ehlo)|after (?:initial connection|mail from|ehlo|helo)|sender was rejected|my name was rejected"
    r"|>>> ?(?:mail from|ehlo|helo)|like our mail from"
)
_RECIPIENT = r"reply to rcpt|after rcpt|>>> ?rcpt|rcpt[ _]to|smtp:rcpt|does not like recipient|like our rcpt"
_STEPS = tuple(
    (step, re.compile(words)) for step, words in ((Step.CONTENT, _CONTENT), (Step.SENDER, _SENDER), (Step.RECIPIENT, _RECIPIENT))
)
_SAID = re.compile(r"\bhost\s+\S{1,255}\s+said:")
"""Postfix, which names the command answered; where it does not, the answer may be to the content."""


def step_of(words: str) -> Step:
    """Which command the words around a refusal name; the one farthest into the transaction where they name several."""
    said = words.lower()
    found = next((step for step, pattern in _STEPS if pattern.search(said)), Step.UNKNOWN)
    return Step.CONTENT if found is Step.UNKNOWN and _SAID.search(said) else found


def status_in(words: str) -> str:
    """The first enhanced status code in some words, 4.x or 5.x (RFC 3463)."""
    return next((found[0] for found in _STATUS.finditer(words) if found[1] != "2"), "")


def code_in(words: str) -> str:
    """The first SMTP reply code of a refusal."""
    found = _CODE.search(words)
    return found[1] if found else ""


def bare(words: str) -> str:
    """Words in one lower-case line without addresses, links and endless runs: what phrases are looked for in."""
    short = _LINKS.sub(" ", _LISTING.sub(" blocklist ", _RUNS.sub(r"\1", words[: MOST_WORDS * 4])))
    short = _ADDRESS.sub("<>", short)
    return " ".join(short.lower().split())[:MOST_WORDS]


def cause_of(status: str, words: str, step: Step = Step.UNKNOWN) -> Cause:
    """Why this recipient was refused, from the status reported for it and what the refusing server said."""
    said = bare(words)
    inner = status_in(said)
    if status.startswith("5.7") or (inner.startswith("5.7") and status not in HARD):
        return Cause.FULL if FULL.search(said) else Cause.POLICY
    named = _by_words(said, step)
    specific = bool(inner) and not _GENERIC.fullmatch(inner)
    told = inner if inner and (_GENERIC.fullmatch(status) or (specific and inner not in HARD)) else status
    if told.startswith("4"):
        return named if named is not None and not named.hard else Cause.LATER
    if told in HARD:
        return _agreed(told, named, said, step)
    if told == "5.4.1" and _EDGE in said:
        return Cause.NOBODY
    if told == "5.3.2" and code_in(said) == "521":
        return Cause.NOWHERE  # takes no mail at all (RFC 7504)
    by_status = Cause.UNSAID if told in ("5.4.1", "5.4.4") or _GENERIC.fullmatch(told) else _by_status(told)
    return named if named is not None and (by_status is Cause.UNSAID or not named.hard) else by_status


def _agreed(status: str, named: Cause | None, said: str, step: Step) -> Cause:
    """A hard status, unless the words beside it speak of something else; a fault that may pass does not outweigh it."""
    if named is not None and not named.hard and named is not Cause.LATER:
        return named
    if status == "5.2.1" and step is not Step.RECIPIENT and (NOBODY.search(said) or QUOTED.search(said)):
        return Cause.UNSAID  # "disabled" beside "unknown": one of them is wrong
    return _by_status(status)


def _by_status(status: str) -> Cause:
    match status.split("."):
        case ["5", "1", "2" | "10"]:
            return Cause.NOWHERE
        case ["5", "1", "6"]:
            return Cause.MOVED
        case ["5", "1", "1" | "3"] | ["5", "2", "1"]:
            return Cause.NOBODY
        case ["5", "1", "7" | "8"]:
            return Cause.SENDER
        case ["5", "2", "2"]:
            return Cause.FULL
        case ["5", "2" | "3", "3" | "4"]:
            return Cause.SIZE
        case ["5", "6" | "7", _]:
            return Cause.POLICY
        case ["4", *_] | ["5", "4", _]:
            return Cause.LATER
        case _:
            return Cause.UNSAID


def _by_words(said: str, step: Step) -> Cause | None:
    """What the words alone name; None where they name nothing."""
    code = code_in(said) or status_in(said)
    dead = next((cause for cause, pattern in (_DEAD if code else _DEAD_UNCODED) if pattern.search(said)), None)
    rest = said
    for _, pattern in _DEAD if dead else ():
        rest = pattern.sub(" ", rest)
    doubt = next((cause for cause, pattern in _DOUBT if pattern.search(rest)), None)
    if doubt is not None or dead is None:
        return doubt
    if VAGUE.search(said):
        return None
    closed = code and CLOSED.search(said)
    return None if step in (Step.CONTENT, Step.SENDER) and not closed else dead


_DEAD_UNCODED = ((Cause.NOWHERE, NOWHERE), (Cause.NOBODY, NOBODY))
_DEAD = (*_DEAD_UNCODED, (Cause.MOVED, MOVED), (Cause.NOBODY, QUOTED), (Cause.NOBODY, CLOSED))
_DOUBT = ((Cause.FULL, FULL), (Cause.SENDER, SENDER), (Cause.SIZE, SIZE), (Cause.POLICY, POLICY), (Cause.LATER, LATER))
