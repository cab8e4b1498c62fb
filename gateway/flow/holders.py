"""Finds out who must hear of an opposition besides us: partners that hold the person's data, and the tools that wrote to them.

It reaches them and nobody else (R-FR-35, R-FR-51). Every door asks here before it commits, and looks again after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.core.model import Partner, PersonKey, Stream
from gateway.core.oppose import held_by, holders, notes
from gateway.core.record import Opposition, Scope
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


async def tools_of(book: Book, streams: Iterable[Stream], filed: Opposition) -> Sequence[str]:
    """The streams whose tool had put a way out of its own for this person, as far as the opposition goes (R-FR-51)."""
    try:
        return [one.name for one in streams if _reached(one, filed) and await book.own_unsubscribe(filed.person, one.name)]
    except Unavailable:
        return ()


def _reached(stream: Stream, filed: Opposition) -> bool:
    match filed.scope:
        case Scope.ALL:
            return True
        case Scope.ADVERTISER:
            return stream.advertiser.name == filed.advertiser
        case Scope.STREAM:
            return stream.name == filed.stream


async def tell_late(book: Book, partners: Sequence[Partner], filed: Opposition, told: Sequence[Partner]) -> None:
    """Tell those too who were given the person's data between the look at who holds them and the commit of the opposition.

    Whoever is registered after that commit is given nothing: an export looks again before it writes (R-PACK-08). Records that say
    nothing now said nothing before, or were erased by this very commit: they add nobody.
    """
    missed = [one for one in partners if one not in told]
    if not missed:
        return
    try:
        consents = [consent for consent, _ in await book.consents(filed.person)]
        late = held_by(missed, consents, await book.transfers(filed.person), filed.advertiser)
    except Unavailable:
        late = missed
    if late and (more := notes(filed, late)):
        await book.commit((), more)
