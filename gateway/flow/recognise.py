"""Finds out whom a partner's hashes meant among those on record, so that the others who hold their data hear of it (R-FR-35).

Mail to them is refused from the first moment, because each recipient is looked up under every hash too; this only passes it on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.core.address import Address, Identity
from gateway.core.change import MoveCursor
from gateway.core.model import Partner
from gateway.core.record import Block
from gateway.flow.back_ports import Returns
from gateway.flow.intake import breathe
from gateway.flow.lease_ports import Overtaken
from gateway.flow.partner_door import HASHES_HEARD, PartnerDoor
from gateway.flow.ports import Book, Log, Unavailable, Vault
from gateway.flow.telling import opened_address

LOOK = 60.0
"""Seconds between two looks whether a hash came in."""

_DONE = "partner-hashes-recognised"


class Recognising:
    """Walks the register after a hash came in; `partners` by name."""

    def __init__(
        self,
        book: Book,
        returns: Returns,
        identity: Identity,
        vault: Vault,
        door: PartnerDoor,
        partners: Mapping[str, Partner],
        log: Log,
    ) -> None:
        self._book = book
        self._returns = returns
        self._identity = identity
        self._vault = vault
        self._door = door
        self._partners = partners
        self._log = log

    async def run(self) -> None:
        """Look from time to time, for as long as the process lives."""
        while True:
            try:
                await self.once()
            except Overtaken:
                raise  # another process does this now
            except Unavailable as failure:
                self._log.say("recognising-waits", outside=failure.what)
            await asyncio.sleep(LOOK)

    async def once(self) -> int:
        """How many people were recognised; 0 without a walk where no hash came in since the last one."""
        heard = await self._returns.cursor(HASHES_HEARD)
        if heard == await self._returns.cursor(_DONE):
            return 0
        found, number, last = 0, 0, b""
        async for consent, sealed in self._book.register():
            number += 1
            await breathe(number)
            address = None if consent.person == last else opened_address(self._vault, sealed)
            if address is not None:
                last = consent.person
                found += await self._one(address)
        await self._book.commit((), [MoveCursor(_DONE, heard)])
        self._log.say("hashes recognised", people=found)
        return found

    async def _one(self, address: Address) -> bool:
        new = False
        for name, key in self._identity.of_partners(address).items():
            for heard in await self._book.oppositions(key):
                if heard.block is Block.OPPOSED and name in self._partners:
                    new |= await self._door.recognised(self._partners[name], address, heard)
        return new
