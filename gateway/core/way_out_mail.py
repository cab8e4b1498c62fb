"""Writes the mail by which a tool wants to be told that somebody leaves: its own mailto link, taken for the person (R-FR-51). Pure.

Subject and text are the tool's own, as the link gave them (RFC 6068); everything else is ours.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.utils import format_datetime

from gateway.core.compose import Draft, Letterhead
from gateway.core.notice import NoticeFault, clean
from gateway.core.own_mail import Letter, OwnTemplates, encoded_word, quoted_printable, show_mailbox
from gateway.core.sign import prepare

DEFAULT_SUBJECT = "unsubscribe"


def draft_way_out(_: OwnTemplates, head: Letterhead, letter: Letter, now: datetime, word: str) -> Draft | NoticeFault:
    """The whole message but its signatures; it bears no mark of automatic mail, which list software leaves unread (RFC 3834 2)."""
    advertiser = head.stream.advertiser
    keys = head.dkim.get(advertiser.sender.rpartition("@")[2])
    if not keys:
        return NoticeFault("no key signs for the sender's domain", ("sender",))
    subject, text = letter.words.get("subject", "") or DEFAULT_SUBJECT, letter.words.get("text", "") or DEFAULT_SUBJECT
    fields = (
        ("From", show_mailbox(clean(advertiser.legal_name or advertiser.name), advertiser.sender)),
        ("To", letter.to.wire),
        ("Subject", encoded_word(subject, "Subject")),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<{word}@{head.hostname}>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "quoted-printable"),
    )
    raw = b"".join(f"{name}: {value}\r\n".encode() for name, value in fields) + b"\r\n" + quoted_printable(text + "\n")
    template = hashlib.sha256(b"way-out").hexdigest()[:16]
    return Draft((raw,), prepare((raw,), keys, int(now.timestamp()), head.unsigned), template, b"")
