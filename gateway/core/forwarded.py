"""Whether a message was received by somebody before its tool handed it in: a forwarder's mail, not a submission (R-MBX-18).

A `Received` alone says nothing: tools and local relays add one each. What only a receiving server writes does: its verdict on the
sender, the mailbox it delivered to, a seal over both.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from gateway.core.mime import Message

_OF_RECEIVERS = frozenset(
    ("authentication-results", "arc-authentication-results", "received-spf", "delivered-to", "x-original-to", "resent-from")
)
_INSTANCE = re.compile(rb"\bi\s*=\s*(\d{1,2})\b")


def forwarded(message: Message, own_domains: Collection[str]) -> bool:
    """Whether others' mail passes through: traces of a receiving server, and an author who is none of ours.

    Mail of an own author is a submission even with such traces - an office suite seals what it sends itself - unless two have
    sealed it in turn (RFC 8617 4.2.1), which no single hop does.
    """
    names = {field.name for field in message.fields}
    seals = [int(found[1]) for value in message.values("arc-seal") if (found := _INSTANCE.search(value))]
    if len(set(seals)) > 1 or any(seal > 1 for seal in seals):
        return True
    if message.from_domain in own_domains:
        return False
    return bool(seals) or ("received" in names and not names.isdisjoint(_OF_RECEIVERS))
