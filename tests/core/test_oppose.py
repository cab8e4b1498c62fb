"""What an act of the person means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.change import Oppose, Tell, Withdraw
from gateway.core.evidence import Kind
from gateway.core.model import Partner
from gateway.core.oppose import Act, holders, meaning, opposition
from gateway.core.record import Block, Door, Opposition, Scope, Transfer
from tests.support.doors import ANNE, LETTER, PARTNERS
from tests.support.people import consent

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_an_unstated_scope_means_the_whole_advertiser() -> None:
    event, changes = meaning(Act(ANNE, LETTER, None, Door.ONE_CLICK, AT), {"acme"}, PARTNERS)
    assert changes == (
        Oppose(Opposition(ANNE, Block.OPPOSED, Scope.ADVERTISER, "acme", "", Door.ONE_CLICK, AT)),
        Withdraw(ANNE, "acme", "", AT),
        Tell("Fichier+", ANNE, "acme", Scope.ADVERTISER, AT),
    )
    assert (event.kind, event.outcome, event.person, event.door) == (Kind.OPPOSITION, "opposed", ANNE.hex(), "one-click")


def test_this_list_only_withdraws_only_its_purpose() -> None:
    _, changes = meaning(Act(ANNE, LETTER, Scope.STREAM, Door.LINK, AT), {"acme"}, ())
    assert changes == (
        Oppose(Opposition(ANNE, Block.OPPOSED, Scope.STREAM, "acme", "acme-letter", Door.LINK, AT)),
        Withdraw(ANNE, "acme", "lettre mensuelle", AT),
    )


def test_everything_withdraws_from_every_advertiser() -> None:
    _, changes = meaning(Act(ANNE, LETTER, Scope.ALL, Door.LINK, AT), {"beta", "acme"}, ())
    assert changes == (
        Oppose(Opposition(ANNE, Block.OPPOSED, Scope.ALL, "", "", Door.LINK, AT)),
        Withdraw(ANNE, "acme", "", AT),
        Withdraw(ANNE, "beta", "", AT),
    )


@pytest.mark.parametrize("scope", [None, *Scope])
def test_a_link_of_a_stream_that_is_gone_stops_everything(scope: Scope | None) -> None:
    assert opposition(Act(ANNE, None, scope, Door.LINK, AT)).scope is Scope.ALL


def test_a_dead_mailbox_withdraws_no_consent_and_tells_nobody() -> None:
    _, changes = meaning(Act(ANNE, LETTER, None, Door.BOUNCE, AT), {"acme"}, PARTNERS)
    assert changes == (Oppose(Opposition(ANNE, Block.BOUNCED, Scope.ADVERTISER, "acme", "", Door.BOUNCE, AT)),)


def test_a_complaint_is_named_as_one() -> None:
    event, _ = meaning(Act(ANNE, LETTER, None, Door.COMPLAINT, AT), {"acme"}, ())
    assert event.reason == "COMPLAINED"
    assert opposition(Act(ANNE, LETTER, None, Door.COMPLAINT, AT)).block is Block.COMPLAINED


# Who holds the data (R-FR-35)

ALPHA, BETA, GAMMA = (Partner(name, f"{name} SA", "", "", True, True) for name in ("alpha", "beta", "gamma"))
ALL = (ALPHA, BETA, GAMMA)


def passed(partner: str, collector: str = "acme") -> Transfer:
    return Transfer(ANNE, collector, partner, "newsletter", "2026-03-01", AT)


def test_only_who_received_the_data_and_who_gave_them_is_told() -> None:
    """R-FR-35."""
    records = [consent(ANNE), consent(ANNE, source="beta", withdrawn_at=AT)]
    assert holders(ALL, records, [passed("alpha")], "acme") == (ALPHA, BETA)
    assert holders(ALL, [consent(ANNE, source="gamma SA")], (), "acme") == (GAMMA,)
    assert holders(ALL, [consent(ANNE)], (), "acme") == ()


def test_everybody_is_told_where_nothing_is_recorded() -> None:
    """R-FR-35."""
    assert holders(ALL, (), (), "acme") == ALL
    assert holders(ALL, [consent(ANNE, advertiser="other")], [passed("alpha", "other")], "acme") == ALL


def test_an_opposition_to_everything_reaches_the_holders_of_every_advertisers_data() -> None:
    """R-FR-35."""
    records = [consent(ANNE, advertiser="other", source="beta")]
    assert holders(ALL, records, [passed("gamma")]) == (BETA, GAMMA)
    assert holders(ALL, records, [passed("gamma")], "acme") == (GAMMA,)


def test_what_waited_for_us_says_how_long() -> None:
    """R-FR-93: a reply read an hour after it was sent took an hour; a clock that is ahead of ours takes nothing off."""
    late = Act(ANNE, LETTER, None, Door.REPLY, AT, said_at=AT - timedelta(hours=1))
    event, _ = meaning(late, {"acme"}, ())
    assert event.detail == "scope=advertiser; delay=3600.000"
    assert Act(ANNE, LETTER, None, Door.REPLY, AT, said_at=AT + timedelta(hours=1)).delay == 0.0
