"""Signatures: strangers' verifiers accept them, and nothing signed can be changed or added."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.sign import (
    SES_PROFILE,
    Algorithm,
    DkimKey,
    KeyFault,
    body_digest,
    finish,
    keys_for,
    load_key,
    prepare,
    private_sign,
    public_record,
    sign,
)


def pem(private: rsa.RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def loaded(text: bytes, selector: str) -> DkimKey:
    key = load_key(text, "example.com", selector)
    assert isinstance(key, DkimKey)
    return key


RSA_PEM = pem(rsa.generate_private_key(65537, 2048))
RSA = loaded(RSA_PEM, "r1")
ED = loaded(pem(Ed25519PrivateKey.generate()), "e1")
RECORDS = {f"{key.selector}._domainkey.example.com.".encode(): public_record(key).encode() for key in (RSA, ED)}
AT = 1_780_000_000

HEADER = (
    b"Received: from a.example by b.example;\r\n\tMon, 1 Jun 2026 10:00:00 +0000\r\n"
    b"From: Nouvelles <news@example.com>\r\nTo: anne@example.net\r\nSubject: =?utf-8?q?Bonjour?=\r\n  suite \t ici\r\n"
    b"Date: Mon, 1 Jun 2026 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain;\r\n charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    b"List-Unsubscribe: <https://example.com/u/abc>,\r\n <mailto:u+abc@example.com>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: a:b:c:d\r\n"
)
BODY = "Bonjour à tous,  \r\n\r\n\tdes  espaces \r\n\r\n\r\n".encode()
MESSAGE = HEADER + b"\r\n" + BODY


def valid(message: bytes, index: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(message).verify(index, dnsfunc=lambda name, timeout=5: RECORDS.get(name)))
    except dkim.DKIMException:
        return False


def tags(signature: bytes) -> dict[str, str]:
    value = re.sub(rb"\s", b"", signature.partition(b":")[2]).decode()
    return dict(tag.split("=", 1) for tag in value.split(";"))


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
def test_dkimpy_accepts_the_signature(key: DkimKey) -> None:
    assert valid(sign([MESSAGE], [key], AT) + MESSAGE)


def test_both_signatures_on_one_message_are_valid() -> None:
    signed = sign([MESSAGE], [RSA, ED], AT) + MESSAGE
    assert signed.count(b"DKIM-Signature:") == 2
    assert valid(signed, 0)
    assert valid(signed, 1)


def test_the_private_operation_may_be_done_elsewhere() -> None:
    with ThreadPoolExecutor(1) as elsewhere:
        unsigned = prepare([MESSAGE], [RSA, ED], AT)
        signatures = list(elsewhere.map(private_sign, unsigned))
    assert b"".join(map(finish, unsigned, signatures)) == sign([MESSAGE], [RSA, ED], AT)


def test_like_fields_are_signed_bottom_up_under_the_first_of_their_name() -> None:
    header = b"To: a\r\nContent-X: 1\r\nTO : b\r\nReceived: x\r\nFrom: c\r\ncontent-x: 2"
    (unsigned,) = prepare([header + b"\r\n\r\n"], [ED], AT)
    assert unsigned.covered.startswith(b"from:c\r\nto:b\r\nto:a\r\ncontent-x:2\r\ncontent-x:1\r\ndkim-signature:v=1;")
    assert tags(finish(unsigned, b""))["h"] == "from:from:to:to:to:content-x:content-x"


def test_our_signature_over_a_strangers_leaves_it_there() -> None:
    message = b"DKIM-Signature: v=1; a=rsa-sha256; d=other.example; s=x; h=from; bh=AA==; b=AA==\r\n" + MESSAGE
    assert valid(sign([message], [RSA], AT) + message)


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
def test_signature_says_what_it_must(key: DkimKey) -> None:
    found = tags(sign([MESSAGE], [key], AT))
    assert found["a"] == f"{key.algorithm}-sha256"
    assert found["c"] == "relaxed/relaxed"
    assert (found["d"], found["s"], found["t"]) == ("example.com", key.selector, str(AT))
    assert "l" not in found
    names = found["h"].split(":")
    assert names.count("from") == 2
    assert {"list-unsubscribe", "list-unsubscribe-post", "subject", "to", "date", "message-id", "content-type"} <= set(names)
    assert all(names.count(name) == 2 for name in set(names) - {"feedback-id"})
    assert "received" not in names


@pytest.mark.parametrize("domain", ["example.com", "a" * 60 + "." + "b" * 60 + ".example"])
def test_lines_are_short(domain: str) -> None:
    key = load_key(RSA_PEM, domain, "selector-2026")
    assert isinstance(key, DkimKey)
    signature = sign([MESSAGE], [key], AT)
    assert signature.endswith(b"\r\n")
    assert max(len(line) for line in signature.split(b"\r\n") if not line.startswith(b" d=")) <= 78


@pytest.mark.parametrize(
    "added", [b"From: x@example.org", b"Subject: y", b"Reply-To: z@example.org", b"List-Unsubscribe: <mailto:z@example.org>"]
)
def test_a_second_single_field_breaks_the_signature(added: bytes) -> None:
    message = MESSAGE.replace(b"To:", b"Reply-To: r@example.com\r\nTo:", 1)
    signature = sign([message], [RSA], AT)
    assert valid(signature + message)
    assert not valid(added + b"\r\n" + signature + message)


@pytest.mark.parametrize("name", [b"From", b"List-Unsubscribe-Post", b"Feedback-ID"])
def test_a_changed_field_breaks_the_signature(name: bytes) -> None:
    assert not valid(sign([MESSAGE], [RSA], AT) + MESSAGE.replace(name + b": ", name + b": x"))


def test_changed_body_breaks_the_signature() -> None:
    assert not valid(sign([MESSAGE], [RSA], AT) + MESSAGE + b"more\r\n")


def test_ses_profile_leaves_alone_what_ses_rewrites() -> None:
    signature = sign([MESSAGE], [RSA], AT, SES_PROFILE)
    assert not {"date", "message-id", "return-path"} & set(tags(signature)["h"].split(":"))
    assert valid(signature + MESSAGE.replace(b"Message-ID: <1@", b"Message-ID: <2@"))


def test_from_is_signed_even_when_excluded_or_absent() -> None:
    assert tags(sign([MESSAGE], [RSA], AT, frozenset({"from"})))["h"].split(":").count("from") == 2
    assert tags(sign([b"Subject: x\r\n\r\n"], [RSA], AT))["h"].startswith("from:")


def test_hostile_field_name_cannot_write_into_the_signature() -> None:
    message = b"Content-;b=x: y\r\nContent-" + b"a" * 200 + b": y\r\n" + MESSAGE
    signature = sign([message], [RSA], AT)
    assert list(tags(signature)) == ["v", "a", "c", "t", "d", "s", "h", "bh", "b"]
    assert valid(signature + message)


@pytest.mark.parametrize(
    "body",
    [b"", b"\r\n", b"\r\n\r\n \r\n", b"x", b"x\r\n", b"\r\n\r\nx\r\n\r\n", bytes(range(128, 256)) + b"\r\n", b"x \t\r\n" * 9],
)
def test_every_shape_of_body_verifies(body: bytes) -> None:
    message = HEADER + b"\r\n" + body
    assert valid(sign([message], [RSA, ED], AT) + message, 0)


def test_header_alone_is_a_message_with_an_empty_body() -> None:
    assert valid(sign([HEADER], [RSA], AT) + HEADER + b"\r\n")


@pytest.mark.parametrize("size", [10, 70_000, 300_000])
def test_chunks_of_any_kind_give_one_signature(size: int) -> None:
    header = HEADER + b"X-Long: " + b"y" * size + b"\r\n"
    message = header + b"\r\n" + BODY * 50
    whole = sign([message], [ED], AT)
    cut = len(header) + 2
    assert sign([memoryview(message)], [ED], AT) == whole
    assert sign([message[:cut], memoryview(message)[cut : cut + 99], message[cut + 99 :]], [ED], AT) == whole
    assert sign([message[: cut + 5], b"", message[cut + 5 :]], [ED], AT) == whole


words = st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="\x85\xa0"), max_size=30).map(str.encode)
space = st.sampled_from([b" ", b"  ", b"\t", b"\r\n ", b"\r\n\t", b""])
values = st.lists(st.tuples(space, words), max_size=4).map(lambda parts: b"".join(a + b for a, b in parts))
names = st.sampled_from(
    [
        b"Subject",
        b"TO",
        b"cc",
        b"Content-Type",
        b"Content-Foo",
        b"CFBL-Address",
        b"List-Id",
        b"X-Other",
        b"Received",
        b"Feedback-ID",
    ]
)
fields = st.lists(st.tuples(names, values).filter(lambda field: re.search(rb"\r\n[ \t]*(\r\n|$)", field[1]) is None), max_size=12)
lines = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"x", b"=20", b"\xc3\xa9", b"\xff", b"."]), max_size=30)


@settings(max_examples=150, deadline=None)
@given(fields, lines)
def test_any_message_signs_and_verifies(header: list[tuple[bytes, bytes]], body: list[bytes]) -> None:
    message = b"From: a@example.com\r\n" + b"".join(name + b":" + value + b"\r\n" for name, value in header)
    message += b"\r\n" + b"".join(body) + b"\r\n"
    signed = sign([message], [ED, RSA], AT) + message
    assert valid(signed, 0)
    assert valid(signed, 1)


def test_digest_is_of_the_exact_bytes() -> None:
    data = MESSAGE * 5000
    assert body_digest([data[:7], memoryview(data)[7:]]) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "unencrypted PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "unencrypted PEM"),
        (RSA.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")), "unencrypted PEM"),
        (pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither an RSA"),
    ],
)
def test_unfit_key_is_refused_in_words(text: bytes, why: str) -> None:
    fault = load_key(text, "example.com", "s")
    assert isinstance(fault, KeyFault)
    assert why in fault.why


@pytest.mark.parametrize(
    "name", ["", "Example.com", "exa mple.com", "a;b", "é.example", "a..b", "x" * 64 + ".example", "a.example\n", "-a.example"]
)
def test_domain_and_selector_must_be_names(name: str) -> None:
    assert isinstance(load_key(RSA_PEM, name, "s"), KeyFault)
    assert isinstance(load_key(RSA_PEM, "example.com", name), KeyFault)


def test_a_parent_domain_signs_only_where_configured() -> None:
    parent = load_key(RSA_PEM, "example.com", "p", subdomains=True)
    assert isinstance(parent, DkimKey)
    assert keys_for([RSA, ED, parent], "Example.com") == (RSA, ED, parent)
    assert keys_for([RSA, ED, parent], "news.example.com") == (parent,)
    assert keys_for([RSA, ED, parent], "badexample.com") == ()


def test_algorithms_are_named_as_in_dns() -> None:
    assert [RSA.algorithm, ED.algorithm] == [Algorithm.RSA, Algorithm.ED25519]
    assert public_record(RSA).startswith("v=DKIM1; k=rsa; p=MIIB")
    assert public_record(ED).startswith("v=DKIM1; k=ed25519; p=")


def opendkim_verdict(folder: Path, message: bytes) -> str:
    program = shutil.which("opendkim", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if not program:
        pytest.skip("opendkim is absent: that OpenDKIM accepts our signatures is left unproven here")
    (folder / "keys").write_text("".join(f"{name.decode()[:-1]} {record.decode()}\n" for name, record in RECORDS.items()))
    (folder / "conf").write_text(f"Mode v\nTestPublicKeys {folder}/keys\nSyslog no\n")
    (folder / "mail").write_bytes(message)
    command = [program, "-x", str(folder / "conf"), "-t", str(folder / "mail"), "-v"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
def test_opendkim_accepts_the_signature(tmp_path: Path, key: DkimKey) -> None:
    signed = sign([MESSAGE], [key], AT) + MESSAGE
    assert "verification (s=" in opendkim_verdict(tmp_path, signed)
    assert "succeeded" in opendkim_verdict(tmp_path, signed)
    assert "succeeded" not in opendkim_verdict(tmp_path, signed + b"more\r\n")
