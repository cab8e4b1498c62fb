"""Reads a delivery status notification: one group of fields a recipient, Action and Status decide (RFC 3464, 6533; R-STD-63).

Found by its fields, not by its media type: in the wild the part is called anything. The words around it only say which command
was answered, and are the cause's only source where a status names none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.core.bounce_cause import HARD, Cause, cause_of, code_in, step_of
from gateway.core.notice_text import words_about
from gateway.core.signal import Reported, Told
from gateway.core.unpack import Mail, Part, head_of, worded

MOST_GROUPS = 100
MOST_DIAGNOSTIC = 1_000
MOST_AROUND = 500
STATUS_KINDS = frozenset({"message/delivery-status", "message/global-delivery-status"})

_NAMES = re.compile(r"^[ \t>]{0,4}(?:final-recipient|original-recipient)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_ESCAPE = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_RECEIPT_RULE = re.compile(r"\binbound-smtp\.[a-z0-9-]{1,30}\.amazonaws\.com\b", re.IGNORECASE)
_BLANK_LINES = re.compile(rb"\n[ \t]*\n")

_ACTIONS = (
    (Told.BOUNCE, ("fail", "error")),
    (Told.DELAYED, ("delay",)),
    (Told.DELIVERED, ("deliver", "relay", "expand")),
)


@dataclass(frozen=True, slots=True)
class Line:
    """What a report says of one recipient."""

    told: Told
    reported: Reported
    cause: Cause


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A delivery status notification; `fields` are those of the report as a whole."""

    fields: dict[str, str]
    lines: tuple[Line, ...]


def delivery_report(mail: Mail, notice: str) -> DeliveryReport | None:
    """The report a message carries; None where it carries none. `notice` are its words for people."""
    for part in _candidates(mail.parts):
        groups = list(_groups(part))
        recipients = [group for group in groups if _recipient(group)]
        if recipients:
            whole = next((group for group in groups if not _recipient(group)), {})
            alone = len(recipients) == 1
            return DeliveryReport(whole, tuple(_line(group, whole, notice, alone) for group in recipients))
    return None


def _candidates(parts: tuple[Part, ...]) -> Iterator[Part]:
    yield from (part for part in parts if part.kind in STATUS_KINDS)
    yield from (part for part in parts if part.kind not in STATUS_KINDS and _NAMES.search(part.text))


def _groups(part: Part) -> Iterator[dict[str, str]]:
    """The groups of fields; a recipient group cut in two by an empty line is one."""
    body = _bytes(part) if part.kind in STATUS_KINDS else _from_first_field(part.text)
    held: dict[str, str] = {}
    for block in _BLANK_LINES.split(body)[:MOST_GROUPS]:
        for group in _split(head_of(block.strip(b"\n"))[0]):
            if held and _recipient(held) and not _decided(held) and not _recipient(group) and _decided(group):
                held |= group
                continue
            if held:
                yield held
            held = group
    if held:
        yield held


def _bytes(part: Part) -> bytes:
    """The part's content in UTF-8: some servers write their own language into it (ISO-2022-JP by its escapes)."""
    content = part.content.replace(b"\r\n", b"\n")
    return worded(content, "iso-2022-jp").encode() if b"\x1b$" in content else content


def _from_first_field(text: str) -> bytes:
    """A report written into ordinary words, from its first line on."""
    found = re.search(
        r"^[ \t>]{0,4}(?:reporting-mta|final-recipient|original-recipient|action)[ \t]*:", text, re.IGNORECASE | re.MULTILINE
    )
    lines = text[found.start() if found else 0 :].split("\n")
    return "\n".join(line.lstrip("> \t") if ":" in line[:40] else line for line in lines).encode("utf-8", "replace")


def _split(fields: Iterable[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """One group from each Final-Recipient on, where the empty lines between them are missing."""
    group: dict[str, str] = {}
    for name, value in fields:
        if name in group and name in ("final-recipient", "original-recipient", "action"):
            yield group
            group = {}
        group.setdefault(name, value)
    if group:
        yield group


def _recipient(group: dict[str, str]) -> bool:
    return any(name in group for name in ("final-recipient", "original-recipient", "x-actual-recipient", "x-failed-recipient"))


def _decided(group: dict[str, str]) -> bool:
    return "action" in group or "status" in group


def _line(group: dict[str, str], whole: dict[str, str], notice: str, alone: bool) -> Line:
    final = address_in(group.get("final-recipient", "")) or address_in(group.get("x-actual-recipient", ""))
    original = address_in(group.get("original-recipient", ""))
    found = _STATUS.search(group.get("status", ""))
    status = found[1] if found else ""
    told = _told(group.get("action", ""), status)
    diagnostic = group.get("diagnostic-code", "")
    around = notice if alone else _around(notice, (original, final))
    if told is not Told.BOUNCE:
        return Line(told, Reported(final or original, status, False, original), Cause.LATER)
    told_why = diagnostic[:MOST_DIAGNOSTIC] if _says(diagnostic) or status in HARD else around
    words = " ".join((group.get("status", ""), told_why))
    cause = cause_of(status, words, step_of(around))
    if cause.hard and (_by_rule(whole) or (status not in HARD and _untyped(diagnostic))):
        cause = Cause.UNSAID
    return Line(told, Reported(final or original, status, cause.hard, original), cause)


def _by_rule(whole: dict[str, str]) -> bool:
    """Whether a rule of the owner's wrote this report after the mail was taken: SES receipt rules bounce as they like."""
    return bool(_RECEIPT_RULE.search(whole.get("reporting-mta", "")))


def _untyped(diagnostic: str) -> bool:
    """Whether a diagnostic neither says of what type it is nor bears a code: nobody's answer (RFC 3464 2.3.6)."""
    return bool(diagnostic) and not re.match(r"\s*[\w-]{1,40}\s*;", diagnostic) and not code_in(diagnostic)


def _says(diagnostic: str) -> bool:
    """Whether a diagnostic says more than an exit code."""
    return len(re.sub(r"^[\w-]+;", "", diagnostic).strip()) > 5


def _told(action: str, status: str) -> Told:
    """What happened to one recipient; a missing Action follows from the status (RFC 3464 2.3.3)."""
    word = action.strip().lower()
    for told, beginnings in _ACTIONS:
        if word.startswith(beginnings):
            return told
    return {"2": Told.DELIVERED, "4": Told.DELAYED}.get(status[:1], Told.BOUNCE)


def _around(notice: str, addresses: tuple[str, ...]) -> str:
    """The words for people about one recipient of several."""
    return next((words for address in addresses if address and (words := words_about(address, notice))), "")[:MOST_AROUND]


def address_in(value: str) -> str:
    """The address of a recipient field: `rfc822;x@y`, `utf-8; x@y`, in angle brackets, or alone (RFC 3464 2.3.1, 6533 3)."""
    _, typed, rest = value.partition(";")
    address = (rest if typed else value).strip().strip("<>").strip()
    return _ESCAPE.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)), address)[:320]
