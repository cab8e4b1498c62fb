"""Connections are reused, bounded, and dropped on the least doubt."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.model import Fate, Outcome, Stage
from gateway.edges.smtp.upstream import Upstream
from tests.support.provider import CountingMeter, config, deliver, provider
from tests.support.sink import FaultySink, running_sink


async def test_two_hundred_deliveries_share_ten_connections() -> None:
    async with (
        running_sink({"mail": [*["slow"] * 20]}) as (sink, port),
        provider(port, pool_size=10, attempt_budget=20.0) as upstream,
    ):
        outcomes = await asyncio.gather(*(deliver(upstream, f"p{n}@x.example") for n in range(200)))
        assert {outcome.fate for outcome in outcomes} == {Fate.DELIVERED}
        assert sorted(got.recipient for got in sink.messages) == sorted(f"p{n}@x.example" for n in range(200))
        assert sink.connections == 10


async def test_those_who_wait_are_served_in_order() -> None:
    async with running_sink() as (sink, port), provider(port, pool_size=1) as upstream:
        await asyncio.gather(*(deliver(upstream, f"p{n}@x.example") for n in range(20)))
        assert [got.recipient for got in sink.messages] == [f"p{n}@x.example" for n in range(20)]


async def test_waiting_for_a_connection_is_bounded_by_the_budget() -> None:
    async with running_sink({"mail": "hang"}) as (_, port):
        settings = {"pool_size": 1, "attempt_budget": 0.3, "command_timeout": 5.0}
        async with provider(port, **settings) as upstream:
            first, second = await asyncio.gather(deliver(upstream), deliver(upstream))
            assert first == Outcome(Fate.UNREACHABLE, Stage.MAIL, text="timeout")
            assert second == Outcome(Fate.UNREACHABLE, Stage.CONNECT, text="No free connection in time")


async def test_a_connection_carries_so_many_messages_and_no_more() -> None:
    async with running_sink() as (sink, port), provider(port, max_messages=3) as upstream:
        for _ in range(7):
            assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert sink.connections == 3
        assert sink.seen["quit"] == 2


async def test_an_idle_connection_expires_when_next_touched() -> None:
    async with running_sink() as (sink, port), provider(port, idle_seconds=0.0) as upstream:
        for _ in range(3):
            await deliver(upstream)
            await asyncio.sleep(0.001)
        assert sink.connections == 3


@pytest.mark.parametrize("said", [b"", b"421 4.4.2 Idle too long\r\n", b"250 2.0.0 Surprise\r\n", b"2"])
async def test_what_an_idle_connection_says_unasked_ends_it(said: bytes) -> None:
    async with running_sink() as (sink, port), provider(port) as upstream:
        spoken: asyncio.Queue[object] = asyncio.Queue()

        class Talkative(FaultySink):
            async def interfere(self, stage: str, session: object, /) -> bytes | None:
                spoken.put_nowait(session)
                return None

        sink.__class__ = Talkative
        await deliver(upstream)
        session = spoken.get_nowait()
        session.put(said)  # type: ignore[attr-defined]
        if not said:
            session.writer.close()  # type: ignore[attr-defined]
        (idle,) = upstream._pool._idle
        async with asyncio.timeout(2):
            while idle.usable:  # noqa: ASYNC110 - there is no event for bytes that come unasked
                await asyncio.sleep(0)
        assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert (sink.count, sink.connections) == (2, 2)


@pytest.mark.parametrize("fault", ["garbage", "999", "long", "hang", "desync"])
async def test_a_poisoned_connection_is_never_used_again(fault: str) -> None:
    async with running_sink({"data": [fault]}) as (sink, port), provider(port) as upstream:
        assert (await deliver(upstream, "lost@x.example")).fate is Fate.UNREACHABLE
        assert (await deliver(upstream, "kept@x.example")).fate is Fate.DELIVERED
        assert sink.connections == 2
        assert [got.recipient for got in sink.messages] == ["kept@x.example"]


async def test_a_cancelled_delivery_ends_its_connection_and_frees_its_place() -> None:
    async with running_sink({"end": ["hang"]}) as (sink, port), provider(port, pool_size=1) as upstream:
        delivery = asyncio.ensure_future(deliver(upstream))
        await sink.wait_for(1)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert sink.connections == 2


async def test_closing_says_quit_on_every_idle_connection() -> None:
    async with running_sink({"mail": ["slow"] * 3}) as (sink, port):
        upstream = Upstream(config(port), CountingMeter())
        await asyncio.gather(*(deliver(upstream) for _ in range(3)))
        await upstream.close()
        assert sink.seen["quit"] == sink.connections == 3
        await upstream.close()


async def test_the_pool_never_opens_more_than_its_size_even_when_replacing_stale_ones() -> None:
    async with running_sink({"mail": [*["slow"] * 4, "close"]}) as (sink, port), provider(port, pool_size=4) as upstream:
        await asyncio.gather(*(deliver(upstream) for _ in range(4)))
        assert (await deliver(upstream)).fate is Fate.DELIVERED
        assert len(upstream._pool._idle) <= 4
        assert sink.connections == 5
