"""What one report means for an address."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.bouncing import Means, SoftBounds, after, means, revived, sound_status, stands_dead, status_of, worn_out
from gateway.core.model import PersonKey
from gateway.core.record import Audience, Basis, Block, Consent, Door, Opposition, Scope
from gateway.core.signal import Reported
from gateway.core.task import SoftRun
from tests.support.clock import START

DAY = timedelta(days=1)
ANNA, DOMAIN = PersonKey(b"a" * 16), PersonKey(b"d" * 16)
DEAD = Opposition(ANNA, Block.BOUNCED, Scope.ADVERTISER, "acme", "", Door.BOUNCE, START)
FRESH = Consent(
    ANNA, "acme", "letter", Audience.CONSUMER, Basis.CONSENT, "direct", START + DAY, "checkbox-ticked", "Yes, write to me."
)


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
@pytest.mark.parametrize("hard", [True, None])
def test_a_status_that_says_nobody_is_there_is_dead_at_once(status: str, hard: bool | None) -> None:
    """R-MBX-14, R-STD-64."""
    assert means(Reported("", status, hard)) is Means.DEAD


@pytest.mark.parametrize("status", ["5.7.0", "5.7.1", "5.7.26", "5.7.999"])
@pytest.mark.parametrize("hard", [True, False, None])
def test_a_refusal_by_policy_never_kills_an_address(status: str, hard: bool | None) -> None:
    """R-STD-64: whatever the reporter calls it."""
    assert means(Reported("", status, hard)) is Means.POLICY


@pytest.mark.parametrize("status", ["4.2.2", "4.4.7", "4.7.1", "5.2.2"])
@pytest.mark.parametrize("hard", [True, False, None])
def test_a_full_or_passing_fault_is_soft(status: str, hard: bool | None) -> None:
    """R-STD-64, R-MBX-15."""
    assert means(Reported("", status, hard)) is Means.SOFT


@pytest.mark.parametrize("status", ["5.2.3", "5.3.4", "5.6.0", "5.6.1", "2.0.0", "2.1.5"])
def test_what_is_said_of_the_message_is_not_said_of_the_mailbox(status: str) -> None:
    assert means(Reported("", status, True)) is Means.NOTHING


@pytest.mark.parametrize("status", ["", "5.0.0", "5.1.0", "5.4.4", "5.5.0", "5.3.0", "nonsense"])
@pytest.mark.parametrize(("hard", "meant"), [(True, Means.DEAD), (False, Means.SOFT), (None, Means.NOTHING)])
def test_a_vague_status_leaves_it_to_the_reporter(status: str, hard: bool | None, meant: Means) -> None:
    assert means(Reported("", status, hard)) is meant


def test_words_that_say_the_mailbox_lives_outweigh_a_dead_status() -> None:
    assert means(Reported("", "5.1.1", False)) is Means.SOFT


@given(st.text(), st.sampled_from([True, False, None]))
def test_any_status_can_be_read(status: str, hard: bool | None) -> None:
    assert means(Reported("", status, hard)) in Means
    assert status_of(status) == "" or sound_status(status_of(status))
    assert sound_status(sound_status(status)) == sound_status(status)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("550 5.1.1 <x@example.com> user unknown", "5.1.1"),
        ("smtp; 550-5.1.1 no such user", "5.1.1"),
        ("552 5.2.2.", "5.2.2"),
        ("from 5.1.1.7 by 10.4.2.1", ""),
        ("250 2.0.0 queued", ""),
        ("", ""),
    ],
)
def test_the_status_is_found_in_a_servers_words_and_no_ip_address_is_one(said: str, status: str) -> None:
    assert status_of(said) == status


def test_soft_failures_kill_only_by_number_and_by_time() -> None:
    """R-MBX-15: five at least, over fifteen days at least."""
    bounds, run = SoftBounds(), None
    for day in range(20):
        run = after(run, START + day * 0.5 * DAY, bounds)
    assert run is not None
    assert not worn_out(run, bounds)  # twenty within ten days
    assert not worn_out(SoftRun(4, START, START + 30 * DAY), bounds)
    assert worn_out(SoftRun(5, START, START + 15 * DAY), bounds)


def test_after_a_long_silence_counting_begins_anew() -> None:
    run = SoftRun(4, START, START + 20 * DAY)
    assert after(run, START + 90 * DAY, SoftBounds()) == SoftRun(1, START + 90 * DAY, START + 90 * DAY)


@given(st.lists(st.integers(0, 59), min_size=1, max_size=8))
def test_the_order_in_which_reports_come_does_not_matter(days: list[int]) -> None:
    def run_of(order: list[int]) -> SoftRun | None:
        run = None
        for day in order:
            run = after(run, START + day * DAY, SoftBounds())
        return run

    assert run_of(days) == run_of(sorted(days)) == run_of(sorted(days, reverse=True))


def test_a_consent_given_after_the_report_revives_the_address() -> None:
    """R-MBX-14: fresh proof, and nothing else."""
    domain = replace(DEAD, person=DOMAIN)
    other = replace(DEAD, advertiser="other")
    opposed = replace(DEAD, block=Block.OPPOSED)
    assert revived(FRESH, (DEAD, domain, other, opposed)) == (DEAD,)
    assert revived(replace(FRESH, source="a partner", confirmed_at=START + DAY), (DEAD,)) == (DEAD,)


@pytest.mark.parametrize(
    "changed",
    [
        {"collected_at": START},
        {"collected_at": START - DAY},
        {"collected_at": None},
        {"confirmed_at": START - DAY},
        {"missing": ("wording",)},
        {"withdrawn_at": START + 2 * DAY},
        {"source": "a partner"},
        {"basis": Basis.LEGITIMATE_INTEREST},
    ],
)
def test_an_old_or_doubtful_record_revives_nobody(changed: dict[str, object]) -> None:
    assert revived(replace(FRESH, **changed), (DEAD,)) == ()


def test_dead_for_one_advertiser_is_not_dead_for_another() -> None:
    assert stands_dead([DEAD], "acme")
    assert not stands_dead([DEAD], "other")
    assert not stands_dead([replace(DEAD, block=Block.OPPOSED)], "acme")
    assert stands_dead([replace(DEAD, scope=Scope.ALL, advertiser="")], "other")
