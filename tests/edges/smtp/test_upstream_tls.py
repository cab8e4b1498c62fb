"""Passwords and mail leave encrypted, to the host that was meant, or not at all (R-STD-54, R-MBX-09)."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from gateway.core.model import Fate, Outcome, Stage
from gateway.core.reply import NEXT_HOP_TLS, for_outcome
from gateway.edges.smtp.upstream import Upstream
from tests.support.provider import CountingMeter, config, deliver, provider
from tests.support.sink import Offer, running_sink

LOGIN = {"username": "user", "password": "secret"}


class Authority:
    """Certificates for the sinks of this module, and the file a client trusts them by."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def serving(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def trusting(authority: Authority, **changes: object) -> dict[str, object]:
    return {"host": "localhost", "tls": "required", "ca_file": authority.file} | changes


def refused_for_tls(outcome: Outcome) -> bool:
    return (outcome.fate, outcome.stage, for_outcome(outcome)) == (Fate.UNREACHABLE, Stage.TLS, NEXT_HOP_TLS)


@pytest.mark.parametrize("tls", ["required", "opportunistic"])
@pytest.mark.parametrize("implicit", [True, False])
async def test_mail_and_password_go_encrypted(tls: str, implicit: bool, authority: Authority) -> None:
    offer = Offer(tls=authority.serving("localhost"), implicit_tls=implicit, login=("user", "secret"))
    settings = trusting(authority, tls=tls, implicit_tls=implicit, **LOGIN)
    async with running_sink(offer=offer) as (sink, port), provider(port, **settings) as upstream:
        assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert (await deliver(upstream, body=[b"x" * 998 + b"\r\n"] * 3000)).fate is Fate.DELIVERED
        assert [(got.tls, got.login) for got in sink.messages] == [(True, "user")] * 2
        assert sink.connections == 1


async def test_required_tls_that_is_not_offered_sends_nothing() -> None:
    async with running_sink() as (sink, port), provider(port, tls="required") as upstream:
        assert refused_for_tls(await deliver(upstream))
        assert (sink.count, sink.seen["mail"]) == (0, 0)


@pytest.mark.parametrize("implicit", [True, False])
async def test_a_certificate_for_another_host_or_of_a_stranger_ends_it(implicit: bool, authority: Authority) -> None:
    for context, ca_file in ((authority.serving("other.example"), authority.file), (authority.serving("localhost"), None)):
        offer = Offer(tls=context, implicit_tls=implicit, login=("user", "secret"))
        settings = trusting(authority, implicit_tls=implicit, ca_file=ca_file, **LOGIN)
        for tls in ("required", "opportunistic"):
            async with running_sink(offer=offer) as (sink, port), provider(port, **settings | {"tls": tls}) as upstream:
                assert refused_for_tls(await deliver(upstream))
                assert (sink.seen["auth"], sink.seen["mail"]) == (0, 0)


async def test_a_password_is_never_sent_in_clear_even_when_tls_is_opportunistic() -> None:
    offer = Offer(login=("user", "secret"))
    async with running_sink(offer=offer) as (sink, port), provider(port, tls="opportunistic", **LOGIN) as upstream:
        assert refused_for_tls(await deliver(upstream))
        assert sink.seen["auth"] == 0


async def test_opportunistic_tls_takes_any_certificate_or_none(authority: Authority) -> None:
    for context in (None, authority.serving("other.example")):
        async with running_sink(offer=Offer(tls=context)) as (sink, port), provider(port, tls="opportunistic") as upstream:
            assert (await deliver(upstream)).fate is Fate.DELIVERED
            assert sink.messages[0].tls is (context is not None)


async def test_a_reply_injected_before_the_handshake_is_forgotten(authority: Authority) -> None:
    offer = Offer(tls=authority.serving("localhost"), size=12_345)
    async with running_sink({"starttls": "inject"}, offer) as (sink, port), provider(port, **trusting(authority)) as upstream:
        features = await upstream.features()
        assert not isinstance(features, Outcome)
        assert features.size == 12_345
        assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert sink.messages[0].tls


async def test_a_wrong_password_is_our_fault(authority: Authority) -> None:
    offer = Offer(tls=authority.serving("localhost"), login=("user", "other"))
    async with running_sink(offer=offer) as (_, port), provider(port, **trusting(authority, **LOGIN)) as upstream:
        assert await deliver(upstream) == Outcome(Fate.OURS, Stage.AUTH, 535, "5.7.8", "Credentials invalid")


async def test_a_login_nobody_asks_for_is_our_fault(authority: Authority) -> None:
    offer = Offer(tls=authority.serving("localhost"))
    async with running_sink(offer=offer) as (_, port), provider(port, **trusting(authority, **LOGIN)) as upstream:
        outcome = await deliver(upstream)
        assert (outcome.fate, outcome.stage) == (Fate.OURS, Stage.AUTH)


async def test_auth_login_is_spoken_where_plain_is_not_offered(authority: Authority) -> None:
    class LoginOnly(Offer):
        def lines(self, *, encrypted: bool) -> list[str]:
            return [line.replace("AUTH PLAIN LOGIN", "AUTH LOGIN") for line in Offer.lines(self, encrypted=encrypted)]

    offer = LoginOnly(tls=authority.serving("localhost"), login=("user", "secret"))
    async with running_sink(offer=offer) as (sink, port), provider(port, **trusting(authority, **LOGIN)) as upstream:
        assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert sink.messages[0].login == "user"


def test_clear_text_beyond_loopback_cannot_be_configured() -> None:
    for host in ("mail.example", "192.0.2.1", "2001:db8::1", "localhost.example"):
        with pytest.raises(ValueError, match="loopback"):
            Upstream(config(25, host=host), CountingMeter())
    for host in ("localhost", "127.0.0.9", "::1"):
        Upstream(config(25, host=host), CountingMeter())


def test_the_password_does_not_show() -> None:
    assert "hush" not in repr(config(25, username="hush", password="hush"))
