"""The verdict on fresh facts: one batched read, the right keys, nothing guessed, and the journal tells the same."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.address import Identity
from gateway.core.change import Oppose, Pause, Publish, Resume
from gateway.core.evidence import Kind
from gateway.core.model import PersonKey
from gateway.core.policy import Policy
from gateway.core.record import Arrangements, Basis, Block, Door, NamedPartner, Opposition, PartnerList, Scope, Traits
from gateway.core.ruling import Setup
from gateway.core.verdict import Allow, Due, Reason, Refuse, Undecided
from gateway.edges.files import read_policy
from gateway.flow.judge import UNREAD, Judge
from gateway.flow.ports import Unavailable
from tests.support.book import MemoryBook
from tests.support.clock import START
from tests.support.company import CLAIRE, FR, MAISON, MARC, NEWS, SERVICE, VOISIN, Company, address


async def verdict(company: Company, text: str = CLAIRE) -> Allow | Refuse | Undecided:
    return (await company.judge.judge(company.streams["news"], address(text))).verdict


async def file(company: Company, key: PersonKey, foreign_hash: bool = False) -> None:
    """An opposition under a key that is not a person's own."""
    opposition = Opposition(key, Block.OPPOSED, Scope.ADVERTISER, "maison", "", Door.IMPORT, START)
    await company.book.commit((), [Oppose(opposition, foreign_hash)])


async def test_a_sound_consent_allows_and_names_its_basis_and_rules() -> None:
    company = Company()
    await company.consent()
    said = await verdict(company)
    assert isinstance(said, Allow)
    assert (said.basis, said.due, said.source) == (Basis.CONSENT, Due.NONE, "direct")
    assert company.book.reads == 1


async def test_what_cannot_be_read_is_undecided() -> None:
    company = Company()
    company.book.down = True
    assert await verdict(company) == Undecided(Reason.STORE_DOWN, ("R-FR-01",))


async def test_an_opposition_of_a_whole_domain_reaches_everybody_at_and_below_it() -> None:
    company = Company()
    for one in ("a@example.org", "a@mail.example.org", "a@other.example"):
        await company.consent(one)
    await file(company, company.identity.domain("example.org"))
    assert isinstance(await verdict(company, "a@example.org"), Refuse)
    assert isinstance(await verdict(company, "a@mail.example.org"), Refuse)
    assert isinstance(await verdict(company, "a@other.example"), Allow)


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
async def test_an_opposition_known_only_by_another_lists_hash_reaches_the_person(algorithm: str) -> None:
    company = Company()
    await company.consent(CLAIRE)
    digest = hashlib.new(algorithm, b"claire@example.org").hexdigest()
    await file(company, company.identity.foreign(algorithm, digest), foreign_hash=True)  # type: ignore[arg-type]
    said = await verdict(company, "CLAIRE@Example.org")
    assert isinstance(said, Refuse)
    assert said.floor


async def test_a_tagged_address_is_the_same_person_only_where_that_is_configured() -> None:
    for fold, kind in ((True, Refuse), (False, Allow)):
        company = Company(identity=Identity(b"pepper", fold_tags=fold))
        await company.consent("claire@example.org")
        await company.consent("claire+news@example.org")
        await company.oppose("claire@example.org")
        assert isinstance(await verdict(company, "claire+news@example.org"), kind)


async def test_an_opposition_to_another_advertiser_does_not_count_and_one_to_all_does() -> None:
    company = Company()
    await company.consent()
    key = company.person(CLAIRE)
    other = Opposition(key, Block.OPPOSED, Scope.ADVERTISER, "autre", "", Door.LINK, START)
    await company.book.commit((), [Oppose(other)])
    assert isinstance(await verdict(company), Allow)
    await company.oppose(CLAIRE, scope=Scope.ALL)
    assert isinstance(await verdict(company), Refuse)


async def test_a_known_verdict_stands_without_reading_again_until_facts_change() -> None:
    company = Company()
    await company.consent()
    known = await company.judge.judge(NEWS, address(CLAIRE))
    reads = company.book.reads
    assert await company.judge.again(NEWS, address(CLAIRE), known) is known
    assert company.book.reads == reads
    await company.oppose(CLAIRE)
    assert isinstance((await company.judge.again(NEWS, address(CLAIRE), known)).verdict, Refuse)


