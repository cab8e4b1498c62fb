"""A message may be taken back until DATA is said: whoever opposed while it waited for a connection is not mailed."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.model import Fate
from gateway.edges.sink import Session, Sink
from gateway.edges.smtp.upstream import Upstream
from gateway.flow.ports import Addressee
from tests.support.provider import MESSAGE, CountingMeter, config, envelope
from tests.support.sink import Offer, running_sink


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_withdrawn_message_never_begins_and_the_connection_serves_the_next(pipelining: bool) -> None:
    answers = [True, False, False, True]

    async def still() -> bool:
        return answers.pop(0)

    async with running_sink(offer=Offer(pipelining=pipelining)) as (sink, port):
        upstream = Upstream(config(port), CountingMeter())
        fates = []
        for number in range(4):
            to = Addressee(f"p{number}@example.org")
            fates.append((await upstream.deliver("news@shop.example", to, envelope(), [MESSAGE], still)).fate)
        await upstream.close()
        assert fates == [Fate.DELIVERED, Fate.WITHDRAWN, Fate.WITHDRAWN, Fate.DELIVERED]
        assert [one.recipient for one in sink.messages] == ["p0@example.org", "p3@example.org"]
        assert sink.connections == 1


class Slow(Sink):
    """Answers the end of data once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = asyncio.Event()
        self.asked = asyncio.Event()

    async def interfere(self, stage: str, session: Session, /) -> bytes | None:
        if stage == "end":
            self.asked.set()
            await self.answer.wait()
        return None


async def test_the_last_word_is_asked_for_after_the_wait_for_a_connection() -> None:
    begun, opposed = asyncio.Event(), asyncio.Event()

    async def holds_the_connection() -> bool:
        begun.set()
        return await opposed.wait()

    async def still() -> bool:
        return not opposed.is_set()

    async with running_sink() as (sink, port):
        upstream = Upstream(config(port, pool_size=1), CountingMeter())
        one, two = Addressee("a@example.org"), Addressee("b@example.org")
        first = asyncio.ensure_future(upstream.deliver("news@shop.example", one, envelope(), [MESSAGE], holds_the_connection))
        await begun.wait()
        second = asyncio.ensure_future(upstream.deliver("news@shop.example", two, envelope(), [MESSAGE], still))
        await asyncio.sleep(0)
        opposed.set()
        assert [(await first).fate, (await second).fate] == [Fate.DELIVERED, Fate.WITHDRAWN]
        await upstream.close()
        assert [message.recipient for message in sink.messages] == ["a@example.org"]
