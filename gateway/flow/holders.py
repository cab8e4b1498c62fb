"""Finds out who holds a person's data besides us, so that an opposition reaches them and nobody else (R-FR-35)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.model import Partner, PersonKey
from gateway.core.oppose import holders, notes
from gateway.core.record import Opposition
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


async def tell_late(book: Book, partners: Sequence[Partner], filed: Opposition, told: Sequence[Partner]) -> None:
    """Tell those too who were given the person's data between the look at who holds them and the commit of the opposition.

    Whoever is registered after that commit is given nothing: an export looks again before it writes (R-PACK-08).
    """
    late = [one for one in await holders_of(book, partners, filed.person, filed.advertiser) if one not in told]
    if late and (more := notes(filed, late)):
        await book.commit((), more)
