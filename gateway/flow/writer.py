"""Finds out who wrote an answer: the person the mail was sent to, somebody else who is proven, or somebody nobody can vouch for.

From is a claim (T10). It counts where it agrees with the token, or where a signature of its own domain proves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set
from dataclasses import dataclass
from typing import Protocol

from gateway.core.address import Address, AddressFault, Identity, parse
from gateway.core.answered import Answer
from gateway.core.model import PersonKey
from gateway.flow.ports import Unavailable
from gateway.flow.way_back import Holder

PATIENCE = 10.0
"""Seconds the proof of an author may take; name servers that are slower prove nothing."""


class Proof(Protocol):
    """Who is proven to have written a mail."""

    async def author(self, answer: Answer) -> str:
        """The address in From where it is proven; empty otherwise."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who says they wrote: `address` is None where From names nobody; `known` where it is the holder of the token."""

    address: Address | None
    person: PersonKey | None
    known: bool
    proven: bool = False

    @property
    def sure(self) -> bool:
        """Whether it is known or proven that they wrote."""
        return self.known or self.proven


class Writers:
    """Reads From; asks for proof only where somebody's will hangs on it. `ours` are domains of ours and of the advertisers."""

    def __init__(self, identity: Identity, proof: Proof, ours: Set[str]) -> None:
        self._identity = identity
        self._proof = proof
        self._ours = ours

    def claimed(self, answer: Answer, holder: Holder | None) -> Writer:
        """Who From says it was; known where that is the holder of the token, whatever the spelling (R-FR-65)."""
        address = parse(answer.author, smtputf8=True)
        if isinstance(address, AddressFault):
            return Writer(None, None, known=False)
        person = self._identity.person(address)
        return Writer(address, person, known=holder is not None and person == holder.person)

    async def proven(self, answer: Answer, holder: Holder | None) -> Writer:
        """The same, with proof where it is needed: of mail that was written to us, and not just signed for somebody else."""
        claim = self.claimed(answer, holder)
        if claim.known or claim.address is None or not answer.addressed(self._ours):
            return claim
        try:
            async with asyncio.timeout(PATIENCE):
                author = await self._proof.author(answer)
        except (Unavailable, TimeoutError):
            return claim
        return Writer(claim.address, claim.person, known=False, proven=bool(author) and author == answer.author)

    def key_of(self, text: str) -> PersonKey | None:
        """The key of an address that a mail names; None where it is none."""
        address = parse(text.strip(), smtputf8=True)
        return None if isinstance(address, AddressFault) else self._identity.person(address)
