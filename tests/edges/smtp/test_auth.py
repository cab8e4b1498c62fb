"""AUTH PLAIN and LOGIN: every form, every fault, and the throttle that never locks an owner out."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.reply import AUTH_ABORTED, AUTH_BAD, AUTH_DECODING, AUTH_MECHANISM, AUTH_TOO_MANY, Reply
from gateway.edges.smtp.auth import Throttle
from gateway.edges.smtp.limits import Limits
from tests.support.desk import LOGIN, SECRET
from tests.support.smtp import PLAIN, door


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def is_(answer: str, reply: Reply) -> bool:
    return answer.encode() + b"\r\n" == reply.line()


NAME, WORD = b64(LOGIN.encode()), b64(SECRET)


@pytest.mark.parametrize(
    "exchange",
    [
        [f"AUTH PLAIN {PLAIN}"],
        [f"auth plain {PLAIN}"],
        ["AUTH PLAIN", PLAIN],
        ["AUTH PLAIN " + b64(b"crm\0crm\0correct horse")],
        ["AUTH LOGIN", NAME, WORD],
        [f"AUTH LOGIN {NAME}", WORD],
        ["AUTH PLAIN " + b64(b"\0crm+news\0correct horse")],
    ],
)
async def test_every_form_of_a_right_login(exchange: list[str]) -> None:
    async with door() as house:
        client = await house.ready()
        answers = [await client.ask(line) for line in exchange]
        assert [answer[:3] for answer in answers] == ["334"] * (len(exchange) - 1) + ["235"]
        assert (await client.ask("MAIL FROM:<tool@acme.example>")).startswith("250")
        assert house.desk.letters[0].peer.protocol == "ESMTPA"
        client.close()


async def test_challenges_are_what_clients_expect() -> None:
    async with door() as house:
        client = await house.ready()
        assert await client.ask("AUTH LOGIN") == "334 VXNlcm5hbWU6"
        assert await client.ask(NAME) == "334 UGFzc3dvcmQ6"
        await client.ask("*")
        client.send(b"AUTH PLAIN\r\n")
        assert await client.reader.readline() == b"334 \r\n"
        client.close()


@pytest.mark.parametrize(
    ("exchange", "reply"),
    [
        (["AUTH PLAIN " + b64(b"\0crm\0wrong")], AUTH_BAD),
        (["AUTH PLAIN " + b64(b"\0nobody\0correct horse")], AUTH_BAD),
        (["AUTH PLAIN " + b64(b"other\0crm\0correct horse")], AUTH_BAD),
        (["AUTH PLAIN " + b64(b"\0\xff\0x")], AUTH_BAD),
        (["AUTH PLAIN " + b64(b"\0\0")], AUTH_BAD),
        (["AUTH LOGIN", NAME, b64(b"wrong")], AUTH_BAD),
        (["AUTH LOGIN", NAME, ""], AUTH_BAD),
        (["AUTH PLAIN " + b64(b"crm correct horse")], AUTH_DECODING),
        (["AUTH PLAIN ="], AUTH_DECODING),
        (["AUTH PLAIN ###"], AUTH_DECODING),
        (["AUTH PLAIN", "AAA"], AUTH_DECODING),
        (["AUTH LOGIN", "\N{SNOWMAN}"], AUTH_DECODING),
        (["AUTH LOGIN", NAME, "*"], AUTH_ABORTED),
        (["AUTH PLAIN", "*"], AUTH_ABORTED),
        (["AUTH CRAM-MD5"], AUTH_MECHANISM),
        (["AUTH XOAUTH2 abc"], AUTH_MECHANISM),
    ],
)
async def test_every_form_of_a_wrong_login_is_answered_and_the_session_goes_on(exchange: list[str], reply: Reply) -> None:
    async with door() as house:
        client = await house.ready()
        assert is_([await client.ask(line) for line in exchange][-1], reply)
        assert (await client.ask("MAIL FROM:<tool@acme.example>")).startswith("530")
        assert (await client.ask(f"AUTH PLAIN {PLAIN}")).startswith("235")
        client.close()


async def test_smtplib_style_retry_with_another_mechanism_fits_the_limit() -> None:
    async with door() as house:
        client = await house.ready()
        await client.ask("AUTH PLAIN " + b64(b"\0crm\0wrong"))
        await client.ask(f"AUTH LOGIN {NAME}")
        await client.ask(b64(b"wrong"))
        assert (await client.ask(f"AUTH PLAIN {PLAIN}")).startswith("235")
        client.close()


async def test_guessing_is_throttled_per_account_over_connections() -> None:
    async with door() as house:
        replies = []
        for _ in range(8):
            client = await house.ready()
            for _ in range(3):
                replies.append(await client.ask("AUTH PLAIN " + b64(b"\0crm\0wrong")))
                if not replies[-1].startswith("535"):
                    break
            client.close()
        assert len(house.desk.guesses) == 10
        assert is_(replies[-1], AUTH_TOO_MANY)
        client = await house.ready()
        assert is_(await client.ask(f"AUTH PLAIN {PLAIN}"), AUTH_TOO_MANY)
        assert await client.rest() == []
        other = await house.ready()
        assert (await other.ask("AUTH PLAIN " + b64(b"\0other\0wrong"))).startswith("535")
        other.close()


def test_owner_elsewhere_is_heard_while_fifty_addresses_guess() -> None:
    throttle = Throttle(Limits())
    tried = 0
    for second in range(60):
        for address in range(50):
            if throttle.allows("crm", f"192.0.2.{address}", float(second)):
                tried += 1
                throttle.failed("crm", f"192.0.2.{address}", float(second))
    assert tried <= 50 + 10
    assert throttle.allows("crm", "198.51.100.1", 59.0)
    assert not throttle.allows("crm", "192.0.2.1", 59.0)
    assert throttle.allows("crm", "192.0.2.1", 200.0)


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.floats(0, 1000)), max_size=60))
def test_throttle_table_is_bounded(attempts: list[tuple[str, str, float]]) -> None:
    throttle = Throttle(Limits(auth_accounts_watched=7))
    for login, address, now in attempts:
        throttle.allows(login, address, now)
        throttle.failed(login, address, now)
    assert len(throttle._failures) <= 7
