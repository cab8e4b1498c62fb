"""Amazon SNS: proves that a message comes from the configured topic, and confirms a subscription to that topic and no other.

Certificate and confirmation are fetched from the one host that the topic's own region has; nothing in a message can name another.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import Certificate, load_pem_x509_certificate

from gateway.edges.providers.proofs import AHEAD, BadKey
from gateway.edges.providers.reading import text
from gateway.flow.back_ports import Forbidden, Outside
from gateway.flow.ports import Unavailable

WINDOW = timedelta(hours=2)
"""Its time is that of publishing, and it tries again for an hour."""

KEPT, KEPT_FOR = 8, timedelta(days=1)
_OK = 200
_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-\d{1,2}):\d{12}:[A-Za-z0-9_.-]{1,256}")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
"""What is signed, in this order; a notification may lack a subject."""

_HASHES: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303  SNS's own version 1


@dataclass(frozen=True, slots=True)
class _Held:
    certificate: Certificate
    until: datetime


class Topic:
    """One SNS topic; BadKey where its ARN is none."""

    def __init__(self, arn: str, outside: Outside, window: timedelta | None = None) -> None:
        found = _ARN.fullmatch(arn)
        if found is None:
            raise BadKey("not the ARN of an SNS topic")
        self._arn = arn
        self._host = f"sns.{found[2]}.amazonaws.com{'.cn' if found[1] == 'aws-cn' else ''}"
        self._outside = outside
        self._window = WINDOW if window is None else window
        self._held: dict[str, _Held] = {}
        self._one_at_a_time = asyncio.Lock()

    @staticmethod
    def region(arn: str) -> str:
        """The region of a topic; BadKey where the ARN is none."""
        found = _ARN.fullmatch(arn)
        if found is None:
            raise BadKey("not the ARN of an SNS topic")
        return found[2]

    async def proves(self, message: Mapping[str, object], now: datetime) -> bool:
        """Whether SNS signed this message for our topic; Unavailable where its certificate cannot be had now."""
        signed, url = canonical(message), text(message, "SigningCertURL")
        method = _HASHES.get(text(message, "SignatureVersion"))
        if signed is None or method is None or text(message, "TopicArn") != self._arn:
            return False
        if not self._recent(text(message, "Timestamp"), now) or not self._ours(url):
            return False
        if not _CERTIFICATE.fullmatch(url.removeprefix(f"https://{self._host}")):
            return False
        certificate = await self._certificate(url, now)
        return certificate is not None and _signed(certificate, signed, text(message, "Signature"), method)

    async def confirm(self, message: Mapping[str, object]) -> bool:
        """Say yes to a proven confirmation; False where its address is not SNS's, Unavailable where nobody answered."""
        url = text(message, "SubscribeURL")
        if not self._ours(url):
            return False
        answer = await self._get(url)
        if answer is None:
            return False
        if answer[0] != _OK:
            raise Unavailable("SNS")
        return True

    def _recent(self, stamp: str, now: datetime) -> bool:
        try:
            at = datetime.fromisoformat(stamp)
        except ValueError:
            return False
        return at.tzinfo is not None and -AHEAD <= now - at <= self._window

    def _ours(self, url: str) -> bool:
        """Whether a URL leads to this topic's SNS by https, on its own port, with nothing odd about it."""
        return url.startswith(f"https://{self._host}/") and url.isascii() and url.isprintable() and "#" not in url

    async def _certificate(self, url: str, now: datetime) -> Certificate | None:
        async with self._one_at_a_time:
            held = self._held.get(url)
            if held is None or held.until <= now:
                answer = await self._get(url)
                if answer is None or answer[0] != _OK:
                    raise Unavailable("SNS certificate")
                certificate = _read(answer[1])
                if certificate is None:
                    return None
                if len(self._held) >= KEPT:
                    self._held.pop(next(iter(self._held)))
                held = self._held[url] = _Held(certificate, now + KEPT_FOR)
        valid = held.certificate.not_valid_before_utc <= now <= held.certificate.not_valid_after_utc
        return held.certificate if valid else None

    async def _get(self, url: str) -> tuple[int, bytes] | None:
        try:
            answer = await self._outside.get(url)
        except Forbidden:
            return None
        return answer.status, answer.body


def canonical(message: Mapping[str, object]) -> bytes | None:
    """The text that SNS signs; None for a message of no known type, or without one of its fields."""
    lines: list[str] = []
    for name in _FIELDS.get(text(message, "Type"), ()):
        value = message.get(name)
        if name == "Subject" and value is None:
            continue
        if not isinstance(value, str):
            return None
        lines += (name, value)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass") if lines else None


def _read(pem: bytes) -> Certificate | None:
    try:
        return load_pem_x509_certificate(pem)
    except ValueError:
        return None


def _signed(certificate: Certificate, signed: bytes, given: str, method: hashes.HashAlgorithm) -> bool:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(base64.b64decode(given, validate=True), signed, padding.PKCS1v15(), method)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
