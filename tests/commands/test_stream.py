"""`gateway stream`: how streams stand, and pausing and resuming by hand with a reason (R-MBX-10)."""

from __future__ import annotations

from tests.commands.conftest import House


def test_a_stream_waits_and_goes_on_by_hand_and_both_are_on_record(house: House) -> None:
    house.gateway("stream", "pause", "news", "--reason", "too many complaints")
    rows = {row["stream"]: row["paused"] for row in house.json("stream", "list")}
    assert rows == {"news": True, "sales": False}
    assert "waits already" in house.gateway("stream", "pause", "news", "--reason", "x").stderr
    house.gateway("stream", "resume", "news", "--reason", "the list was cleaned")
    assert {row["paused"] for row in house.json("stream", "list")} == {False}
    assert "was not paused" in house.gateway("stream", "resume", "news", "--reason", "x").stderr
    told = house.gateway("journal", "show", "--json").stdout
    assert "too many complaints" in told
    assert "the list was cleaned" in told


def test_a_reason_and_a_stream_are_needed(house: House) -> None:
    house.gateway("stream", "pause", "news", code=2)
    house.gateway("stream", "pause", "news", "--reason", " ", code=2)
    house.gateway("stream", "resume", "nothing", "--reason", "x", code=2)
