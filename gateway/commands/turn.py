"""The turn of a command at what is the day's work: while it lasts, no gateway and no other command on any machine is at it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.commands.console import Quiet, stop
from gateway.flow.every_day import LEASE
from gateway.flow.keeper import LENGTH, LOOK, Keeper, ended

if TYPE_CHECKING:
    from gateway.commands.office import Office

T = TypeVar("T")


async def in_turn(house: Office, turn: Callable[[Keeper], Awaitable[T | None]]) -> T:
    """What came of the turn, which is None where another has it; waits for that one, and ends the command where it stays."""

    def start(one: Coroutine[Any, Any, None]) -> asyncio.Task[Exception | None]:
        return asyncio.create_task(ended(one))

    keeper = Keeper(house.store.leases, LEASE, secrets.token_hex(8), start, house.clock, Quiet())
    looks = round(2 * LENGTH / LOOK)
    while (came := await turn(keeper)) is None:
        looks -= 1
        if not looks:
            stop("A gateway is at the day's work; try again later.")
        await asyncio.sleep(LOOK)
    return came
