"""The self-check: a broken signature of ours is seen before it leaves, at a bounded price."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.core.sign import DkimKey, load_key, sign
from gateway.edges.dkim_check import MAX_BODY, SelfCheck
from tests.support.timing import within


def made(private: rsa.RSAPrivateKey | Ed25519PrivateKey, selector: str) -> DkimKey:
    key = load_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "example.com", selector)
    assert isinstance(key, DkimKey)
    return key


RSA, ED, OTHER = (
    made(rsa.generate_private_key(65537, 2048), "r"),
    made(Ed25519PrivateKey.generate(), "e"),
    made(Ed25519PrivateKey.generate(), "e"),
)
CHECK = SelfCheck.of([RSA, ED], 0.1)
HEADER = b"From: a@example.com\r\nSubject: x\r\n"
BODIES = [b"", b"hello\r\n", b"x" * 70 + b"\r\n", b" " * 5000 + b"x\r\n", b"line of text  \r\n" * (MAX_BODY // 16 + 1)]


def signed(body: bytes, *keys: DkimKey, header: bytes = HEADER) -> list[bytes]:
    message = [header + b"\r\n", body]
    return [sign(message, keys, 1_780_000_000), *message]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("keys", [(RSA,), (ED,), (RSA, ED)])
def test_our_signatures_pass(body: bytes, keys: tuple[DkimKey, ...]) -> None:
    assert CHECK.verify(signed(body, *keys))
    assert CHECK.verify(b"".join(signed(body, *keys)))


@pytest.mark.parametrize("body", BODIES)
def test_changed_header_or_body_is_seen_at_any_size(body: bytes) -> None:
    fields, header, text = signed(body, RSA, ED)
    assert not CHECK.verify([fields, header, b"more\r\n" + text])
    assert not CHECK.verify([fields, header.replace(b": x", b": y"), text])
    assert not CHECK.verify([fields, b"From: b@example.com\r\n" + header, text])


@pytest.mark.parametrize("body", BODIES)
def test_second_of_two_signatures_is_checked_too(body: bytes) -> None:
    assert not CHECK.verify(signed(body, RSA, OTHER))


def test_unsigned_and_foreign_messages_fail() -> None:
    elsewhere = load_key(ED.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "other.example", "e")
    assert isinstance(elsewhere, DkimKey)
    assert not CHECK.verify(signed(b"x\r\n"))
    assert not CHECK.verify(signed(b"x\r\n", elsewhere))


@pytest.mark.parametrize(
    "message",
    [b"", b"\r\n\r\n", b" x\r\n\r\n", b"no colon\r\n\r\n", b"DKIM-Signature: b\r\n\r\n", b"DKIM-Signature: v=1; a=x;\r\n\r\n"],
)
def test_garbage_fails_and_does_not_raise(message: bytes) -> None:
    assert not CHECK.verify(message)


def test_foreign_and_broken_earlier_signatures_below_ours_do_not_count() -> None:
    stale = signed(b"old\r\n", RSA)[0]
    foreign = b"DKIM-Signature: v=1; a=rsa-sha256; d=other.example; s=x; h=from; bh=AA==; b=AA==\r\n"
    assert CHECK.verify(signed(b"new\r\n", RSA, header=foreign + HEADER))
    assert CHECK.verify(signed(b"new\r\n", RSA, header=stale + HEADER))


def test_hostile_white_space_costs_little() -> None:
    message = signed((b" " * 990 + b"x\r\n") * 5000, RSA)
    assert within(1.0, lambda: CHECK.verify(message))


def test_first_messages_are_all_checked_then_a_share() -> None:
    check = SelfCheck.of([RSA], 0.1, always_first=20)
    assert [check.due() for _ in range(20)] == [True] * 20
    assert sum(check.due() for _ in range(1000)) in (99, 100, 101)


@pytest.mark.parametrize(("rate", "want"), [(0.0, 0), (1.0, 50)])
def test_share_may_be_none_or_all(rate: float, want: int) -> None:
    check = SelfCheck({}, rate, always_first=3)
    assert [check.due() for _ in range(3)] == [True] * 3
    assert sum(check.due() for _ in range(50)) == want
