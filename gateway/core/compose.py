"""Turns a message that may leave into the exact bytes that leave for one person.

The order is law, not configuration: headers and words first, signature last (R-STD-40). Pure: time and identifiers come in.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from gateway.core import reply as replies
from gateway.core.conduct import Conduct, Fields, fields_due
from gateway.core.header import unfold
from gateway.core.mime import Message
from gateway.core.model import Category, Partner, PersonKey, Replies, Stream
from gateway.core.notice import LANGUAGES, NO_PARTNERS, NoticeFault, Notices, Shown, Words
from gateway.core.record import NamedPartner
from gateway.core.reply import Reply
from gateway.core.reply_to import REPLY_PREFIX, answered_at
from gateway.core.rewrite import CannotCarry, Edit, Obstacle, own_unsubscribe, rewrite
from gateway.core.sieve import NOTHING, Sifted
from gateway.core.sign import DkimKey, Unsigned, body_digest, finish, prepare, private_sign
from gateway.core.token import TokenKeys, mint
from gateway.core.verdict import Due

STAMP = "compliance-gateway"
# List-* of a tool are never trusted (R-STD-30); our own border writes no Authentication-Results on mail that leaves (R-STD-39, 72).
DROP_ALWAYS = frozenset({"bcc", "return-path", "authentication-results"})
DROP_MARKETING = DROP_ALWAYS | {"list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id"}
_ENOUGH = 4096  # octets of a body that tell messages apart


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all mail of one stream has in common: identity, authority, signing keys by From domain, the ways to opt out.

    `inbound_domain` is empty where no inbound listener is configured: then there is no mailto door. `unsigned` are the fields the
    provider rewrites after us (R-MBX-21). `authority_*` is of the stream's own pack, for mail of our own; a copy of a tool's mail
    names its recipient's.
    """

    stream: Stream
    notices: Notices
    authority_name: str
    authority_url: str
    dkim: Mapping[str, tuple[DkimKey, ...]]
    tokens: TokenKeys
    public_url: str
    inbound_domain: str
    hostname: str
    unsigned: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is peculiar to one handling of one message: the instant, and how it came in; `helo` is empty once that is stamped."""

    now: datetime
    helo: str
    protocol: str
    tls: str
    id: str


@dataclass(frozen=True, slots=True)
class Copy:
    """The one copy one person gets: why it may be written decides which words are due.

    `authority_*` is of the pack the recipient is judged by, so that each is sent to their own (R-PACK-10).
    `list_version` is the advertiser's current partner list, empty where none is published; `news` are the partners in it that this
    copy tells of (R-FR-24, R-FR-25). `conduct` are that pack's content rules, `tracking` the person's consent to trackers,
    `dead` the domains known to take no mail.
    """

    person: PersonKey
    due: Due
    source: str
    partner: Partner | None
    authority_name: str
    authority_url: str
    list_version: str = ""
    news: tuple[NamedPartner, ...] = ()
    conduct: Conduct | None = None
    tracking: bool = False
    dead: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finished:
    """The bytes for the provider in pieces, their SHA-256, the hash of the words put in, the tool's own List-Unsubscribe.

    `sifted` is what was taken out.
    """

    chunks: tuple[bytes | memoryview, ...]
    digest: str
    template: str
    own_unsubscribe: bytes
    size: int
    sifted: Sifted = NOTHING


@dataclass(frozen=True, slots=True)
class Draft:
    """A copy that lacks only its signatures: what they cover stands in `unsigned`."""

    chunks: tuple[bytes | memoryview, ...]
    unsigned: tuple[Unsigned, ...]
    template: str
    own_unsubscribe: bytes
    sifted: Sifted = NOTHING


def compose(message: Message, head: Letterhead, copy: Copy, stamp: Stamp, eight_bit: bool) -> Finished | Reply:
    """The finished copy, or the reply that says why it cannot be made: `draft` to `complete` in one."""
    drafted = draft(message, head, copy, stamp, eight_bit)
    return drafted if isinstance(drafted, Reply) else complete(drafted, signatures(drafted))


def draft(message: Message, head: Letterhead, copy: Copy, stamp: Stamp, eight_bit: bool) -> Draft | Reply:
    """Everything but the signatures: headers and words put in, what is to be signed laid out."""
    keys = head.dkim.get(message.from_domain)
    if not keys:
        return replies.NO_DKIM_KEY
    marketing = head.stream.category is Category.MARKETING
    token = mint(head.tokens, head.stream.number, copy.person) if marketing else ""
    words = _words(message, head, copy, token) if marketing else None
    if isinstance(words, NoticeFault):
        return replies.NOTICE_FAULT
    due = _content(message, head, copy, token) if marketing and copy.conduct else ()
    if isinstance(due, Reply):
        return due
    sieve = copy.conduct.sieve(copy.tracking) if marketing and copy.conduct else None
    put = (*_headers(message, head, stamp, token), *due, *_captured(message, head, copy))
    rewritten = rewrite(message, Edit(put, DROP_MARKETING if marketing else DROP_ALWAYS, words, eight_bit, sieve))
    if isinstance(rewritten, CannotCarry):
        return _OBSTACLES[rewritten.why]
    if copy.conduct and copy.conduct.refuses(rewritten.sifted):
        return replies.TRACKER
    unsigned = prepare(rewritten.chunks, keys, int(stamp.now.timestamp()), head.unsigned)
    own = own_unsubscribe(message) if marketing else b""
    return Draft(rewritten.chunks, unsigned, words.template if words else "", own, rewritten.sifted)


def _content(message: Message, head: Letterhead, copy: Copy, token: str) -> Fields | Reply:
    """What the recipient's pack asks of Subject and Reply-To (R-FR-72, R-FR-73, R-FR-74)."""
    own = f"{REPLY_PREFIX}{token}@{head.inbound_domain}" if head.inbound_domain else ""
    advertiser = head.stream.advertiser
    due = fields_due(message, copy.conduct, advertiser.legal_name, advertiser.contact, own, copy.dead) if copy.conduct else ()
    if isinstance(due, Reply) or not captures(head):
        return due
    return tuple(one for one in due if one[0] != "Reply-To")


