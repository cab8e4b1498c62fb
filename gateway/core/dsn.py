"""Writes a delivery status notification (RFC 3461, 3464, 6522; 6533 where addresses are international), R-STD-57.

The caller sends it from `<>`, to the return path only, and never for a null return path. It returns the header of the original,
never its content: a deliberate deviation from RFC 6522 3, for privacy. No field of the original can add a field or a part.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum

MAX_HEADER = 64 * 1024
_MAX_TEXT = 900  # a line ends at 998 octets (RFC 5322 2.1.1)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\Z")


class Action(StrEnum):
    """What became of the recipient (RFC 3464 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class Failure:
    """All a report says about one message for one recipient.

    `envelope_id`, `orcpt` are as given in ENVID and ORCPT, `diagnostic` the next hop's answer or ours, `header` the original's
    header block (what follows its blank line is left out), `message_id` the report's own, with angle brackets.
    """

    reporting_mta: str
    return_path: str
    recipient: str
    action: Action
    status: str
    diagnostic: str
    arrived_at: datetime
    last_attempt_at: datetime
    header: bytes
    message_id: str
    language: str = "en"
    envelope_id: str = ""
    orcpt: str = ""
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class _Words:
    subject: str
    opening: str
    recipient: str
    answer: str
    closing: str


_WORDS = {
    ("en", Action.FAILED): _Words(
        "Undelivered mail: a recipient was not reached",
        "Your message could not be delivered. No further attempt will be made.",
        "Recipient",
        "Reason",
        "The header of your message is attached; its content is not returned.",
    ),
    ("en", Action.DELAYED): _Words(
        "Delayed mail: a recipient is not reached yet",
        "Your message is not delivered yet. Delivery is still being tried; there is nothing you need to do.",
        "Recipient",
        "Reason",
        "The header of your message is attached; its content is not returned.",
    ),
    ("en", Action.RELAYED): _Words(
        "Relayed mail: passed on to a system that sends no confirmation",
        "Your message was passed on to a mail system that will not confirm its delivery.",
        "Recipient",
        "Answer",
        "The header of your message is attached; its content is not returned.",
    ),
    ("fr", Action.FAILED): _Words(
        "Message non remis : un destinataire n'a pas pu recevoir le message",
        "Votre message n'a pas pu être remis. Aucun autre essai ne sera fait.",
        "Destinataire",
        "Raison",
        "L'en-tête de votre message est joint ; son contenu n'est pas renvoyé.",
    ),
    ("fr", Action.DELAYED): _Words(
        "Message en attente : un destinataire ne l'a pas encore",
        "Votre message n'est pas encore remis. Les essais continuent ; vous n'avez rien à faire.",
        "Destinataire",
        "Raison",
        "L'en-tête de votre message est joint ; son contenu n'est pas renvoyé.",
    ),
    ("fr", Action.RELAYED): _Words(
        "Message transmis : le serveur suivant ne confirme pas la remise",
        "Votre message a été transmis à un serveur de messagerie qui ne confirmera pas sa remise.",
        "Destinataire",
        "Réponse",
        "L'en-tête de votre message est joint ; son contenu n'est pas renvoyé.",
    ),
}


_UNKNOWN = {Action.FAILED: "5.0.0", Action.DELAYED: "4.0.0", Action.RELAYED: "2.0.0"}


def wants_failure(notify: str) -> bool:
    """Whether NOTIFY as given asks for a failure report; not given, it does (RFC 3461 4.1)."""
    return not notify or "FAILURE" in _asked(notify)


def wants_success(notify: str) -> bool:
    """Whether NOTIFY as given asks to hear of success, which a next hop without DSN cannot report (RFC 3461 5.2.2)."""
    return "SUCCESS" in _asked(notify)


def report(failure: Failure, date: datetime, boundary: str) -> bytes:
    """The complete message, CRLF throughout; `boundary` should be unguessable, and is lengthened where a part holds it."""
    wide = failure.smtputf8 or not failure.return_path.isascii()
    words = _WORDS.get((failure.language[:2].lower(), failure.action), _WORDS["en", failure.action])
    parts = [_human(failure, words), _status(failure, wide), _original(failure.header, wide)]
    boundary = re.sub(r"[^A-Za-z0-9]", "", boundary)[:40] or "dsn"
    while any(boundary.encode("ascii") in part for part in parts):
        boundary += "x"
    mark = b"--" + boundary.encode("ascii")
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts)
    return _header(failure, words, date, boundary) + b"\r\n" + body + mark + b"--\r\n"


