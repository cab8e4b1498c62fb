"""The words of a message of any bytes: its subject, and its best readable part as text. Opens no attachment, never raises."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes

from gateway.core.charset import charset
from gateway.core.subject import decoded

MOST = 65536


@dataclass(frozen=True, slots=True)
class MailText:
    """What a message says, as far as a person would read it."""

    subject: str
    text: str
    language: str = ""
    truncated: bool = False


def text_of(data: bytes) -> MailText:
    """The subject, the best text, the declared language; at most 64 KB of text."""
    head, _, body = data.partition(b"\n\n") if b"\r\n\r\n" not in data else data.partition(b"\r\n\r\n")
    message = message_from_bytes(head + b"\n\n")
    for part in message_from_bytes(data).walk():
        if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            content = part.get_payload(decode=True)
            body = content if isinstance(content, bytes) else body
            text = body.decode(charset(part.get_content_charset("utf-8"))[1], "replace")
            break
    else:
        text = body.decode("utf-8", "replace")
    subject = decoded(str(message.get("subject", "")).encode("utf-8", "replace"))
    return MailText(subject, text[:MOST], str(message.get("content-language", "")), len(text) > MOST)