@pytest.mark.parametrize("change", ["oppose", "consent", "hash", "domain"])
async def test_every_change_of_the_facts_makes_a_known_verdict_stale(change: str) -> None:
    company = Company()
    await company.consent()
    known = await company.judge.judge(NEWS, address(CLAIRE))
    match change:
        case "oppose":
            await company.oppose(CLAIRE)
        case "consent":
            await company.consent(withdrawn_at=START)
        case "hash":
            digest = hashlib.md5(b"claire@example.org").hexdigest()
            await file(company, company.identity.foreign("md5", digest), foreign_hash=True)
        case "domain":
            await file(company, company.identity.domain("example.org"))
    assert isinstance((await company.judge.again(NEWS, address(CLAIRE), known)).verdict, Refuse)


async def test_a_known_verdict_is_not_trusted_when_the_book_cannot_be_read() -> None:
    company = Company()
    await company.consent()
    known = await company.judge.judge(NEWS, address(CLAIRE))
    company.book.down = True
    assert isinstance((await company.judge.again(NEWS, address(CLAIRE), known)).verdict, Undecided)


async def test_what_was_undecided_is_judged_anew() -> None:
    company = Company()
    await company.consent()
    company.book.down = True
    unknown = await company.judge.judge(NEWS, address(CLAIRE))
    company.book.down = False
    assert isinstance((await company.judge.again(NEWS, address(CLAIRE), unknown)).verdict, Allow)


@pytest.mark.parametrize("field", ["legal_name", "postal_address", "contact", "privacy_url"])
async def test_a_notice_that_would_lack_a_mandatory_fact_refuses_the_first_contact(field: str) -> None:
    lacking = replace(NEWS, advertiser=replace(MAISON, **{field: ""}))  # type: ignore[arg-type]
    company = Company(streams={"news": lacking})
    await company.buyer(CLAIRE)
    said = await verdict(company)
    assert isinstance(said, Refuse)
    assert said.reason is Reason.NOTICE_INCOMPLETE


async def test_the_journal_says_what_the_verdict_said() -> None:
    company = Company()
    await company.consent()
    allowed = await company.judge.judge(NEWS, address(CLAIRE))
    await company.oppose(CLAIRE)
    refused = await company.judge.judge(NEWS, address(CLAIRE))
    for judgement, outcome in ((allowed, "allow"), (refused, "refuse")):
        assert await company.judge.record(outcome, NEWS, "crm", judgement, "memory-0") == f"memory-{len(company.book.events)}"
    yes, no = company.told(Kind.DECISION)
    assert (yes.basis, yes.reason, yes.rules) == ("consent", "", allowed.verdict.rules)
    assert (no.basis, no.reason, no.rules) == ("", "OPPOSED", refused.verdict.rules)
    for event in (yes, no):
        assert (event.at, event.tool, event.stream, event.advertiser, event.category) == (
            START,
            "crm",
            "news",
            "maison",
            "marketing",
        )
        assert (event.person, event.policy, event.about) == (company.person(CLAIRE).hex(), FR.label, "memory-0")


async def test_a_decision_that_cannot_be_recorded_is_told_to_the_caller() -> None:
    company = Company()
    judgement = await company.judge.judge(SERVICE, address(CLAIRE))
    company.book.read_only = True
    with pytest.raises(Unavailable):
        await company.judge.record("allow", SERVICE, "crm", judgement)


US = read_policy("us")


def abroad(company: Company) -> Judge:
    """A judge with a second pack, of another country."""
    assert isinstance(US, Policy)
    return Judge(company.book, company.identity, {"fr": FR, "us": US}, {}, company.clock)


async def test_each_recipient_is_judged_and_recorded_by_the_pack_of_their_country() -> None:
    """R-PACK-01, R-PACK-02, R-PACK-10."""
    company = Company()
    unwritten = {"basis": Basis.LEGITIMATE_INTEREST}
    await company.consent(CLAIRE, traits=Traits("US"), **unwritten)
    await company.consent(MARC, traits=Traits("FR"), **unwritten)
    judge = abroad(company)
    for text, pack, kind in ((CLAIRE, US, Allow), (MARC, FR, Refuse)):
        judgement = await judge.judge(NEWS, address(text))
        assert judgement.policy is pack
        assert isinstance(judgement.verdict, kind)
        await judge.record("test", NEWS, "crm", judgement)
        assert company.told(Kind.DECISION)[-1].policy == judgement.policy.label


