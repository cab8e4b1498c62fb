"""A password never travels in clear where that is forbidden; mail arrives over STARTTLS and over TLS from the first octet."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from email.policy import SMTP
from functools import partial
from pathlib import Path

import pytest
import trustme

from tests.support.gateway import SECRET, Running, letter, threaded
from tests.support.journey import House, house

CLAIRE, MARC = "claire@example.org", "marc@example.org"


def certified(folder: Path) -> tuple[str, ssl.SSLContext]:
    """The lines of `[submission]` that name a certificate, and a client that trusts it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.private_key_pem.write_to_path(folder / "tls.key")
    (folder / "tls.key").chmod(0o600)
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    (folder / "tls.pem").write_bytes(chain)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return 'tls_listen = "127.0.0.1:0"\ntls_cert = "tls.pem"\ntls_key = "tls.key"', context


def starttls(gateway: Running, context: ssl.SSLContext) -> smtplib.SMTP:
    """A session that began in clear."""
    session = smtplib.SMTP(*gateway.addresses.submission, timeout=15)
    session.starttls(context=context)
    return session


def implicit(gateway: Running, context: ssl.SSLContext) -> smtplib.SMTP:
    """A session under TLS from the first octet."""
    assert gateway.addresses.submission_tls is not None
    return smtplib.SMTP_SSL(*gateway.addresses.submission_tls, timeout=15, context=context)


def deliver(session: smtplib.SMTP) -> dict[str, tuple[int, bytes]]:
    with session:
        session.login("mautic", SECRET)
        return session.sendmail("news@maison.example", [CLAIRE, MARC], letter(CLAIRE).as_bytes(policy=SMTP))


@pytest.mark.parametrize("connect", [starttls, implicit])
async def test_the_same_journey_under_tls(tmp_path: Path, connect: Callable[[Running, ssl.SSLContext], smtplib.SMTP]) -> None:
    lines, context = certified(tmp_path)
    async with house(tmp_path, submission=lines) as home:
        await home.gateway.consent(CLAIRE)
        await home.gateway.oppose(MARC)
        refused = await threaded(lambda: deliver(connect(home.gateway, context)))
        assert list(refused) == [MARC]
        assert refused[MARC][1].startswith(b"5.7.1 [OPPOSED]")
        (trace,) = (await home.arrived(1))[CLAIRE].get_all("Received")
        assert "with ESMTPSA (TLSv1." in trace


async def test_a_client_that_does_not_trust_us_gets_no_further(tmp_path: Path) -> None:
    lines, _ = certified(tmp_path)
    async with house(tmp_path, submission=lines) as home:
        for connect in (starttls, implicit):
            with pytest.raises(ssl.SSLCertVerificationError):
                await threaded(partial(connect, home.gateway, ssl.create_default_context()))
        await still_serves(home)


async def still_serves(home: House) -> None:
    await home.gateway.consent(CLAIRE)
    assert await home.gateway.send(CLAIRE) == {}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_old_protocols_are_refused(tmp_path: Path) -> None:
    lines, context = certified(tmp_path)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with house(tmp_path, submission=lines) as home:
        with pytest.raises((ssl.SSLError, ConnectionError, smtplib.SMTPException)):
            await threaded(partial(implicit, home.gateway, context))