def captures(head: Letterhead) -> bool:
    """Whether answers to the stream's mail come to us first (R-FR-57)."""
    return head.stream.replies is Replies.CAPTURE and bool(head.inbound_domain)


def _captured(message: Message, head: Letterhead, copy: Copy) -> Fields:
    """Reply-To with the person's token: whoever says stop by answering is heard, and known (R-FR-57, R-STD-63)."""
    if not captures(head):
        return ()
    token = mint(head.tokens, head.stream.number, copy.person)
    return (("Reply-To", answered_at(message, f"{REPLY_PREFIX}{token}@{head.inbound_domain}")),)


def signatures(drafted: Draft) -> tuple[bytes, ...]:
    """The private operations of a draft: most of the time of a small copy, and other threads run meanwhile."""
    return tuple([private_sign(one) for one in drafted.unsigned])


def complete(drafted: Draft, signed: Sequence[bytes]) -> Finished:
    """The copy with its signatures on top of everything."""
    fields = b"".join([finish(one, signature) for one, signature in zip(drafted.unsigned, signed, strict=True)])
    chunks = (fields, *drafted.chunks)
    return Finished(chunks, body_digest(chunks), drafted.template, drafted.own_unsubscribe, sum(map(len, chunks)), drafted.sifted)


def _words(message: Message, head: Letterhead, copy: Copy, token: str) -> Words | NoticeFault:
    return head.notices.compose(
        head.stream,
        copy.due,
        copy.source,
        copy.partner,
        opt_out_url(head, token),
        copy.authority_url,
        copy.authority_name,
        language(message, head.stream),
        Shown(partners_url(head), copy.news) if copy.list_version else NO_PARTNERS,
    )


_OBSTACLES = {
    Obstacle.SIGNED: replies.SIGNED_CONTENT,
    Obstacle.NO_TEXT: replies.NO_TEXT_PART,
    Obstacle.LONG_LINE: replies.LINES_TOO_LONG,
    Obstacle.EIGHT_BIT: replies.NEEDS_8BIT,
    Obstacle.HEADER: replies.INTERNAL,
}


def opt_out_url(head: Letterhead, token: str) -> str:
    """The https door of one person and stream (R-STD-32)."""
    return f"{head.public_url}/u/{token}"