async def test_where_nothing_can_be_read_the_streams_own_pack_is_named() -> None:
    company = Company()
    company.book.down = True
    assert (await abroad(company).judge(NEWS, address(CLAIRE))).policy is FR
    assert (await abroad(company).judge(replace(NEWS, policy=""), address(CLAIRE))).policy is FR


async def test_a_known_verdict_is_good_for_less_than_a_minute() -> None:
    """R-FR-80, R-FR-32: a calendar term may end while nothing changes."""
    company = Company()
    await company.consent(collected_at=company.clock.now().replace(year=2023) + timedelta(seconds=59))
    known = await company.judge.judge(NEWS, address(CLAIRE))
    assert isinstance(known.verdict, Allow)
    company.clock.advance(59)
    assert await company.judge.again(NEWS, address(CLAIRE), known) is known
    company.clock.advance(1)
    after = await company.judge.again(NEWS, address(CLAIRE), known)
    assert isinstance(after.verdict, Refuse)
    assert after.verdict.reason is Reason.INACTIVE


async def test_the_journal_holds_what_a_verdict_rests_on() -> None:
    """R-FR-86, R-FR-90: the instant it was asked for, the stand it was read at, the stream's configuration."""
    company = Company()
    await company.consent()
    asked = company.clock.now()
    judgement = await company.judge.judge(NEWS, address(CLAIRE))
    company.clock.advance(5)
    await company.judge.record("allow", NEWS, "crm", judgement)
    (event,) = company.told(Kind.DECISION)
    assert (judgement.at, event.at) == (asked, asked)
    assert event.stand == str(await company.book.stand()) == str(judgement.stand)
    assert event.setup == Setup(NEWS, (), ("fr",)).label
    later = company.judge.event(Kind.ATTEMPT, "begin", NEWS, "crm", judgement)
    assert later.at == company.clock.now()


async def test_what_was_never_read_rests_on_no_stand() -> None:
    company = Company()
    company.book.down = True
    judgement = await company.judge.judge(NEWS, address(CLAIRE))
    assert company.judge.event(Kind.DECISION, "wait", NEWS, "crm", judgement).stand == ""


async def test_a_pause_and_a_published_list_count_at_once() -> None:
    """R-MBX-10, R-FR-20."""
    company = Company()
    await company.consent()
    await company.consent(MARC, source="voisin", partner_list_version="1", acquired_at=START)
    known = await company.judge.judge(NEWS, address(MARC))
    assert isinstance(known.verdict, Refuse)
    await company.book.commit((), [Publish(PartnerList("voisin", "1", START, (NamedPartner("maison", "", ""),)))])
    assert isinstance((await company.judge.again(NEWS, address(MARC), known)).verdict, Allow)
    await company.book.commit((), [Pause("news", START, "complaints")])
    assert await verdict(company) == Undecided(Reason.STREAM_PAUSED, ("R-FR-01", "R-MBX-10"))
    await company.book.commit((), [Resume("news")])
    assert isinstance(await verdict(company), Allow)


class Moving(MemoryBook):
    """A book in which somebody else writes while the arrangements are read."""

    looks: int = 0
    moves: int = 0

    async def arrangements(self) -> Arrangements:
        """See `ports.Book`."""
        self.looks += 1
        if self.moves:
            self.moves -= 1
            self._apply(Resume("another"))
        return await super().arrangements()


async def test_arrangements_are_read_once_a_stand() -> None:
    company = Company(book=Moving())
    await company.consent()
    for _ in range(3):
        await verdict(company)
    assert company.book.looks == 1  # type: ignore[attr-defined]
    await company.oppose(MARC)
    await verdict(company)
    assert company.book.looks == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(("moves", "kind"), [(1, Allow), (4, Allow), (5, Undecided)])
async def test_facts_and_arrangements_are_of_one_stand_or_nobody_decides(moves: int, kind: type) -> None:
    """R-FR-86: or the same verdict could not be had again."""
    book = Moving()
    company = Company(book=book)
    await company.consent()
    book.moves = moves
    judgement = await company.judge.judge(NEWS, address(CLAIRE))
    assert isinstance(judgement.verdict, kind)
    assert judgement.stand == (await book.stand() if kind is Allow else UNREAD)


def test_a_source_is_a_partner_only_when_it_is_configured_as_one() -> None:
    judge = Company().judge
    assert judge.partner("voisin") == VOISIN
    assert judge.partner("direct") is None
