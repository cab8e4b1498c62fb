"""Writes the short plain mails of the way back: "done", to a person, and "a task waits", to the data protection officer.

They say what was done and when; no argument, no marketing, no counter-request, no word of what was written to us (R-FR-60,
R-STD-62). Locked templates; pure.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from gateway.core.compose import Draft, Letterhead
from gateway.core.notice import NoticeFault, clean
from gateway.core.own_mail import PLAIN, Letter, MailKind, OwnTemplates, encoded_word, quoted_printable, show_mailbox
from gateway.core.sign import prepare

UNKNOWN_LANGUAGE = "en"


def draft_plain(templates: OwnTemplates, head: Letterhead, letter: Letter, now: datetime, word: str) -> Draft | NoticeFault:
    """The whole message but its signatures; `word` is random, for the Message-ID.

    `letter.words` are closed words of ours and two fields of the mail that is answered, `message_id` and `thread`.
    """
    advertiser = head.stream.advertiser
    keys = head.dkim.get(advertiser.sender.rpartition("@")[2])
    if not keys:
        return NoticeFault("no key signs for the sender's domain", ("sender",))
    language = spoken_in(letter.kind, letter.language)
    facts = {name: letter.words.get(name, "") for name in ("opposed", "rights", "on", "due", "task", "late", "partner", "hours")}
    facts |= {
        "legal_name": clean(advertiser.legal_name or advertiser.name),
        "postal_address": clean(advertiser.postal_address),
        "contact": clean(advertiser.contact),
    }
    rendered = templates.render_plain(f"{letter.kind.value}.{language}", facts)
    if isinstance(rendered, NoticeFault):
        return rendered
    subject, words = rendered
    fields = _fields(head, letter, subject, language, now, word)
    raw = b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in fields) + b"\r\n" + quoted_printable(words.text)
    return Draft((raw,), prepare((raw,), keys, int(now.timestamp()), head.unsigned), words.template, b"")


def spoken_in(kind: MailKind, language: str) -> str:
    """The language such a mail is written in for somebody who speaks this one."""
    return language if language in PLAIN[kind] else UNKNOWN_LANGUAGE


def _fields(head: Letterhead, letter: Letter, subject: str, language: str, now: datetime, word: str) -> list[tuple[str, bytes]]:
    advertiser, words = head.stream.advertiser, letter.words
    answers = letter.kind is MailKind.ACK
    thread = [("In-Reply-To", words.get("message_id", "")), ("References", words.get("thread", "").replace(" ", "\r\n "))]
    return [
        ("From", show_mailbox(clean(advertiser.legal_name or advertiser.name), advertiser.sender).encode()),
        ("To", letter.to.wire.encode()),
        ("Subject", encoded_word(subject, "Subject").encode()),
        ("Date", format_datetime(now).encode()),
        ("Message-ID", f"<{word}@{head.hostname}>".encode()),
        *((name, value.encode("ascii", "replace")) for name, value in thread if value and answers),
        ("Auto-Submitted", b"auto-replied" if answers else b"auto-generated"),
        ("Content-Language", language.encode()),
        ("MIME-Version", b"1.0"),
        ("Content-Type", b"text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", b"quoted-printable"),
    ]
