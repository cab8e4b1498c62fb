"""What the journeys have in common: a gateway before a sink, what left as a client reads it, and the doors in it."""

from __future__ import annotations

import email
import email.policy
import re
import smtplib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import httpx

from gateway.core.evidence import Event, parse_event
from gateway.core.model import RefusalMode
from gateway.edges.sink import Offer, Received
from gateway.edges.store.sqlite import open_store
from tests.support.gateway import Running, company, running, threaded
from tests.support.sink import FaultySink, running_sink

FAST = 'retry = ["50ms"]'


@dataclass
class House:
    """A running gateway and the provider behind it."""

    gateway: Running
    sink: FaultySink

    async def arrived(self, n: int) -> dict[str, EmailMessage]:
        """What was delivered, by recipient, as soon as `n` messages have arrived; reports under their return path."""
        return {received.recipient: read(received) for received in await self.sink.wait_for(n)}

    async def reports(self, n: int, mails: int = 0) -> list[str]:
        """The text of the `n` reports sent to the tool, as soon as they and `mails` other messages have arrived."""
        received = await self.sink.wait_for(n + mails)
        return [one.data.decode() for one in received if one.sender == ""]

    async def evidence(self) -> list[Event]:
        """Every event on record."""
        store = open_store(self.gateway.database, "reader")
        try:
            events = [parse_event(entry.body) async for entry in store.journal.entries()]
        finally:
            await store.close()
        return [event for event in events if event is not None]


@asynccontextmanager
async def house(
    folder: Path,
    refusal: RefusalMode | None = None,
    plan: Mapping[str, str | Sequence[str | None]] | None = None,
    offer: Offer | None = None,
    **parts: str,
) -> AsyncIterator[House]:
    """A gateway that serves, and its provider."""
    async with running_sink(plan, offer) as (sink, port), running(company(folder, port, **parts), refusal) as gateway:
        yield House(gateway, sink)


def read(received: Received) -> EmailMessage:
    """A delivered message as a client reads it."""
    message = email.message_from_bytes(received.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text(message: EmailMessage, kind: str = "plain") -> str:
    """What is read in one form of a message, white space folded."""
    body = message.get_body((kind,))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def doors(message: EmailMessage) -> tuple[str, str]:
    """The https and the mailto way out in the header of a message."""
    found = re.fullmatch(r"<(https?://[^>]+)>, <mailto:([^?>]+)\?subject=unsubscribe>", message["List-Unsubscribe"])
    assert found is not None, message["List-Unsubscribe"]
    return found[1], found[2]


async def one_click(message: EmailMessage) -> int:
    """Press the button a mail client shows (RFC 8058); the status of the answer."""
    async with httpx.AsyncClient() as browser:
        return (await browser.post(doors(message)[0], data={"List-Unsubscribe": "One-Click"})).status_code


async def mail_back(gateway: Running, to: str, sender: str, raw: bytes = b"\r\n") -> dict[str, tuple[int, bytes]]:
    """Mail the inbound listener as somebody's provider would; who was refused, and how."""
    assert gateway.addresses.inbound is not None
    return await threaded(partial(_mail_back, gateway.addresses.inbound, to, sender, raw))


def _mail_back(at: tuple[str, int], to: str, sender: str, raw: bytes) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP(*at, timeout=15) as session:
        try:
            return session.sendmail(sender, [to], raw)
        except smtplib.SMTPRecipientsRefused as refused:
            return refused.recipients
