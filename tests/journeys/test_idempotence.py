"""A tool that sends the same message again, because it crashed or did not hear us, makes no second mail."""

from __future__ import annotations

import re
import smtplib
from functools import partial
from pathlib import Path

from tests.support.gateway import SECRET, Running, letter, threaded
from tests.support.journey import FAST, house
from tests.support.smtp import until

CLAIRE, MARC, ZOE = "claire@example.org", "marc@example.org", "zoe@example.org"


def answer(gateway: Running, raw: bytes, *to: str) -> str:
    """The answer to the end of data."""
    with smtplib.SMTP(*gateway.addresses.submission, timeout=15) as session:
        session.login("mautic", SECRET)
        session.mail("news@maison.example")
        for one in to:
            session.rcpt(one)
        code, said = session.data(raw)
        return f"{code} {said.decode()}"


async def test_a_resend_is_accepted_and_not_mailed_twice(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        raw = letter(CLAIRE).as_bytes().replace(b"\n", b"\r\n")
        said = [await threaded(partial(answer, home.gateway, raw, CLAIRE)) for _ in range(3)]
        assert re.fullmatch(r"250 2\.0\.0 Accepted by the next hop ref=gw0-\d+", said[0])
        assert said[1:] == ["250 2.0.0 Already accepted"] * 2
        assert home.sink.count == 1


async def test_a_resend_to_several_reaches_only_those_it_did_not_reach_before(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for one in (CLAIRE, MARC, ZOE):
            await home.gateway.consent(one)
        raw = letter(CLAIRE).as_bytes().replace(b"\n", b"\r\n")
        await threaded(partial(answer, home.gateway, raw, CLAIRE, MARC))
        await home.sink.wait_for(2)
        await threaded(partial(answer, home.gateway, raw, CLAIRE, MARC, ZOE))
        await home.sink.wait_for(3)
        assert sorted(one.recipient for one in home.sink.messages) == [CLAIRE, MARC, ZOE]


async def test_an_answer_that_was_lost_after_the_last_dot_is_kept_and_tried_again_with_the_same_name(tmp_path: Path) -> None:
    async with house(tmp_path, plan={"end": ["close"]}, delivery=FAST) as home:
        await home.gateway.consent(CLAIRE)
        message = letter(CLAIRE)
        del message["Message-ID"]
        raw = message.as_bytes().replace(b"\n", b"\r\n")
        assert (await threaded(partial(answer, home.gateway, raw, CLAIRE))).startswith("250 2.0.0 Accepted for delivery")
        await until(lambda: home.sink.seen["end"] == 2)
        names = {found[1] for one in await home.sink.wait_for(1) if (found := re.search(rb"Message-ID: (\S+)", one.data))}
        assert len(names) == 1
        fates = [event.outcome for event in await home.evidence() if event.kind.value == "outcome"]
        assert fates[0] == "ambiguous"


async def test_a_client_that_leaves_before_the_answer_and_comes_back_makes_one_mail(tmp_path: Path) -> None:
    async with house(tmp_path, plan={"end": ["slow"]}) as home:
        home.sink.slow = 0.5
        await home.gateway.consent(CLAIRE)
        raw = letter(CLAIRE).as_bytes().replace(b"\n", b"\r\n")
        await threaded(partial(leave, home.gateway, raw))
        said = await threaded(partial(answer, home.gateway, raw, CLAIRE))
        assert said == "250 2.0.0 Already accepted"
        assert home.sink.count == 1


def leave(gateway: Running, raw: bytes) -> None:
    """Send a whole message and hang up without waiting for the answer."""
    session = smtplib.SMTP(*gateway.addresses.submission, timeout=15)
    session.login("mautic", SECRET)
    session.mail("news@maison.example")
    session.rcpt(CLAIRE)
    session.docmd("DATA")
    session.send(raw + b".\r\n")
    session.close()
