"""Amazon SES by SNS: notifications and published events, which differ in one name; one recipient or several each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial

from gateway.core.signal import Told
from gateway.edges.providers.reading import Malformed, batch, decode, occurrence, rows, status, table, text, tokens
from gateway.edges.providers.sns import Topic
from gateway.flow.ports import Compute
from gateway.flow.provider_events import Batch, Occurrence, Refusal

_MESSAGE_IS_AT_FAULT = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})
_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "virus"})
_OUT = "OptOut"


class Ses:
    """Implements `provider_events.Room`."""

    def __init__(self, topic: Topic, compute: Compute) -> None:
        self._topic = topic
        self._compute = compute

    async def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Batch | Refusal:  # noqa: ARG002  all is inside
        """See `provider_events.Room`; a proven request to confirm the subscription is answered."""
        try:
            message = await self._compute(len(body), partial(decode, body))
        except Malformed:
            return Refusal.MALFORMED
        if not isinstance(message, dict):
            return Refusal.MALFORMED
        if not await self._topic.proves(message, now):
            return Refusal.FORGED
        match text(message, "Type"):
            case "Notification":
                return await self._compute(len(body), partial(read, message))
            case "SubscriptionConfirmation":
                return Batch() if await self._topic.confirm(message) else Refusal.FORGED
            case _:
                return Batch(unknown=1)


def read(message: Mapping[str, object]) -> Batch:
    """The events of a notification; a text that is no event of SES's is one that nobody knows."""
    try:
        event = json.loads(text(message, "Message"))
    except (ValueError, RecursionError):
        return Batch(unknown=1)
    kind = text(event, "eventType") or text(event, "notificationType")
    return batch(_events(event, kind, text(message, "MessageId")))


def _events(event: object, kind: str, number: str) -> Iterator[Occurrence | None]:
    match kind:
        case "Bounce":
            yield from _bounces(event, number)
        case "Complaint" if text(event, "complaint", "complaintFeedbackType") not in _NO_COMPLAINT:
            people = rows(table(event, "complaint").get("complainedRecipients"))
            number = text(event, "complaint", "feedbackId") or number
            yield from (_one(event, number, Told.COMPLAINT, text(one, "emailAddress")) for one in people)
        case "Delivery":
            yield from (_one(event, number, Told.DELIVERED, one) for one in _texts(table(event, "delivery").get("recipients")))
        case "DeliveryDelay":
            people = rows(table(event, "deliveryDelay").get("delayedRecipients"))
            yield from (_one(event, number, Told.DELAYED, text(one, "emailAddress")) for one in people)
        case "Subscription" if _left(table(event, "subscription", "newTopicPreferences")):
            yield from (_one(event, number, Told.OPT_OUT, one) for one in _texts(table(event, "mail").get("destination")))
        case _:
            yield None


def _bounces(event: object, number: str) -> Iterator[Occurrence]:
    bounce = table(event, "bounce")
    sort, reason = text(bounce, "bounceType"), text(bounce, "bounceSubType")
    hard: bool | None = None
    if sort == "Permanent":
        hard = True
    elif sort == "Transient" and reason == "MailboxFull":
        hard = False  # `General` may be an automatic answer: without a status it says nothing
    number = text(bounce, "feedbackId") or number
    for one in rows(bounce.get("bouncedRecipients")):
        code = "" if reason in _MESSAGE_IS_AT_FAULT else status(text(one, "status"), text(one, "diagnosticCode"))
        yield _one(event, number, Told.BOUNCE, text(one, "emailAddress"), code, hard)


def _one(event: object, number: str, told: Told, address: str, code: str = "", hard: bool | None = None) -> Occurrence:
    """One recipient of an event: several share its number."""
    return occurrence(
        f"{number} {address}",
        told,
        address,
        f"ses {told.value}",
        status=code,
        hard=hard,
        found=tokens(_own_words(table(event, "mail"))),
        provider="ses",
    )


def _own_words(mail: Mapping[str, object]) -> Iterator[object]:
    """What the sender put: header fields where the topic includes them, and tags."""
    yield from (header.get("value") for header in rows(mail.get("headers")))
    yield from table(mail, "tags").values()


def _left(preferences: Mapping[str, object]) -> bool:
    """Whether somebody left the whole list, or a topic of it."""
    topics = rows(preferences.get("topicSubscriptionStatus"))
    return preferences.get("unsubscribeAll") is True or any(text(one, "subscriptionStatus") == _OUT for one in topics)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, str))
