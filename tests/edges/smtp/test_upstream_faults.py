"""The provider misbehaves at every stage in every way (reliability 4.4); the tool hears the table of reliability 1.3."""

from __future__ import annotations

import re
import ssl
from itertools import product
from pathlib import Path

import pytest
import trustme

from gateway.core.model import Fate, Outcome, Stage
from gateway.core.reply import for_outcome
from tests.support.provider import MESSAGE, deliver, provider
from tests.support.sink import FAULTS, Offer, running_sink

WHERE = {
    "banner": Stage.CONNECT,
    "ehlo": Stage.HELLO,
    "starttls": Stage.TLS,
    "auth": Stage.AUTH,
    "mail": Stage.MAIL,
    "rcpt": Stage.RCPT,
    "data": Stage.DATA,
    "body": Stage.END,
    "end": Stage.END,
    "quit": Stage.END,
}
LOST = ("reset", "close", "hang", "garbage", "999")
BIG = b"x" * 998 + b"\r\n"


def expected(stage: str, fault: str) -> tuple[Fate, int]:
    """The table."""
    where = WHERE[stage]
    if fault == "slow" or stage == "quit":
        return Fate.DELIVERED, 250
    if fault in LOST:
        return (Fate.AMBIGUOUS if where is Stage.END else Fate.UNREACHABLE), 0
    if stage == "starttls":
        return Fate.UNREACHABLE, int(fault)
    if fault == "550":
        return (Fate.OURS if stage in ("banner", "ehlo", "auth") else Fate.REFUSED), 550
    return Fate.DEFERRED, int(fault)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> tuple[Offer, Path]:
    """A sink's offer with TLS and a login, and the file of the authority to trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return Offer(tls=context, login=("user", "secret")), file


def secure(file: Path) -> dict[str, object]:
    return {"host": "localhost", "tls": "required", "ca_file": file, "username": "user", "password": "secret"}


@pytest.mark.parametrize(("stage", "fault"), list(product(WHERE, FAULTS)))
async def test_every_fault_at_every_stage_has_its_outcome(stage: str, fault: str, ca: tuple[Offer, Path]) -> None:
    offer, file = ca
    async with running_sink({stage: fault}, offer) as (sink, port), provider(port, **secure(file)) as upstream:
        outcome = await deliver(upstream)
        assert (outcome.fate, outcome.code) == expected(stage, fault)
        assert outcome.stage is (Stage.END if outcome.fate is Fate.DELIVERED else WHERE[stage])
        # What was kept by the provider is never said to have been refused or never sent.
        if outcome.fate not in (Fate.DELIVERED, Fate.AMBIGUOUS) and stage not in ("body", "end"):
            assert sink.count == 0
        reply = for_outcome(outcome)
        assert re.fullmatch(rb"[245]\d\d (?:[245]\.\d{1,3}\.\d{1,3} )?[ -~]*\r\n", reply.line())
        assert (reply.code >= 500) == (outcome.fate is Fate.REFUSED)


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "slow"])
async def test_the_same_without_pipelining(stage: str, fault: str) -> None:
    async with running_sink({stage: fault}, Offer(pipelining=False)) as (sink, port), provider(port) as upstream:
        outcome = await deliver(upstream)
        assert (outcome.fate, outcome.code, outcome.stage) == (*expected(stage, fault), WHERE[stage])
        assert sink.count == 0


@pytest.mark.parametrize("fault", ["reset", "close", "stall", "421", "451", "550", "garbage"])
async def test_a_fault_amid_a_large_body_means_it_was_not_taken(fault: str) -> None:
    body = BIG * 20_000
    async with running_sink({"body": fault}) as (sink, port), provider(port, attempt_budget=1.0) as upstream:
        outcome = await deliver(upstream, body=[body])
        assert outcome.fate in (Fate.DEFERRED, Fate.REFUSED, Fate.UNREACHABLE)
        if fault in (*LOST, "stall"):
            assert outcome.stage is Stage.DATA
        if sink.count:  # a sink that answers early goes on reading: only a refusal may then be reported
            assert outcome.fate in (Fate.DEFERRED, Fate.REFUSED)


async def test_answers_beyond_every_bound_end_the_connection() -> None:
    for stage in ("banner", "mail"):
        async with running_sink({stage: "long"}) as (_, port), provider(port) as upstream:
            outcome = await deliver(upstream)
            assert (outcome.fate, outcome.text) == (Fate.UNREACHABLE, "garbage")


async def test_a_next_hop_that_wants_a_login_is_our_fault_not_the_messages() -> None:
    async with running_sink(offer=Offer(login=("user", "x"))) as (_, port), provider(port) as upstream:
        outcome = await deliver(upstream)
        assert (outcome.fate, outcome.code, for_outcome(outcome).code) == (Fate.OURS, 530, 451)


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("fault", ["reset", "close", "421", "garbage", "hang"])
async def test_a_stale_pooled_connection_is_replaced_once_before_the_body(stage: str, fault: str) -> None:
    async with running_sink({stage: [None, fault]}) as (sink, port), provider(port) as upstream:
        assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert (sink.count, sink.connections) == (2, 2)


@pytest.mark.parametrize("fault", ["reset", "close", "hang", "garbage"])
async def test_nothing_is_sent_again_once_body_bytes_have_left(fault: str) -> None:
    async with running_sink({"end": [None, fault]}) as (sink, port), provider(port) as upstream:
        await deliver(upstream)
        outcome = await deliver(upstream)
        assert (outcome.fate, outcome.stage) == (Fate.AMBIGUOUS, Stage.END)
        assert (sink.count, sink.connections) == (2, 1)  # the provider has it, once


async def test_the_second_failure_of_a_fresh_connection_is_final() -> None:
    async with running_sink({"mail": [None, "close", "close"]}) as (sink, port), provider(port) as upstream:
        await deliver(upstream)
        assert await deliver(upstream) == Outcome(Fate.UNREACHABLE, Stage.MAIL, text="closed")
        assert sink.connections == 2


async def test_a_354_with_more_behind_it_ends_the_connection_before_the_body() -> None:
    async with running_sink({"data": "desync"}) as (sink, port), provider(port) as upstream:
        outcome = await deliver(upstream, body=[MESSAGE])
        assert (outcome.fate, outcome.stage) == (Fate.UNREACHABLE, Stage.DATA)
    assert sink.count == 0
