"""What every store does with a record that is filed again with its end (R-FR-45)."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.change import Learn
from gateway.core.model import PersonKey
from gateway.core.record import Covers, Who
from gateway.flow.ports import Book
from tests.support.people import at, consent, person

ANN = person(1)


async def ends(book: Book, who: PersonKey) -> list[tuple[str, bool]]:
    """(wording, ended) of each record."""
    return [(one.wording, one.withdrawn_at is not None) for one, _ in await book.consents(who)]


async def test_a_record_filed_again_with_its_end_is_ended_and_stays_one(book: Book) -> None:
    """R-FR-45."""
    live = consent(ANN)
    ended = replace(live, withdrawn_at=at(3), recorded_at=at(4))
    await book.commit([], [Learn(live, b"")])
    before = await book.stand()
    for _ in range(2):
        await book.commit([], [Learn(ended, b"")])
    ((read, _),) = await book.consents(ANN)
    assert (read.withdrawn_at, read.recorded_at) == (ended.withdrawn_at, live.recorded_at)
    await book.commit([], [Learn(live, b"")])
    assert await ends(book, ANN) == [(live.wording, True)]
    then = await book.facts_at("acme", Who(ANN), before)
    assert then is not None
    assert [one.withdrawn_at for one in then.consents] == [None]


async def test_an_end_reaches_no_other_record_of_the_person(book: Book) -> None:
    """R-FR-22, R-FR-45."""
    own, partners = consent(ANN), replace(consent(ANN), covers=Covers.PARTNERS)
    await book.commit([], [Learn(own, b""), Learn(partners, b"")])
    await book.commit([], [Learn(replace(own, withdrawn_at=at(3)), b"")])
    assert [(one.covers, one.withdrawn_at is not None) for one, _ in await book.consents(ANN)] == [
        (Covers.OWN, True),
        (Covers.PARTNERS, False),
    ]


async def test_a_record_that_comes_ended_is_kept_as_it_comes(book: Book) -> None:
    """R-FR-45."""
    await book.commit([], [Learn(replace(consent(ANN), withdrawn_at=at(3)), b"")])
    assert await ends(book, ANN) == [(consent(ANN).wording, True)]
