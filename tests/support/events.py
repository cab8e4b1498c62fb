"""Providers that report: their keys, their calls signed as they sign them, and the door that takes them, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from gateway.core.address import Address, Identity, parse
from gateway.core.bouncing import SoftBounds
from gateway.core.evidence import Event, parse_event
from gateway.core.model import PersonKey
from gateway.core.record import Opposition
from gateway.edges.compute import Threads
from gateway.edges.keys import KeyRing
from gateway.edges.metrics import Metrics
from gateway.edges.providers.brevo import Brevo
from gateway.edges.providers.mailgun import Mailgun
from gateway.edges.providers.postmark import Postmark
from gateway.edges.providers.sendgrid import SendGrid
from gateway.edges.providers.ses import Ses
from gateway.edges.providers.sns import Topic, canonical
from gateway.edges.providers.sparkpost import SparkPost
from gateway.edges.providers.standard import Standard
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.edges.web.events import Events
from gateway.flow.back_ports import Answer
from gateway.flow.bounces import Bounces
from gateway.flow.ports import Unavailable
from gateway.flow.provider_events import ProviderEvents, Room, Source
from gateway.flow.way_back import WayBack
from tests.support.clock import StillClock
from tests.support.doors import LETTER, PARTNERS, Lines, Tally, listening

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail-events"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
CONFIRM = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x&Token=y"
PASSWORD = b"gateway:a long password"
BEARER = b"a long bearer token"
MAILGUN_KEY = b"mailgun's webhook signing key"
WEBHOOK_KEY = b"thirty-two octets of a secret..."
SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())
SNS_KEY = rsa.generate_private_key(65537, 2048)
ANNA = "anna@example.com"

Call = tuple[dict[str, str], bytes]
"""Header fields and body of a call."""


def certificate(key: rsa.RSAPrivateKey = SNS_KEY, at: datetime | None = None) -> bytes:
    """A certificate of SNS's kind, in PEM, for some days around an instant."""
    at = at or StillClock().now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), at - timedelta(1), at + timedelta(9))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@dataclass
class Pages:
    """The outside world, as far as a test wrote it down; implements `back_ports.Outside`."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str) -> Answer:
        """What was written down for this URL."""
        self.asked.append(url)
        if url not in self.answers:
            raise Unavailable("nobody there")
        return self.answers[url]

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Nothing is told by these rooms."""
        raise AssertionError(url)


def stamp(at: datetime) -> str:
    """Seconds since 1970."""
    return str(int(at.timestamp()))


def basic(secret: bytes = PASSWORD) -> dict[str, str]:
    """A header with user and password."""
    return {"authorization": "Basic " + base64.b64encode(secret).decode()}


def postmark(event: object) -> Call:
    """A call of Postmark's, and of SparkPost's."""
    return basic(), json.dumps(event).encode()


def brevo(event: object) -> Call:
    """A call of Brevo's."""
    return {"authorization": "Bearer " + BEARER.decode()}, json.dumps(event).encode()


def sendgrid(events: object, at: datetime) -> Call:
    """A signed call of SendGrid's."""
    body = json.dumps(events).encode()
    signature = SENDGRID_KEY.sign(stamp(at).encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "x-twilio-email-event-webhook-timestamp": stamp(at),
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
    }, body


def mailgun(event: object, at: datetime, token: str = "", key: bytes = MAILGUN_KEY, name: str = "signature") -> Call:
    """A signed call of Mailgun's; each event has a token of its own."""
    token = token or hashlib.sha256(json.dumps(event).encode()).hexdigest()[:50]
    mac = hmac.new(key, f"{stamp(at)}{token}".encode(), hashlib.sha256).hexdigest()
    proof = {"timestamp": stamp(at), "token": token, "signature": "0" * 64, name: mac}
    return {}, json.dumps({"signature": proof, "event-data": event}).encode()


def standard(event: object, at: datetime, number: str = "msg_1", key: bytes = WEBHOOK_KEY) -> Call:
    """A call signed as Standard Webhooks says."""
    body = json.dumps(event).encode()
    mac = base64.b64encode(hmac.new(key, f"{number}.{stamp(at)}.".encode() + body, hashlib.sha256).digest()).decode()
    return {"webhook-id": number, "webhook-timestamp": stamp(at), "webhook-signature": f"v1,{mac}"}, body