def partners_url(head: Letterhead) -> str:
    """Where the advertiser's current partner list is, for anybody (R-FR-25)."""
    return f"{head.public_url}/p/{head.stream.advertiser.name}"


def language(message: Message, stream: Stream) -> str:
    """The language of our words: Content-Language of the message or of a part that is read (RFC 3282), else the stream's."""
    for part in message.root.walk():
        field = None if part.attached else part.field("content-language")
        tag = unfold(message.raw, field).decode("ascii", "replace").lower()[:2] if field else ""
        if tag in LANGUAGES:
            return tag
    return stream.language


def carries_our_stamp(message: Message, hostname: str) -> bool:
    """Whether this very gateway handled the message before: a loop (R-STD-20)."""
    mark = f"by {hostname} ({STAMP})".encode("ascii", "replace")
    return any(mark in value for value in message.values("received"))


def delivery_key(kind: str, parts: Sequence[str | bytes]) -> bytes:
    """One 16-byte key for `taken` or `sent` marks, so that a resend or a restart does not mail twice (design 4)."""
    digest = hashlib.sha256(kind.encode())
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    return digest.digest()[:16]


def _headers(message: Message, head: Letterhead, stamp: Stamp, token: str) -> tuple[tuple[str, bytes], ...]:
    put = [("Received", _trace(head.hostname, stamp))] if stamp.helo else []
    if not message.has("date"):
        put.append(("Date", _date(stamp.now).encode()))
    if not message.has("message-id"):
        put.append(("Message-ID", message_id(message, head.hostname, stamp.id)))
    if token:
        put += list_headers(head, token)
    return tuple(put)


def message_id(message: Message, hostname: str, decision: str) -> bytes:
    """The identifier of a message that came without one: the same at every attempt, so that a second copy is known as one."""
    body = message.root.body
    start = hashlib.sha256(message.raw[body : body + _ENOUGH]).hexdigest()[:12]
    return f"<{decision}.{start}@{hostname}>".encode()


def received(hostname: str, stamp: Stamp) -> bytes:
    """The trace field of one receipt, as it stands on top of a kept message (R-STD-19)."""
    return b"Received: " + _trace(hostname, stamp) + b"\r\n"


def _trace(hostname: str, stamp: Stamp) -> bytes:
    tls = f" ({stamp.tls})" if stamp.tls else ""
    return (
        f"from {stamp.helo} by {hostname} ({STAMP})\r\n with {stamp.protocol}{tls} id {stamp.id};\r\n {_date(stamp.now)}"
    ).encode("ascii", "replace")


def _date(now: datetime) -> str:
    return _date_of(int(now.timestamp()))


@lru_cache(maxsize=8)
def _date_of(second: int) -> str:
    """The date of RFC 5322 3.3, made once for all mail of a second."""
    return format_datetime(datetime.fromtimestamp(second, UTC))


def list_headers(head: Letterhead, token: str) -> list[tuple[str, bytes]]:
    """The opt-out pair and the stream's identity (R-STD-31, R-MBX-01, R-MBX-12)."""
    unsubscribe = f"<{opt_out_url(head, token)}>"
    if head.inbound_domain:
        unsubscribe += f", <mailto:u-{token}@{head.inbound_domain}?subject=unsubscribe>"
    stream = head.stream
    advertiser = stream.advertiser
    identity = _identity(stream.name, stream.category.value, advertiser.name, advertiser.from_domains[0])
    return [("List-Unsubscribe", unsubscribe.encode()), *identity]


@lru_cache(maxsize=256)
def _identity(stream: str, category: str, advertiser: str, domain: str) -> tuple[tuple[str, bytes], ...]:
    """The fields that all mail of a stream has alike."""
    sender_id = base64.b32encode(hashlib.sha256(advertiser.encode()).digest())[:10].decode().lower()
    return (
        ("List-Unsubscribe-Post", b"List-Unsubscribe=One-Click"),
        ("List-Id", f"<{_list_label(stream)}.{domain}>".encode()),
        ("Feedback-ID", f"{stream}:{advertiser}:{category}:{sender_id}".encode()),
    )


def _list_label(stream: str) -> str:
    """A stream's name as RFC 2919 2 wants it: a dot-atom, so no dot without something before and after it."""
    return ".".join(label or "-" for label in stream.split("."))
