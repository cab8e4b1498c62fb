"""What one policy pack asks of the content of marketing mail, made ready for use, and what of it one message fails.

R-FR-16, R-FR-72 to R-FR-79. It changes no message: fields to put in and what to sift come back as values.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Literal

from gateway.core import reply as replies
from gateway.core import subject as subjects
from gateway.core.guard import Guard, guard
from gateway.core.header import unfold
from gateway.core.mime import Message
from gateway.core.reply import Reply
from gateway.core.reply_to import contact_address, unroutable
from gateway.core.rulebook import RuleBook
from gateway.core.sieve import Sieve, Sifted

_MARKS = {"fr": "[Publicité]", "de": "[Werbung]"}
_ANY_MARK = "[Advertising]"
_NO_HOSTS: frozenset[str] = frozenset()
_READ = frozenset(("subject", "in-reply-to", "references", "reply-to"))

Fields = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Conduct:
    """The content rules of one pack, and its bounds of service mail; those it switches off allow everything.

    `unknown` is what is sifted for a person who did not consent to tracking, `consented` for one who did.
    """

    subject: Literal["refuse", "tag", "allow"]
    reply: Literal["set", "refuse", "allow"]
    label: str
    mark: str
    refuses_trackers: bool
    unknown: Sieve | None
    consented: Sieve | None
    guard: Guard | None

    def sieve(self, tracking: bool) -> Sieve | None:
        """What is sifted for a person; `tracking` says that they consented to it (R-FR-76)."""
        return self.consented if tracking else self.unknown

    def refuses(self, sifted: Sifted) -> bool:
        """Whether what was found must not be there at all, where this pack strips nothing (R-FR-75)."""
        return self.refuses_trackers and sifted.trackers > 0


def conduct(book: RuleBook, off: Set[str], language: str) -> Conduct:
    """The content rules of a pack, `off` the ids it switches off."""
    pixels = book.trackers.then if "R-FR-75" not in off else "allow"
    clicks = book.click_tracking.click_tracking if "R-FR-79" not in off else "allow"
    doubt = book.category_guard
    mark = _MARKS.get(language, _ANY_MARK)
    label = book.ad_label.ad_label if "R-FR-74" not in off else ""
    tracker_hosts = frozenset(book.trackers.hosts)
    click_hosts = frozenset(book.click_tracking.hosts)
    return Conduct(
        subject=book.subject.then if "R-FR-72" not in off else "allow",
        reply=book.reply_address.then if "R-FR-73" not in off else "allow",
        label=label,
        mark=label or mark,
        refuses_trackers=pixels == "refuse",
        unknown=_sieve(pixels != "allow", tracker_hosts, clicks != "allow", click_hosts),
        consented=_sieve(False, _NO_HOSTS, clicks == "strip", click_hosts),
        guard=None if "R-FR-16" in off else guard(doubt.recipients_per_hour, doubt.promotional, doubt.then),
    )


def _sieve(trackers: bool, tracker_hosts: frozenset[str], clicks: bool, click_hosts: frozenset[str]) -> Sieve | None:
    return Sieve(trackers, tracker_hosts, clicks, click_hosts) if trackers or clicks else None


def fields_due(message: Message, rules: Conduct, name: str, contact: str, own_address: str, dead: Set[str]) -> Fields | Reply:
    """The fields a marketing message must get in place of its own, or the refusal.

    `name` is the advertiser's, `own_address` a reply address of ours (empty: none), `dead` are domains that take no mail.
    """
    said = {field.name: unfold(message.raw, field) for field in message.fields if field.name in _READ}
    titled = _subject(said, rules, name)
    if isinstance(titled, Reply):
        return titled
    answered = _reply_to(message, said.get("reply-to"), rules, contact, own_address, dead)
    return answered if isinstance(answered, Reply) else (*titled, *answered)


def _subject(said: Mapping[str, bytes], rules: Conduct, name: str) -> Fields | Reply:
    """R-FR-72, R-FR-74."""
    value = said.get("subject", b"")
    answers = said.get("in-reply-to", b"") + said.get("references", b"")
    fault = subjects.fault(value, answers) if rules.subject != "allow" else None
    if fault and rules.subject == "refuse":
        return replies.SUBJECT
    label = rules.mark if fault else rules.label
    marked = subjects.labelled(value, label, name) if label else value
    return (("Subject", marked),) if marked != value else ()


def _reply_to(
    message: Message, answer_to: bytes | None, rules: Conduct, contact: str, own_address: str, dead: Set[str]
) -> Fields | Reply:
    """R-FR-73: a person of the advertiser answers, where there is one; else what is written to us is kept for one."""
    if rules.reply == "allow" or not unroutable(message, answer_to, dead):
        return ()
    address = contact_address(contact, dead) or own_address
    if rules.reply == "refuse" or not address:
        return replies.REPLY_TO
    return (("Reply-To", f"<{address}>".encode()),)