def _header(failure: Failure, words: _Words, date: datetime, boundary: str) -> bytes:
    lines = [
        f"From: <MAILER-DAEMON@{_name(failure.reporting_mta)}>",
        f"To: <{_path(failure.return_path)}>",
        f"Subject: {words.subject}",
        f"Date: {_date(date)}",
        f"Message-ID: {_line(failure.message_id)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"',
    ]
    return "".join(line + "\r\n" for line in lines).encode("utf-8")


def _human(failure: Failure, words: _Words) -> bytes:
    text = [words.opening, "", f"{words.recipient}: {_path(failure.recipient)}"]
    text += [f"{words.answer}: {_line(failure.diagnostic)} ({_code(failure)})", "", words.closing, ""]
    encoded = binascii.b2a_qp("\n".join(text).encode("utf-8"), istext=True).replace(b"\n", b"\r\n")
    return b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded


def _status(failure: Failure, wide: bool) -> bytes:
    """The machine's part: one group about the message, one about the recipient (RFC 3464 2.1)."""
    lines = [f"Reporting-MTA: dns; {_name(failure.reporting_mta)}"]
    if failure.envelope_id:
        lines.append(f"Original-Envelope-Id: {_unxtext(failure.envelope_id)}")
    lines += [f"Arrival-Date: {_date(failure.arrived_at)}", ""]
    kind, found, original = failure.orcpt.partition(";")
    if found and re.fullmatch(r"[A-Za-z0-9-]{1,40}", kind) and original:
        lines.append(f"Original-Recipient: {kind}; {_unxtext(original)}")
    lines += [
        f"Final-Recipient: {_final(_path(failure.recipient), wide)}",
        f"Action: {failure.action}",
        f"Status: {_code(failure)}",
    ]
    if failure.diagnostic:
        lines.append(f"Diagnostic-Code: smtp; {_line(failure.diagnostic)}")
    lines += [f"Last-Attempt-Date: {_date(failure.last_attempt_at)}", ""]
    text = "\r\n".join(lines)
    if wide:
        head = b"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        return head + text.encode("utf-8")
    return b"Content-Type: message/delivery-status\r\n\r\n" + text.encode("ascii", "replace")


def _original(header: bytes, wide: bool) -> bytes:
    """The original's header block, cut at a line end where it is very long; encoded where it is not short lines of ASCII."""
    block = header.partition(b"\r\n\r\n")[0].removesuffix(b"\r\n")
    if len(block) > MAX_HEADER:
        block = block[: block.rfind(b"\r\n", 0, MAX_HEADER)] if b"\r\n" in block[:MAX_HEADER] else block[:MAX_HEADER]
    kind = b"message/global-headers; charset=utf-8" if wide else b"text/rfc822-headers"
    if not _sendable(block, wide):
        encoded = binascii.b2a_qp(block.replace(b"\r\n", b"\n"), istext=True).replace(b"\r", b"=0D").replace(b"\n", b"\r\n")
        return b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded + b"\r\n"
    coding = b"" if block.isascii() else b"\r\nContent-Transfer-Encoding: 8bit"
    return b"Content-Type: " + kind + coding + b"\r\n\r\n" + block + b"\r\n"


def _sendable(block: bytes, wide: bool) -> bool:
    """Whether a header block may travel as it is: short lines, no stray control, ASCII or, where that is agreed on, UTF-8."""
    lines = block.split(b"\r\n")
    if max(map(len, lines)) > 998 or any(set(line) & {0, 10, 13} for line in lines):
        return False
    return block.isascii() or (wide and block.decode("utf-8", "ignore").encode("utf-8") == block)


def _final(recipient: str, wide: bool) -> str:
    """The recipient with its type; in ASCII surroundings an international one is written as RFC 6533 3 says."""
    if recipient.isascii():
        return f"rfc822; {recipient}"
    if wide:
        return f"utf-8; {recipient}"
    return "utf-8; " + re.sub(r"[^\x21-\x7e]|[\\+=]", lambda found: f"\\x{{{ord(found[0]):X}}}", recipient)


def _unxtext(text: str) -> str:
    """xtext decoded (RFC 3461 4), or as given where that would not be printable ASCII."""
    plain = _XTEXT.sub(lambda found: chr(int(found[1], 16)), text)
    return _line(plain if plain.isascii() and plain.isprintable() else text)


def _code(failure: Failure) -> str:
    return failure.status if _STATUS.match(failure.status) else _UNKNOWN[failure.action]


def _asked(notify: str) -> set[str]:
    return {word.strip() for word in notify.upper().split(",")}


def _line(text: str) -> str:
    """Foreign text as one line that cannot end early."""
    return _CONTROL.sub(" ", text).strip()[:_MAX_TEXT]


def _path(address: str) -> str:
    return re.sub(r"[<>]", "", _line(address))


def _name(host: str) -> str:
    return re.sub(r"[^A-Za-z0-9.:_\[\]-]", "", host)[:255] or "localhost"


def _date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC))
