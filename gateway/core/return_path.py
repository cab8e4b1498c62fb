"""The return path of our own (VERP): where failures come back to, whom a report is about, which notices it proves were not given.

Pure. The token in the address says who is meant (R-STD-63); addresses in a report only say which of its lines is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from gateway.core.compose import Letterhead
from gateway.core.evidence import Event, Kind
from gateway.core.model import Fate, PersonKey
from gateway.core.record import NoticeGiven, NoticeKind
from gateway.core.signal import Reported
from gateway.core.token import mint

RETURN_PREFIX = "b-"
"""Local part of a return path of ours: `b-TOKEN@inbound domain`."""

UNDER_WAY = timedelta(days=6)
"""Servers give up on a mail after four or five days (RFC 5321 4.5.4.1): a later report is about a later mail."""

TOLD_BY_MAIL = frozenset({NoticeKind.FIRST_CONTACT, NoticeKind.PARTNER_LIST})

_XTEXT = re.compile(r"[^!-~]|[+=]")


def captures_failures(head: Letterhead) -> bool:
    """Whether failures of the stream's mail come back to us first (R-STD-56)."""
    return head.stream.capture_bounces and bool(head.inbound_domain)


def return_path(head: Letterhead, person: PersonKey) -> str:
    """The envelope sender of one person's mail in a stream."""
    return f"{RETURN_PREFIX}{mint(head.tokens, head.stream.number, person)}@{head.inbound_domain}"


def concerning(reported: Sequence[Reported], theirs: Callable[[str], bool]) -> Reported:
    """What a report says of the person the token names: the gravest of the lines that name them, if any do.

    Lines that name others are what their address was expanded to or forwarded to: it is dead where every one of them is.
    """
    own = [one for one in reported if theirs(one.original or one.address)] or [one for one in reported if theirs(one.address)]
    if own:
        return next((one for one in own if one.hard), own[0])
    return next((one for one in reported if not one.hard), reported[0] if reported else Reported(""))


def named(one: Reported, theirs: Callable[[str], bool]) -> str:
    """The person's own address as a report writes it; empty where it writes only others."""
    return next((address for address in (one.original, one.address) if address and theirs(address)), "")


def orcpt(address: str) -> str:
    """An Original-Recipient as ORCPT has it, in xtext; empty for one that only fits the international form (RFC 3461 4.2)."""
    return "rfc822;" + _XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", address) if address.isascii() and address else ""


def digest_of(message_id: str) -> str:
    """A Message-ID as evidence names messages; empty without one."""
    return sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest() if message_id else ""


def attempt_of(trail: Mapping[str, Event], message_id: str) -> Event | None:
    """The latest attempt to bring a person that very message; None where none is on record."""
    digest = digest_of(message_id)
    found = [event for event in trail.values() if event.kind is Kind.ATTEMPT and digest and event.message == digest]
    return max(found, key=lambda event: event.at, default=None)


def wrote_ourselves(message_id: str, hostname: str) -> bool:
    """Whether it is the Message-ID of own mail; one that we gave a tool's mail has a dot before our name (`compose.message_id`)."""
    local, _, host = message_id.strip("<>").rpartition("@")
    return host == hostname and bool(local) and "." not in local


def not_given(notices: Sequence[NoticeGiven], trail: Mapping[str, Event], message_id: str, at: datetime) -> tuple[NoticeGiven, ...]:
    """The notices that were in the mail of which a report says that it never arrived (R-FR-31).

    `trail` are the person's journal entries by reference. Which mail it was is known where both the report and our record of the
    mail name it; else it is taken to be the one that was under way: to tell somebody twice is the lesser harm.
    """
    taken = {event.at: event.about for event in trail.values() if (event.kind, event.outcome) == (Kind.OUTCOME, Fate.DELIVERED)}
    digest = digest_of(message_id)
    found: list[NoticeGiven] = []
    for notice in notices:
        attempt = trail.get(taken.get(notice.at, ""))
        known = attempt.message if attempt else ""
        same = known == digest if known and digest else timedelta() <= at - notice.at <= UNDER_WAY
        if notice.kind in TOLD_BY_MAIL and same:
            found.append(notice)
    return tuple(found)
