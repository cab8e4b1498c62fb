"""Whom a report is about, which mail it was, and which notices were in it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.evidence import Event, Kind
from gateway.core.model import Fate, PersonKey
from gateway.core.record import NoticeGiven, NoticeKind
from gateway.core.return_path import (
    UNDER_WAY,
    attempt_of,
    captures_failures,
    concerning,
    digest_of,
    named,
    not_given,
    orcpt,
    return_path,
    wrote_ourselves,
)
from gateway.core.signal import Reported
from gateway.core.token import read
from tests.support.clock import START
from tests.support.company import NEWS, TOKENS, letterhead

PERSON = PersonKey(b"k" * 16)
CAPTURED = replace(NEWS, capture_bounces=True)
CLAIRE, OTHER = "claire@example.org", "list@elsewhere.example"
ID, TEMPLATE = "<septembre.1@maison.example>", "f00d"

reports = st.lists(st.builds(Reported, st.sampled_from([CLAIRE, OTHER, ""]), hard=st.none() | st.booleans()), max_size=5)


def is_claire(text: str) -> bool:
    return text.lower() == CLAIRE


def test_a_return_path_names_the_person_and_the_stream() -> None:
    """R-STD-63."""
    head = letterhead(CAPTURED)
    local, _, domain = return_path(head, PERSON).partition("@")
    claim = read(TOKENS, local.removeprefix("b-"))
    assert claim is not None
    assert (claim.person, claim.stream_number, domain, len(local)) == (PERSON, NEWS.number, "back.example", 58)
    assert captures_failures(head)
    assert not captures_failures(letterhead(NEWS))
    assert not captures_failures(letterhead(CAPTURED, inbound_domain=""))


@given(reports)
def test_another_s_dead_mailbox_never_outweighs_the_person_s_own_line(found: list[Reported]) -> None:
    one = concerning(found, is_claire)
    own = [line for line in found if is_claire(line.address)]
    assert one in found or one == Reported("")
    if own:
        assert one in own
        assert bool(one.hard) == any(line.hard for line in own)
    elif one.hard:
        assert all(line.hard for line in found)


def test_the_recipient_as_we_wrote_it_counts_before_the_one_it_became() -> None:
    """R-STD-63."""
    forwarded = Reported("private@home.example", "5.1.1", True, CLAIRE)
    assert concerning([Reported(CLAIRE, "4.2.2"), forwarded], is_claire) in (forwarded, Reported(CLAIRE, "4.2.2"))
    assert named(forwarded, is_claire) == CLAIRE
    assert named(Reported(OTHER, original=OTHER), is_claire) == ""


@given(st.text(max_size=30) | st.just("claire+a=b@example.org"))
def test_an_original_recipient_is_xtext_or_nothing(address: str) -> None:
    """RFC 3461 4."""
    made = orcpt(address)
    assert re.fullmatch(r"(?:rfc822;(?:[!-*,-<>-~]|\+[0-9A-F]{2})+)?", made)
    plain = re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), made)
    assert plain == (f"rfc822;{address}" if address.isascii() and address else "")


@pytest.mark.parametrize(
    ("message_id", "ours"),
    [
        ("<0123456789abcdef01234567@gateway.example>", True),
        ("<gw0-12.0123456789ab@gateway.example>", False),
        (ID, False),
        ("", False),
        ("<@gateway.example>", False),
        ("@@<>", False),
    ],
)
def test_own_mail_is_told_from_a_tool_s(message_id: str, ours: bool) -> None:
    assert wrote_ourselves(message_id, "gateway.example") is ours


# Notices


def notice(at: datetime = START, kind: NoticeKind = NoticeKind.FIRST_CONTACT) -> NoticeGiven:
    return NoticeGiven(PERSON, "maison", "voisin", at, TEMPLATE, kind)


def trail(message_id: str = ID, at: datetime = START) -> dict[str, Event]:
    """What the journal holds of one mail that was delivered."""
    attempt = Event(at - timedelta(seconds=1), Kind.ATTEMPT, "begin", message=digest_of(message_id))
    return {"gw0-1": attempt, "gw0-2": Event(at, Kind.OUTCOME, Fate.DELIVERED.value, about="gw0-1")}


def test_the_notice_in_the_mail_that_came_back_was_not_given() -> None:
    """R-FR-31."""
    late = START + timedelta(days=30)
    assert not_given([notice()], trail(), ID, late) == (notice(),)
    assert not_given([notice()], trail(), "<other@maison.example>", START) == ()


@pytest.mark.parametrize(("message_id", "ours"), [("", ID), (ID, ""), ("", "")])
def test_of_a_mail_that_cannot_be_told_from_others_only_what_was_under_way_is_taken_back(message_id: str, ours: str) -> None:
    """R-FR-31."""
    known = trail(ours)
    assert not_given([notice()], known, message_id, START + UNDER_WAY) == (notice(),)
    assert not_given([notice()], known, message_id, START + UNDER_WAY + timedelta(seconds=1)) == ()
    assert not_given([notice()], known, message_id, START - timedelta(seconds=1)) == ()
    assert not_given([notice()], {}, message_id, START) == (notice(),)


def test_a_question_that_came_back_was_put_all_the_same() -> None:
    """R-FR-82: whether anybody answers is another matter."""
    assert not_given([notice(kind=NoticeKind.STAY)], trail(), ID, START) == ()
    assert not_given([notice(kind=NoticeKind.PARTNER_LIST)], trail(), ID, START) != ()


def test_the_latest_attempt_of_that_very_mail_is_found() -> None:
    events = {
        **trail(),
        "gw0-9": Event(START, Kind.ATTEMPT, "begin", message=digest_of(ID)),
        "gw0-8": Event(START, Kind.RETURN, "x"),
    }
    assert attempt_of(events, ID) == events["gw0-9"]
    assert attempt_of(events, "<other@maison.example>") is None
    assert attempt_of(events, "") is None
