"""Whether a person can answer a message, and at which address they can where the message's own leads nowhere (R-FR-73).

Knows addresses only as text and no DNS: domains known to take no mail come in.
"""

from __future__ import annotations

import re
from collections.abc import Set
from email.header import Header
from functools import lru_cache

from gateway.core.header import unfold
from gateway.core.mime import Message
from gateway.core.originator import mailbox

REPLY_PREFIX = "r-"
"""Local part of a reply address of ours: `r-TOKEN@inbound domain`."""

_ADDRESS = re.compile(r"[^\s<>,;:\"()@]{1,128}@([^\s<>,;:\"()@]{1,255})")
_NOBODY = re.compile(
    r"(?:no|not|non|dont|donot|do-?not|never|cannot|ne-?pas|nepas|sans|keine|nicht|bitte-?nicht|niet)-?"
    r"(?:re?ply|replay|respond|response|answer|rep|repondre|reponse|antwort|antworten|antwoorden|beantworten|responder|rispondere|svara)"
    r"(?:to(?:this)?|-?mail|-?email)?\d{0,4}|(?:null|devnull|dev-null|blackhole|unattended|unmonitored|nobody)",
    re.IGNORECASE,
)
_ACCENTS = str.maketrans("éèêë", "eeee")


def unroutable(message: Message, answer_to: bytes | None, dead: Set[str]) -> bool:
    """Whether nobody would read an answer: every address it goes to says so itself, or lies at a domain that takes no mail.

    Answers go to Reply-To (`answer_to`, unfolded), or to From where there is none (RFC 5322 3.6.2).
    """
    if answer_to is None:
        return nobody_reads(message.from_address) or message.from_domain in dead
    addresses = [(found[0], found[1]) for found in _ADDRESS.finditer(answer_to.decode("utf-8", "replace"))]
    return all(nobody_reads(address) or domain.lower() in dead for address, domain in addresses)


@lru_cache(maxsize=256)
def nobody_reads(address: str) -> bool:
    """Whether an address calls itself one that is not read: `no-reply`, `ne-pas-repondre`... with or without a tag or prefix."""
    local = address.rpartition("@")[0].partition("+")[0].lower().translate(_ACCENTS)
    plain = re.sub(r"[._-]+", "-", local)
    return any(_NOBODY.fullmatch(form) for form in (plain, plain.replace("-", ""), *_ends(plain)))


def _ends(local: str) -> tuple[str, ...]:
    """What follows the first part and what precedes the last one: `shop-noreply`, `noreply-news`."""
    first, _, rest = local.partition("-")
    start, _, last = local.rpartition("-")
    return tuple(one for one in (rest, start, last, first) if len(one) >= len("no-rep"))


def contact_address(contact: str, dead: Set[str]) -> str:
    """The advertiser's contact where it is a mail address that people read; empty where it is a telephone, or unread itself."""
    found = mailbox(contact.encode())
    return found[0] if found and found[1] not in dead and not nobody_reads(found[0]) and found[0].isascii() else ""


def answered_at(message: Message, address: str) -> bytes:
    """The value of a Reply-To that leads to `address` under the name the message's own Reply-To or From showed (R-FR-57)."""
    fields = {field.name: unfold(message.raw, field) for field in message.fields if field.name in ("reply-to", "from")}
    name = next((found for one in ("reply-to", "from") if (found := _phrase(fields.get(one, b"")))), b"")
    return name + f" <{address}>".encode() if name else f"<{address}>".encode()


def _phrase(value: bytes) -> bytes:
    """The display name of a field that is one mailbox, as it was written; what is not ASCII becomes encoded words."""
    name, bracket, _ = value.rpartition(b"<")
    name = name.strip(b" \t")
    if not bracket or b"(" in name or mailbox(value) is None:
        return b""
    if name.isascii():
        return name
    plain = name.decode("utf-8", "replace").strip()
    if plain.startswith('"') and plain.endswith('"'):
        plain = re.sub(r"\\(.)", r"\1", plain[1:-1])
    return Header(plain, "utf-8", header_name="Reply-To").encode(linesep="\r\n").encode("ascii")
