"""Messages between houses: signed as Standard Webhooks says, and nothing of them can be exchanged."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.standard_webhook import ID, SIGNATURE, TIMESTAMP, WINDOW, genuine, read_secrets, signed

KEY = b"0123456789abcdef0123456789abcdef"
OTHER = b"another secret, long enough too."
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BODY = b'{"type":"opposition"}'


def test_the_signature_is_the_one_the_specification_shows() -> None:
    """The example of the specification: its secret, message, time and body give its signature."""
    (key,) = read_secrets(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") or ()
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers[SIGNATURE] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers[TIMESTAMP] == "1614265330"
    assert genuine((key,), headers, b'{"test": 2432232314}', at)


def test_what_one_key_signed_the_same_key_believes() -> None:
    headers = signed(KEY, "opp_1", NOW, BODY)
    assert genuine((KEY,), headers, BODY, NOW)
    assert genuine((OTHER, KEY), headers, BODY, NOW)
    assert not genuine((OTHER,), headers, BODY, NOW)
    assert not genuine((), headers, BODY, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {ID: "opp_2"},
        {ID: ""},
        {ID: "opp 1"},
        {TIMESTAMP: str(int(NOW.timestamp()) + 1)},
        {TIMESTAMP: "soon"},
        {TIMESTAMP: "-1"},
        {TIMESTAMP: "१२३"},
        {SIGNATURE: ""},
        {SIGNATURE: "v1,"},
        {SIGNATURE: "v1"},
        {SIGNATURE: "v1,é"},
    ],
)
def test_whatever_is_exchanged_is_noticed(changed: dict[str, str]) -> None:
    """R-FR-37: unknown signature."""
    assert not genuine((KEY,), {**signed(KEY, "opp_1", NOW, BODY), **changed}, BODY, NOW)


def test_another_version_of_the_signature_is_not_believed() -> None:
    headers = dict(signed(KEY, "opp_1", NOW, BODY))
    assert not genuine((KEY,), headers | {SIGNATURE: headers[SIGNATURE].replace("v1,", "v2,")}, BODY, NOW)
    assert not genuine((KEY,), headers, BODY + b" ", NOW)


def test_one_of_several_signatures_is_enough_and_more_than_ten_are_not_looked_at() -> None:
    """While a secret is exchanged the sender signs with both."""
    mine, theirs = signed(KEY, "opp_1", NOW, BODY), signed(OTHER, "opp_1", NOW, BODY)
    both = dict(mine) | {SIGNATURE: f"{theirs[SIGNATURE]} {mine[SIGNATURE]}"}
    assert genuine((KEY,), both, BODY, NOW)
    many = dict(mine) | {SIGNATURE: f"{'v1,AAAA ' * 10}{mine[SIGNATURE]}"}
    assert not genuine((KEY,), many, BODY, NOW)


def test_a_message_is_believed_for_five_minutes_either_way() -> None:
    """R-FR-37: the replay window."""
    headers, moment = signed(KEY, "opp_1", NOW, BODY), timedelta(seconds=1)
    for at in (NOW + WINDOW, NOW - WINDOW):
        assert genuine((KEY,), headers, BODY, at)
    for at in (NOW + WINDOW + moment, NOW - WINDOW - moment):
        assert not genuine((KEY,), headers, BODY, at)


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=200), st.text("abcdef0123456789_", min_size=1, max_size=64))
def test_any_message_is_believed_under_its_key(key: bytes, body: bytes, name: str) -> None:
    assert genuine((key,), signed(key, name, NOW, body), body, NOW)


@given(st.dictionaries(st.sampled_from([ID, TIMESTAMP, SIGNATURE]), st.text(max_size=40)), st.binary(max_size=40))
def test_no_headers_are_an_error(headers: dict[str, str], body: bytes) -> None:
    assert not genuine((KEY,), headers, body, NOW)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (b"", ()),
        (KEY, (KEY,)),
        (KEY + b"\n" + OTHER + b"\n\n", (KEY, OTHER)),
        (b"  " + KEY + b"  \r\n", (KEY,)),
        (b"whsec_" + base64.b64encode(KEY), (KEY,)),
        (b"short", None),
        (b"whsec_" + base64.b64encode(b"short"), None),
        (b"whsec_not base64 at all, but quite long", None),
        (KEY + b"\nshort", None),
    ],
)
def test_a_secret_file_holds_a_secret_on_each_line(text: bytes, keys: tuple[bytes, ...] | None) -> None:
    assert read_secrets(text) == keys
