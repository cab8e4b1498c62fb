"""Mail kept for a person: who opens it says why, who has dealt with it throws it away; both are on record (R-STD-71, R-DP-20)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.change import Discard
from gateway.core.evidence import Event, Kind
from gateway.core.task import Kept
from gateway.flow.administer import Refused, unfit_note
from gateway.flow.back_ports import Returns
from gateway.flow.ports import Book, Clock, Vault


class KeptMail:
    """The shelf of what nobody but a person can answer: postmaster, abuse, answers that nobody could read."""

    def __init__(self, book: Book, returns: Returns, vault: Vault, clock: Clock) -> None:
        self._book = book
        self._returns = returns
        self._vault = vault
        self._clock = clock

    async def all(self, mailbox: str = "") -> Sequence[Kept]:
        """Everything on the shelf, oldest first, unopened."""
        return await self._returns.kept(mailbox)

    async def look(self, number: int, reason: str) -> bytes | Refused:
        """One mail as it came; the look and its reason are recorded first."""
        found = await self._find(number)
        if found is None:
            return _unknown(number)
        if not reason.strip():
            return Refused("Reading what a person wrote needs a reason, which is recorded.")
        if unfit := unfit_note(reason):
            return unfit
        await self._book.commit([self._event(found, Kind.LOOK, f"kept={number}; reason={reason}")])
        return self._vault.open(found.sealed_mail)

    async def discard(self, number: int, note: str = "") -> Kept | Refused:
        """Forget one mail."""
        found = await self._find(number)
        if found is None:
            return _unknown(number)
        if unfit := unfit_note(note):
            return unfit
        detail = f"discarded={number}" + (f"; {note}" if note else "")
        await self._book.commit([self._event(found, Kind.KEPT, detail)], [Discard(number)])
        return found

    async def _find(self, number: int) -> Kept | None:
        return next((one for one in await self._returns.kept() if one.id == number), None)

    def _event(self, found: Kept, kind: Kind, detail: str) -> Event:
        outcome = "kept-mail" if kind is Kind.LOOK else "discarded"
        return Event(self._clock.now(), kind, outcome, rules=("R-STD-71", "R-DP-20"), detail=f"mailbox={found.mailbox}; {detail}")


def _unknown(number: int) -> Refused:
    return Refused(f"No mail {number} is kept.")
