"""Finds out who holds a person's data besides us, so that an opposition reaches them and nobody else (R-FR-35)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.model import Partner, PersonKey
from gateway.core.oppose import holders
from gateway.flow.ports import Book, Unavailable


async def holders_of(book: Book, partners: Sequence[Partner], person: PersonKey, advertiser: str = "") -> Sequence[Partner]:
    """The partners to tell; all of them where the records cannot be read, because recording the opposition comes first."""
    if not partners:
        return ()
    try:
        consents = [consent for consent, _ in await book.consents(person)]
        return holders(partners, consents, await book.transfers(person), advertiser)
    except Unavailable:
        return partners
