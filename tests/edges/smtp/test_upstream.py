"""One finished message, one recipient, one verdict."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest

from gateway.core.model import Fate, Features, Outcome, Stage
from gateway.core.reply import for_outcome
from gateway.edges.smtp.upstream import Upstream
from gateway.flow.ports import Addressee
from tests.support.provider import MESSAGE, CountingMeter, config, deliver, envelope, provider
from tests.support.sink import Offer, running_sink


async def test_a_message_arrives_byte_for_byte_and_is_counted() -> None:
    async with running_sink() as (sink, port):
        meter = CountingMeter()
        upstream = Upstream(config(port), meter)
        outcome = await upstream.deliver(
            "news@shop.example", Addressee("anna@example.org"), envelope(), [MESSAGE[:20], MESSAGE[20:]]
        )
        await upstream.close()
        assert outcome == Outcome(Fate.DELIVERED, Stage.END, 250, "2.0.0", "Taken")
        assert meter.fates == [("main", "delivered")]
        (got,) = sink.messages
        assert (got.sender, got.recipients, got.data) == ("news@shop.example", ("anna@example.org",), MESSAGE)
        assert got.mail_parameters == {"SIZE": str(len(MESSAGE))}


@pytest.mark.parametrize("pipelining", [True, False])
async def test_large_messages_arrive_identical_while_the_loop_stays_free(pipelining: bool) -> None:
    noise = random.Random(7).choices([b"\r\n.", b".", b"plain text ", b"\r\n", b"\xe9"], k=900_000)
    body = b"".join(noise) + b"\r\n"
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)

    async with running_sink(offer=Offer(pipelining=pipelining)) as (sink, port), provider(port, attempt_budget=20.0) as upstream:
        watcher = asyncio.ensure_future(watch())
        outcome = await deliver(upstream, body=[body[:100_001], memoryview(body)[100_001:]])
        watcher.cancel()
        assert outcome.fate is Fate.DELIVERED
        assert sink.messages[0].data == body
        assert longest < 0.25


async def test_any_body_in_any_chunks_reaches_the_next_hop_identical() -> None:
    dice = random.Random(21)
    async with running_sink() as (sink, port), provider(port) as upstream:
        for _ in range(150):
            body = b"".join(dice.choices([b"\r\n", b".", b"..", b"a", b"\r\n.\r\n", b"\x80\xff"], k=dice.randrange(30))) + b"\r\n"
            cuts = [0, *sorted(dice.randrange(len(body) + 1) for _ in range(dice.randrange(6))), len(body)]
            assert (await deliver(upstream, body=[body[a:b] for a, b in pairwise(cuts)])).fate is Fate.DELIVERED
            assert sink.messages[-1].data == body
        assert sink.connections == 2


async def test_nothing_is_announced_that_the_next_hop_did_not_offer() -> None:
    bare = Offer(size=0, pipelining=False, eight_bit=False, smtputf8=False, dsn=False)
    async with running_sink(offer=bare) as (sink, port), provider(port) as upstream:
        outcome = await upstream.deliver(
            "", Addressee("a@x.example", "NEVER", "rfc822;a@x.example"), envelope(eight_bit=True, ret="HDRS", envid="q1"), [MESSAGE]
        )
        assert outcome.fate is Fate.DELIVERED
        got = sink.messages[0]
        assert (got.sender, got.mail_parameters, got.rcpt_parameters) == ("", {}, ({},))
        assert await upstream.features() == Features(False, False, False, 0)


async def test_what_is_offered_is_used() -> None:
    async with running_sink() as (sink, port), provider(port) as upstream:
        assert await upstream.features() == Features(True, True, True, 50_000_000)
        to = Addressee("josé@x.example", "SUCCESS,FAILURE", "utf-8;josé@x.example".replace("é", "\\x{E9}"))
        body = [b"Subject: \xc3\xa9\r\n\r\n"]
        outcome = await upstream.deliver("a@x.example", to, envelope(eight_bit=True, smtputf8=True, ret="FULL", envid="q1"), body)
        assert outcome.fate is Fate.DELIVERED
        got = sink.messages[0]
        assert got.recipient == "josé@x.example"
        assert got.mail_parameters == {
            "SIZE": str(len(body[0])),
            "BODY": "8BITMIME",
            "SMTPUTF8": "",
            "RET": "FULL",
            "ENVID": "q1",
        }
        assert got.rcpt_parameters[0] == {"NOTIFY": "SUCCESS,FAILURE", "ORCPT": "utf-8;jos\\x{E9}@x.example"}


@pytest.mark.parametrize(
    ("offer", "changes", "to", "body", "code", "enhanced"),
    [
        (Offer(smtputf8=False), {}, "é@x.example", MESSAGE, 553, "5.6.7"),
        (Offer(smtputf8=False), {"smtputf8": True}, "a@x.example", MESSAGE, 554, "5.6.9"),
        (Offer(eight_bit=False), {"eight_bit": True}, "a@x.example", b"\xe9\r\n", 554, "5.6.3"),
        (Offer(size=20), {}, "a@x.example", MESSAGE, 552, "5.3.4"),
    ],
)
async def test_what_the_next_hop_cannot_take_is_refused_with_nothing_sent(
    offer: Offer, changes: dict[str, object], to: str, body: bytes, code: int, enhanced: str
) -> None:
    async with running_sink(offer=offer) as (sink, port), provider(port) as upstream:
        outcome = await deliver(upstream, to, [body], **changes)
        assert (outcome.fate, outcome.code, outcome.enhanced) == (Fate.REFUSED, code, enhanced)
        assert sink.seen["mail"] == 0


@pytest.mark.parametrize(
    "bad", ["a\r\nRSET@x.example", "a\x00@x.example", "a\x7f@x.example", "a\u2028@x.example", "\ud800@x.example", ""]
)
async def test_control_characters_in_addresses_never_reach_the_wire(bad: str) -> None:
    async with running_sink() as (sink, port), provider(port) as upstream:
        for sender, to in (("a@x.example", bad), (bad or "\n", "b@x.example")):
            outcome = await upstream.deliver(sender, Addressee(to), envelope(), [MESSAGE])
            assert (outcome.fate, outcome.code) == (Fate.REFUSED, 553)
        for to_, env in ((Addressee("b@x.example", orcpt="x\r\ny"), envelope()), (Addressee("b@x.example"), envelope(envid="a b"))):
            assert (await upstream.deliver("a@x.example", to_, env, [MESSAGE])).code == 501
        assert sink.connections == 0


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_refused_recipient_leaves_the_connection_clean_for_the_next(pipelining: bool) -> None:
    async with running_sink(offer=Offer(pipelining=pipelining)) as (sink, port), provider(port) as upstream:
        for local, fate in (
            ("permerror", Fate.REFUSED),
            ("451", Fate.DEFERRED),
            ("anna", Fate.DELIVERED),
            ("550-data", Fate.REFUSED),
        ):
            assert (await deliver(upstream, f"{local}@x.example")).fate is fate
        assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert (sink.count, sink.connections) == (2, 1)


async def test_a_354_after_a_refused_recipient_ends_the_connection_without_an_empty_message() -> None:
    async with running_sink() as (sink, port), provider(port) as upstream:

        class Eager(type(sink)):  # type: ignore[misc]
            async def interfere(self, stage: str, session: object, /) -> bytes | None:
                return {"rcpt": b"550 5.1.1 No\r\n", "data": b"354 Go\r\n"}.get(stage)

        sink.__class__ = Eager
        outcome = await deliver(upstream)
        assert (outcome.fate, outcome.stage, outcome.code) == (Fate.REFUSED, Stage.RCPT, 550)
        await deliver(upstream)
        assert (sink.count, sink.connections) == (0, 2)


async def test_foreign_text_is_cleaned_and_the_enhanced_code_told_apart() -> None:
    async with running_sink({"rcpt": "451", "end": "550"}) as (_, port), provider(port) as upstream:
        outcome = await deliver(upstream)
        assert outcome == Outcome(Fate.DEFERRED, Stage.RCPT, 451, "4.7.1", "Try later, caf")
        assert for_outcome(outcome).line() == b"451 4.7.1 next-hop: Try later, caf\r\n"
    async with running_sink({"end": "550"}) as (_, port), provider(port) as upstream:
        assert await deliver(upstream) == Outcome(Fate.REFUSED, Stage.END, 550, "5.7.1", "Not wanted at all")


async def test_nobody_listening_is_unreachable() -> None:
    async with running_sink() as (sink, port):
        await sink.close()
        async with provider(port) as upstream:
            assert await deliver(upstream) == Outcome(Fate.UNREACHABLE, Stage.CONNECT, text="ConnectionRefusedError")
            features = await upstream.features()
            assert isinstance(features, Outcome)
            assert features.stage is Stage.CONNECT
