"""Who is proven to have written, and that nobody else is: real signatures, a name server on loopback."""

from __future__ import annotations

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.core.answered import read_answer
from gateway.core.sign import Algorithm, DkimKey, public_record, sign
from gateway.edges.author_check import AuthorCheck
from gateway.edges.dns import NameServers
from tests.support.company import at_once
from tests.support.dns import Zone, name_server

HOME = DkimKey("home.example", "s1", Algorithm.RSA, generate_private_key(65537, 2048))
SUB = DkimKey("news.home.example", "s1", Algorithm.ED25519, Ed25519PrivateKey.generate())
ELSE = DkimKey("else.example", "s1", Algorithm.ED25519, Ed25519PrivateKey.generate())
BODY = b"Stop, please.  \r\n\r\n\r\n"
FIELDS = b"From: Anne <anne@home.example>\r\nTo: r-x@back.example\r\nSubject: stop\r\n"


def signed(*keys: DkimKey, fields: bytes = FIELDS, body: bytes = BODY) -> bytes:
    message = [fields + b"\r\n", body]
    return sign(message, keys, 1_780_000_000) + b"".join(message)


async def author(raw: bytes, **records: str) -> str:
    zone = Zone()
    for key in (HOME, SUB, ELSE):
        zone.put(f"s1._domainkey.{key.domain}", "TXT", public_record(key))
    for name, text in records.items():
        zone.put(name.replace("__", "."), "TXT", text)
    async with name_server(zone) as served:
        return await AuthorCheck(NameServers([served.address]), at_once).author(read_answer(raw))


async def test_an_aligned_signature_proves_the_author() -> None:
    assert await author(signed(HOME)) == "anne@home.example"
    assert await author(signed(HOME, fields=FIELDS.replace(b"@home", b"@team.home"))) == "anne@team.home.example"
    assert await author(signed(ELSE, HOME)) == "anne@home.example"


@pytest.mark.parametrize("body", [b"", b"\r\n", b"x", b"x\r\n\r\n", b" \r\nx \t y\r\n"])
@pytest.mark.parametrize("canonical", [(b"simple", b"simple"), (b"relaxed", b"simple"), (b"relaxed", b"relaxed")])
async def test_every_canonical_form_is_read(canonical: tuple[bytes, bytes], body: bytes) -> None:
    message = FIELDS + b"\r\n" + body
    private = HOME.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    field = dkim.sign(message, b"s1", b"home.example", private, canonicalize=canonical)
    assert await author(field + message) == "anne@home.example"


@pytest.mark.parametrize(
    "raw",
    [
        signed(),
        signed(ELSE),
        signed(SUB),
        signed(HOME).replace(b"Stop", b"Stay"),
        signed(HOME).replace(b"anne@home", b"marc@home"),
        signed(HOME).replace(b"r-x@back", b"r-y@back"),
        signed(HOME, fields=b"From: anne@home.example\r\nSubject: x\r\n"),
        signed(HOME).replace(b"From: Anne", b"From: marc@home.example\r\nFrom: Anne"),
        signed(HOME).replace(b"From: Anne", b"From : marc@home.example\r\nFrom: Anne"),
        signed(HOME).replace(b"Subject:", b"X: " + b" " * 100 + b"y\r\nSubject:"),
        b"",
        b"\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=home.example; s=s1; h=from:to; bh=x; b=y\r\n" + FIELDS + b"\r\n",
    ],
)
async def test_nothing_else_does(raw: bytes) -> None:
    assert await author(raw) == ""


async def test_a_key_that_is_not_published_or_only_tested_proves_nothing() -> None:
    assert await author(signed(HOME), **{"s1._domainkey.home.example": "v=DKIM1; p="}) == ""
    testing = public_record(HOME).replace("k=rsa", "t=y:s; k=rsa")
    assert await author(signed(HOME), **{"s1._domainkey.home.example": testing}) == ""


async def test_a_signature_over_part_of_the_body_proves_nothing() -> None:
    message = FIELDS + b"\r\n" + BODY
    private = HOME.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    field = dkim.sign(message, b"s1", b"home.example", private, length=True)
    assert await author(field + message) == ""


async def test_name_servers_that_fail_prove_nothing() -> None:
    zone = Zone(plans={"s1._domainkey.home.example": "servfail"})
    async with name_server(zone) as served:
        assert await AuthorCheck(NameServers([served.address]), at_once).author(read_answer(signed(HOME))) == ""
