"""Keeps the texts that verdicts rest on: which pack and which configuration counted from when, by whom and why (R-FR-86).

What comes with the gateway and what the configuration says is recorded as found; a pack of one's own that changed counts only once
somebody has put their name and a reason to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gateway.core.change import Adopt
from gateway.core.evidence import Event, Kind
from gateway.core.policy import Policy
from gateway.core.record import Ruling
from gateway.core.ruling import PACK, STREAM, Setup
from gateway.flow.ports import Book, Clock

GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Unadopted:
    """A pack that changed since it was adopted, and nobody has said why."""

    pack: str
    adopted: str
    found: str

    def __str__(self) -> str:
        return (
            f"Policy pack {self.pack} changed from {self.adopted} to {self.found}. Record who changed it and why:"
            f" gateway policy adopt {self.pack} --author NAME --reason WHY"
        )


class Adoption:
    """The register of rulings."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    async def at_start(self, packs: Mapping[str, Policy], own: Collection[str], setups: Iterable[Setup]) -> tuple[Unadopted, ...]:
        """Record what counts from now on; the packs among `own` that changed unsigned are returned and nothing is recorded."""
        known = await self._book.rulings()
        last = {one.name: one for one in known if one.kind == PACK}
        fresh = [pack for pack in packs.values() if not _counts(pack, last.get(pack.name))]
        unsigned = tuple(
            Unadopted(pack.name, last[pack.name].label, pack.label) for pack in fresh if pack.name in own and pack.name in last
        )
        if unsigned:
            return unsigned
        for pack in fresh:
            await self._record(
                PACK, pack.name, pack.label, pack.text, GATEWAY, "came with the gateway" if pack.name not in own else "first start"
            )
        stood = {one.name: one.label for one in known if one.kind == STREAM}
        for setup in setups:
            if stood.get(setup.stream.name) != setup.label:
                await self._record(STREAM, setup.stream.name, setup.label, setup.text, GATEWAY, "as configured")
        return ()

    async def sign(self, pack: Policy, author: str, reason: str) -> bool:
        """Adopt a pack by name; False when this very text counts already."""
        last = [one for one in await self._book.rulings(PACK) if one.name == pack.name]
        if last and last[-1].label == pack.label:
            return False
        await self._record(PACK, pack.name, pack.label, pack.text, author, reason)
        return True

    async def history(self) -> tuple[Ruling, ...]:
        """Every ruling, oldest first."""
        return tuple(await self._book.rulings())

    async def _record(self, kind: str, name: str, label: str, text: str, author: str, reason: str) -> None:
        now = self._clock.now()
        detail = f"author={author}; reason={reason}"
        event = Event(at=now, kind=Kind.POLICY, outcome="adopted", policy=label, rules=("R-FR-86",), detail=detail)
        await self._book.commit([event], [Adopt(Ruling(kind, name, label, text, now, author, reason))])


def _counts(pack: Policy, last: Ruling | None) -> bool:
    return last is not None and last.label == pack.label
