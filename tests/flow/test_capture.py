"""Mail that leaves with a reply address of ours, and what is remembered of where answers went: in the commit of the attempt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gateway.core.change import Change, KeepRoutes
from gateway.core.evidence import Event
from gateway.core.model import Ref, Replies
from gateway.core.routes import read_routes
from gateway.core.token import mint
from tests.support.book import MemoryBook
from tests.support.company import CLAIRE, NEWS, STREAMS, TOKENS, Company, Reversing, newsletter, read

ASKED = replace(NEWS, replies=Replies.CAPTURE)


@dataclass
class CountingBook(MemoryBook):
    """A book that remembers what each commit held."""

    commits: list[tuple[list[str], list[str]]] = field(default_factory=list)

    def _write(self, events: list[Event], changes: list[Change]) -> list[Ref]:  # type: ignore[override]
        self.commits.append(([one.kind.value for one in events], [type(one).__name__ for one in changes]))
        return list(super()._write(events, changes))


def company(stream: object = ASKED) -> Company:
    return Company(streams=dict(STREAMS) | {"news": stream}, book=CountingBook())  # type: ignore[dict-item]


async def test_where_answers_went_is_remembered_with_the_attempt_and_costs_no_commit_of_its_own() -> None:
    """R-STD-56, R-FR-57, perf: one fsync an attempt, as before."""
    one, plain = company(), company(NEWS)
    for each in (one, plain):
        await each.consent()
        assert (await each.send(CLAIRE, data=newsletter(Reply_To="Anne <anne@maison.example>")))[-1].positive
    token = mint(TOKENS, NEWS.number, one.person(CLAIRE))
    assert read(one.provider.handed[-1].message)["Reply-To"] == f"Anne <r-{token}@back.example>"
    sealed = await one.book.routes(one.person(CLAIRE), "news")
    assert sealed is not None
    assert read_routes(Reversing().open(sealed)).reply_to == ("anne@maison.example",)
    assert b"anne" not in sealed
    (attempt,) = [changes for kinds, changes in one.book.commits if kinds == ["attempt"]]  # type: ignore[attr-defined]
    assert KeepRoutes.__name__ in attempt
    assert len(one.book.commits) == len(plain.book.commits)  # type: ignore[attr-defined]
    assert await plain.book.routes(plain.person(CLAIRE), "news") is None


async def test_the_latest_message_says_where_answers_go() -> None:
    one = company()
    await one.consent()
    for to in ("anne@maison.example", "benoit@maison.example"):
        one.clock.advance(1)
        await one.send(CLAIRE, data=newsletter(Reply_To=to, Message_ID=f"<{to}>"))
    sealed = await one.book.routes(one.person(CLAIRE), "news")
    assert sealed is not None
    assert read_routes(Reversing().open(sealed)).reply_to == ("benoit@maison.example",)


async def test_mail_that_is_not_captured_remembers_nothing() -> None:
    one = company()
    await one.consent()
    await one.send(CLAIRE, stream="service")
    assert one.book.kept_routes == {}