def sns(message: Mapping[str, object], key: rsa.RSAPrivateKey = SNS_KEY) -> Call:
    """An SNS message with its signature."""
    version = message.get("SignatureVersion", "2")
    method = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = base64.b64encode(key.sign(canonical(message) or b"", padding.PKCS1v15(), method)).decode()
    return {}, json.dumps({"SignatureVersion": version, "SigningCertURL": CERTIFICATE, "Signature": signature, **message}).encode()


def notification(event: object, at: datetime, number: str = "n-1", **changed: object) -> dict[str, object]:
    """An SNS notification that carries an event."""
    said = event if isinstance(event, str) else json.dumps(event)
    iso = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"Type": "Notification", "MessageId": number, "TopicArn": TOPIC, "Timestamp": iso, "Message": said, **changed}


def ses_bounce(address: str = ANNA, kind: str = "Permanent", sub: str = "General", status: str = "5.1.1") -> dict[str, object]:
    """A bounce as SES tells it."""
    recipient = {"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": f"smtp; 550 {status} no"}
    bounce = {"bounceType": kind, "bounceSubType": sub, "feedbackId": "f-1", "bouncedRecipients": [recipient]}
    return {"notificationType": "Bounce", "bounce": bounce, "mail": {"messageId": "m-1", "destination": [address]}}


@dataclass
class Provider:
    """Whoever calls, and what a test may look up behind the door."""

    client: httpx.AsyncClient
    store: SqliteStore
    identity: Identity
    ring: KeyRing
    clock: StillClock
    pages: Pages
    metrics: Metrics
    bounces: Bounces

    async def call(self, name: str, call: Call) -> int:
        """The status of the answer to one call."""
        headers, body = call
        answer = await self.client.post(f"/events/{name}", content=body, headers=headers)
        assert ANNA not in answer.text
        return answer.status_code

    def person(self, address: str = ANNA) -> PersonKey:
        """A person's key."""
        found = parse(address)
        assert isinstance(found, Address)
        return self.identity.person(found)

    async def filed(self, address: str = ANNA) -> list[Opposition]:
        """What stands against a person."""
        return list(await self.store.book.oppositions(self.person(address)))

    async def blocks(self, address: str = ANNA) -> list[str]:
        """Its kinds."""
        return sorted(one.block.value for one in await self.filed(address))

    async def events(self) -> list[Event]:
        """The journal."""
        return [event async for entry in self.store.journal.entries() if (event := parse_event(entry.body))]

    def counted(self, provider: str, told: str) -> float:
        """How many events of a provider told this."""
        text = self.metrics.figures()[1].decode()
        line = f'gateway_provider_events_total{{provider="{provider}",told="{told}"}} '
        return next((float(row.removeprefix(line)) for row in text.splitlines() if row.startswith(line)), 0.0)


def rooms(pages: Pages, compute: Threads, advertisers: Sequence[str] = ("acme",)) -> dict[Source, Room]:
    """One of each kind, under its own name."""
    key = base64.b64encode(SENDGRID_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    every: dict[str, Room] = {
        "ses": Ses(Topic(TOPIC, pages), compute),
        "sendgrid": SendGrid(key, compute),
        "postmark": Postmark(PASSWORD, compute),
        "mailgun": Mailgun(MAILGUN_KEY, compute),
        "brevo": Brevo(BEARER, compute),
        "sparkpost": SparkPost(PASSWORD, compute),
        "standard": Standard(b"whsec_" + base64.b64encode(WEBHOOK_KEY), compute),
    }
    return {Source(name, tuple(advertisers)): room for name, room in every.items()}


@asynccontextmanager
async def reporting(folder: Path) -> AsyncIterator[Provider]:
    """The door of seven providers over a real store, listening."""
    ring = KeyRing.open(folder / "keys", may_create=True)
    store = open_store(folder / "gateway.db", "n1w0")
    clock, compute, metrics, pages = StillClock(), Threads(), Metrics(), Pages()
    pages.answers[CERTIFICATE] = Answer(200, certificate())
    identity, lines, streams = Identity(ring.pepper), Lines(), {LETTER.name: LETTER}
    way_back = WayBack(store.book, ring.token_keys, {LETTER.number: LETTER}, PARTNERS, clock, Tally(), lines)
    bounces = Bounces(store.book, store.returns, streams, PARTNERS, SoftBounds(), clock, Tally(), lines)
    events = ProviderEvents(bounces, store.returns, way_back, identity, ("acme",), metrics, clock, lines)
    door = Events(events, rooms(pages, compute), clock)
    try:
        async with listening(door.routes()) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
            yield Provider(client, store, identity, ring, clock, pages, metrics, bounces)
    finally:
        await store.close()
        compute.close()
