"""The running gateway does the day's work by itself: it asks who has been silent for long, and hears their answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import httpx
import pytest

from gateway import app
from gateway.core.change import MoveCursor
from tests.support.journey import House, house

CLAIRE = "claire@example.org"


async def test_a_running_gateway_asks_once_and_a_yes_is_an_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-FR-82, R-DP-10: one question, by the gateway's own path; opening the link changes nothing, the button does."""
    monkeypatch.setattr(app, "DAILY_AFTER", 0.2)
    monkeypatch.setattr(app, "DAILY_LOOK", 0.2)
    async with house(tmp_path) as home:
        long_ago = datetime.now(UTC) - timedelta(days=4 * 366)
        await home.gateway.consent(CLAIRE, collected_at=long_ago)
        await home.gateway.change(MoveCursor("daily", ""))  # the day was done while nobody was known: let it be done again
        (mail,) = await home.sink.wait_for(1)
        assert mail.recipient == CLAIRE
        text = message_from_bytes(mail.data, policy=policy.default).get_body(("plain",))
        assert text is not None
        link = re.search(r"https?://\S+/c/[a-z2-7]{26}", text.get_content())
        assert link is not None
        async with httpx.AsyncClient(timeout=10) as browser:
            assert (await browser.get(link[0])).status_code == 200
            assert not await _acts(home)
            assert (await browser.post(link[0])).status_code == 200
        assert await _acts(home)
        assert home.sink.count == 1


async def _acts(home: House) -> list[str]:
    """The confirmations on record."""
    return [event.outcome for event in await home.evidence() if (event.kind.value, event.outcome) == ("enrolment", "confirmed")]
