"""Asks a gateway, again and again, whether it does its work: whether it takes a marketing mail that may leave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import count

from tests.support.estate import Estate, Node
from tests.support.load import Session, write

RECOVERS_WITHIN = 30.0
_PATIENCE = 3 * RECOVERS_WITHIN
_NUMBERS = count(1)


async def recovered(estate: Estate, nodes: Sequence[Node] = ()) -> float:
    """Seconds until every node takes marketing mail, as it does once opt-outs can be recorded; at most three times the bar."""
    begun = time.monotonic()
    async with asyncio.timeout(_PATIENCE):
        for node in nodes or estate.nodes:
            while not await works(estate, node):  # noqa: ASYNC110 - other processes do not set our events
                await asyncio.sleep(0.05)
    return time.monotonic() - begun


async def works(estate: Estate, node: Node) -> bool:
    """One mail to somebody who consented, over a connection of its own."""
    number = next(_NUMBERS)
    message_id, text = f"<watch.{number}@maison.example>", f"Nouvelles de la veille {number}".encode()
    estate.load.diary.texts[message_id] = text
    session = Session(node.life.ports, estate.load.diary)
    to = estate.load.customers[number % len(estate.load.customers)]
    attempt = await session.send(message_id, [to], write(message_id, text, 400))
    session.close()
    return attempt.acknowledged
