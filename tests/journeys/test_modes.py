"""The three refusal modes over real sockets, service mail, and what is refused for where an address came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.model import RefusalMode
from gateway.core.record import Audience, Basis, Block
from tests.support.gateway import letter
from tests.support.journey import FAST, doors, house, one_click

CLAIRE, MARC, ZOE = "claire@example.org", "marc@example.org", "zoe@example.org"


async def test_a_withheld_campaign_goes_on_and_the_tool_learns_by_report_who_got_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, RefusalMode.WITHHOLD, delivery=FAST) as home:
        await home.gateway.consent(CLAIRE)
        await home.gateway.oppose(MARC)
        assert await home.gateway.send([CLAIRE, MARC, ZOE]) == {}
        reports = await home.reports(2, mails=1)
        assert sorted(one.recipient for one in home.sink.messages) == [CLAIRE, *["news@maison.example"] * 2]
    assert any(f"rfc822; {MARC}" in one and "[OPPOSED]" in one for one in reports)
    assert any(f"rfc822; {ZOE}" in one and "[UNKNOWN-RECIPIENT]" in one for one in reports)


async def test_monitored_mail_reaches_strangers_with_a_working_opt_out_that_then_counts(tmp_path: Path) -> None:
    async with house(tmp_path, RefusalMode.MONITOR) as home:
        assert await home.gateway.send(ZOE) == {}
        message = (await home.arrived(1))[ZOE]
        assert await one_click(message) == 200
        refused = await home.gateway.send(ZOE, message=letter(ZOE, subject="Octobre"))
        assert refused[ZOE].startswith("550 5.7.1 [OPPOSED]")
        assert home.sink.count == 1
        said = [(event.outcome, event.reason) for event in await home.evidence() if event.kind.value == "decision"]
        assert said == [("monitor", "UNKNOWN-RECIPIENT"), ("refuse", "OPPOSED")]


@pytest.mark.parametrize("block", Block)
async def test_who_opposed_before_is_refused_by_a_monitoring_tool_too(tmp_path: Path, block: Block) -> None:
    async with house(tmp_path, RefusalMode.MONITOR) as home:
        await home.gateway.consent(MARC)
        await home.gateway.oppose(MARC, block=block)
        assert f"[{block.value.upper()}]" in (await home.gateway.send(MARC))[MARC]
        assert home.sink.count == 0


async def test_an_opposition_to_marketing_leaves_service_mail_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.gateway.oppose(MARC)
        assert await home.gateway.send(MARC, login="mautic+service") == {}
        message = (await home.arrived(1))[MARC]
        assert message["List-Unsubscribe"] is None
        assert "[OPPOSED]" in (await home.gateway.send(MARC))[MARC]


async def test_service_mail_keeps_the_tools_own_way_out(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        mine = letter(MARC)
        mine["List-Unsubscribe"] = "<https://maison.example/prefs>"
        await home.gateway.send(MARC, login="mautic+service", message=mine)
        assert (await home.arrived(1))[MARC]["List-Unsubscribe"] == "<https://maison.example/prefs>"


async def test_marketing_loses_the_tools_way_out_for_ours(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        mine = letter(CLAIRE)
        mine["List-Unsubscribe"] = "<https://maison.example/prefs>"
        await home.gateway.send(CLAIRE, message=mine)
        assert doors((await home.arrived(1))[CLAIRE])[0].startswith(home.gateway.addresses.public_url)


@pytest.mark.parametrize(
    ("record", "token"),
    [
        ({"source": "unknown"}, "SOURCE-MISSING"),
        ({"source": "voisin"}, "PARTNER-NOT-NAMED"),
        ({"purpose": "sondages"}, "PURPOSE"),
        ({"missing": ("action",)}, "CONSENT-UNPROVEN"),
        ({"basis": Basis.LEGITIMATE_INTEREST}, "NO-CONSENT"),
        (
            {"audience": Audience.PROFESSIONAL, "basis": Basis.LEGITIMATE_INTEREST, "function": "sales", "source": "voisin"},
            "B2B-RELEVANCE",
        ),
    ],
)
async def test_a_record_that_is_not_enough_is_refused_by_what_it_lacks(
    tmp_path: Path, record: dict[str, object], token: str
) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE, **record)
        assert (await home.gateway.send(CLAIRE))[CLAIRE].startswith(f"550 5.7.1 [{token}]")
        assert home.sink.count == 0
