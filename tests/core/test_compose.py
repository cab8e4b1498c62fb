"""The copy that leaves: completed once, in the right words, traced without naming anybody, signed last."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import compose as composing
from gateway.core import reply as replies
from gateway.core.compose import Copy, Finished, Letterhead, Stamp, carries_our_stamp, compose, delivery_key, received
from gateway.core.mime import Message, parse
from gateway.core.model import PersonKey
from gateway.core.reply import Reply
from gateway.core.rewrite import Obstacle
from gateway.core.sign import body_digest, public_record
from gateway.core.token import read as read_token
from gateway.core.verdict import Due
from tests.support.clock import START
from tests.support.company import HOST, KEY, MAISON, NEWS, SERVICE, TOKENS, VOISIN, letterhead, newsletter, read

CLAIRE = PersonKey(b"claire's key 16b")
STAMP = Stamp(START, "tool.example", "ESMTPSA", "TLSv1.3 TLS_AES_256_GCM_SHA384", "gw0-7")
FRENCH, ENGLISH = "Vous ne souhaitez plus", "No longer wish"
ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LIST_ID = re.compile(rf"<({ATEXT}(\.{ATEXT})+)>")  # RFC 2919 2: label "." namespace, both dot-atom-text
SIGNED = (
    b"From: news@maison.example\r\nDate: Mon, 02 Mar 2026 08:59:00 +0000\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/signed; boundary=b; protocol="application/pgp-signature"; micalg=pgp-sha256\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nBonjour\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nxyz\r\n--b--\r\n"
)


def parsed(raw: bytes) -> Message:
    message = parse(raw)
    assert isinstance(message, Message), message
    return message


def made(
    raw: bytes | None = None,
    head: Letterhead | None = None,
    due: Due = Due.NONE,
    source: str = "direct",
    stamp: Stamp = STAMP,
    eight_bit: bool = True,
) -> Finished | Reply:
    partner = VOISIN if source == "voisin" else None
    copy = Copy(CLAIRE, due, source, partner, "CNIL", "https://www.cnil.fr/plaintes")
    return compose(parsed(raw or newsletter()), head or letterhead(), copy, stamp, eight_bit)


def leaves(*args: object, **kwargs: object) -> bytes:
    finished = made(*args, **kwargs)  # type: ignore[arg-type]
    assert isinstance(finished, Finished), finished
    assert finished.size == len(b"".join(finished.chunks))
    return b"".join(finished.chunks)


def names(raw: bytes) -> list[str]:
    return [name.lower() for name in read(raw).keys()]  # noqa: SIM118 - a message lists a repeated field once a time


def text(raw: bytes, kind: str = "plain") -> str:
    body = read(raw).get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content


# Headers


def test_each_header_of_ours_is_there_once_whatever_the_tool_had_put() -> None:
    theirs = newsletter(
        List_Unsubscribe="<https://tool.example/out>",
        List_Unsubscribe_Post="List-Unsubscribe=One-Click",
        List_Id="Tool <list.tool.example>",
        Feedback_ID="a:b:c:tool",
    )
    out = leaves(theirs)
    for name in ("list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id", "message-id", "date", "from", "received"):
        assert names(out).count(name) == 1, name
    assert b"tool.example/out" not in out
    assert b"list.tool.example" not in out
    finished = made(theirs)
    assert isinstance(finished, Finished)
    assert finished.own_unsubscribe == b"<https://tool.example/out>"


def test_the_opt_out_pair_names_this_person_and_this_stream() -> None:
    message = read(leaves())
    found = re.fullmatch(
        r"<https://optout\.example/u/([a-z2-7]{56})>, <mailto:u-([a-z2-7]{56})@back\.example\?subject=unsubscribe>",
        message["List-Unsubscribe"],
    )
    assert found is not None
    assert found[1] == found[2]
    claim = read_token(TOKENS, found[1])
    assert claim is not None
    assert (claim.person, claim.stream_number) == (CLAIRE, NEWS.number)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_an_inbound_listener_there_is_no_mailto_door() -> None:
    assert "mailto" not in read(leaves(head=letterhead(inbound_domain="")))["List-Unsubscribe"]


def test_feedback_id_is_four_fields_and_names_the_sender_last() -> None:
    fields = read(leaves())["Feedback-ID"].split(":")
    assert fields[:3] == ["news", "maison", "marketing"]
    assert re.fullmatch(r"[a-z2-7]{5,15}", fields[3])
    assert all(fields)


@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True))
def test_the_list_id_is_valid_for_every_name_a_stream_may_have(name: str) -> None:
    stream = replace(NEWS, name=name)
    fields = dict(composing.list_headers(letterhead(stream), "t" * 56))
    written = fields["List-Id"].decode()
    found = LIST_ID.fullmatch(written)
    assert found is not None, written
    assert found[1].endswith(f".{MAISON.from_domains[0]}")
    assert len(written) <= 255


def test_what_must_never_leave_is_gone_and_the_rest_is_kept_in_order() -> None:
    raw = newsletter(
        Bcc="secret@example.org", Return_Path="<x@tool.example>", X_Campaign="42", Authentication_Results=f"{HOST}; dkim=pass"
    )
    out = leaves(raw)
    assert not {"bcc", "return-path", "authentication-results"} & set(names(out))
    assert read(out)["X-Campaign"] == "42"
    kept = [name for name in names(raw) if name in ("from", "to", "subject", "date", "message-id", "x-campaign")]
    assert [name for name in names(out) if name in kept] == kept


def test_a_date_and_a_message_id_are_kept_where_they_are_there() -> None:
    message = read(leaves())
    assert message["Message-ID"] == "<septembre.1@maison.example>"
    assert message["Date"] == "Mon, 02 Mar 2026 08:59:00 +0000"


def test_a_date_and_a_message_id_are_added_where_they_are_missing() -> None:
    message = read(leaves(newsletter(Date="", Message_ID="")))
    assert re.fullmatch(rf"<gw0-7\.[0-9a-f]{{12}}@{re.escape(HOST)}>", message["Message-ID"])
    assert parsedate_to_datetime(message["Date"]) == START


def test_an_added_message_id_is_the_same_at_every_attempt_and_after_the_spool() -> None:
    raw = newsletter(Message_ID="")
    first = read(leaves(raw))["Message-ID"]
    later = replace(STAMP, now=START + timedelta(hours=3), helo="", protocol="", tls="")
    assert read(leaves(received(HOST, STAMP) + raw, stamp=later))["Message-ID"] == first
    assert read(leaves(newsletter("Autre chose\n", Message_ID="")))["Message-ID"] != first


# Trace


def test_the_trace_says_how_the_message_came_and_names_no_recipient() -> None:
    trace = read(leaves())["Received"]
    assert f"by {HOST}" in trace
    assert "with ESMTPSA" in trace
    assert "TLS_AES_256_GCM_SHA384" in trace
    assert "id gw0-7" in trace
    assert " for " not in trace
    assert "@" not in trace


def test_the_trace_is_on_top_of_earlier_ones_which_stay_in_order() -> None:
    raw = b"Received: from b by c; x\r\nReceived: from a by b; x\r\n" + newsletter()
    traces = read(leaves(raw)).get_all("Received")
    assert [trace.split(" by ")[0] for trace in traces] == ["from tool.example", "from b", "from a"]


def test_a_kept_message_is_not_traced_twice() -> None:
    kept = received(HOST, STAMP) + newsletter()
    assert names(leaves(kept, stamp=Stamp(START, "", "", "", "gw0-7"))).count("received") == 1


def test_our_own_stamp_is_known_again_and_nobody_elses_is() -> None:
    assert carries_our_stamp(parsed(leaves()), HOST)
    assert not carries_our_stamp(parsed(leaves()), "other.example")
    assert not carries_our_stamp(parsed(newsletter()), HOST)


# Words


@pytest.mark.parametrize(
    ("language", "word"),
    [("fr", FRENCH), ("en", ENGLISH), ("en-GB", ENGLISH), ("FR-ca", FRENCH), ("de", FRENCH)],
)
def test_our_words_are_in_the_language_the_message_declares(language: str, word: str) -> None:
    assert word in text(leaves(newsletter(Content_Language=language)))


def test_a_part_may_declare_the_language_and_the_whole_message_goes_before_it() -> None:
    part = newsletter().replace(b"Content-Type: text/plain", b"Content-Language: en\r\nContent-Type: text/plain")
    assert ENGLISH in text(leaves(part))
    assert FRENCH in text(leaves(b"Content-Language: fr-FR\r\n" + part))


def test_without_content_language_the_stream_says_which_language() -> None:
    assert ENGLISH in text(leaves(head=letterhead(replace(NEWS, language="en"))))


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("due", Due)
def test_identity_and_opt_out_are_read_in_each_part_and_origin_where_it_is_due(due: Due, kind: str) -> None:
    shown = text(leaves(due=due, source="voisin"), kind)
    assert "Maison Exemple SAS" in shown
    assert re.search(r"https://optout\.example/u/[a-z2-7]{56}", shown)
    assert ("Voisin SARL" in shown) is (due is not Due.NONE)
    assert ("https://www.cnil.fr/plaintes" in shown) is (due is Due.FULL_NOTICE)


def test_a_missing_fact_of_the_notice_is_our_fault_and_stops_the_message() -> None:
    nameless = replace(NEWS, advertiser=replace(MAISON, legal_name=""))
    assert made(head=letterhead(nameless)) == replies.NOTICE_FAULT


# Service mail


def test_service_mail_keeps_the_tools_own_unsubscribe_and_gets_none_of_ours() -> None:
    theirs = newsletter(List_Unsubscribe="<https://tool.example/out>", List_Id="<list.maison.example>", Feedback_ID="a:b:c:d")
    finished = made(theirs, letterhead(SERVICE))
    assert isinstance(finished, Finished)
    out = b"".join(finished.chunks)
    message = read(out)
    assert message["List-Unsubscribe"] == "<https://tool.example/out>"
    assert message["List-Id"] == "<list.maison.example>"
    assert message["Feedback-ID"] == "a:b:c:d"
    assert message["List-Unsubscribe-Post"] is None
    assert b"optout.example" not in out
    assert finished.own_unsubscribe == b""
    assert finished.template == ""
    assert out.endswith(theirs[theirs.index(b"\r\n\r\n") :])


def test_signed_service_mail_leaves_with_its_body_untouched() -> None:
    assert leaves(SIGNED, letterhead(SERVICE)).endswith(SIGNED[SIGNED.index(b"\r\n\r\n") :])


# What cannot leave


def test_a_from_domain_without_key_is_refused() -> None:
    assert made(head=letterhead(dkim={})) == replies.NO_DKIM_KEY
    assert made(head=letterhead(dkim={"maison.example": ()})) == replies.NO_DKIM_KEY


def test_signed_marketing_is_refused() -> None:
    assert made(SIGNED) == replies.SIGNED_CONTENT


def test_marketing_without_a_text_is_refused() -> None:
    picture = b"From: news@maison.example\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
    assert made(picture) == replies.NO_TEXT_PART


def test_a_header_of_ours_that_cannot_be_written_is_our_fault() -> None:
    assert made(stamp=replace(STAMP, helo="tool\x00.example")) == replies.INTERNAL


@pytest.mark.parametrize("obstacle", Obstacle)
def test_each_obstacle_has_its_reply(obstacle: Obstacle) -> None:
    assert not composing._OBSTACLES[obstacle].positive


# Signature and evidence


def test_the_signature_is_made_last_and_verifies() -> None:
    out = leaves(due=Due.FULL_NOTICE, source="voisin")
    assert out.startswith(b"DKIM-Signature:")
    record = {f"e1._domainkey.{KEY.domain}.".encode(): public_record(KEY).encode()}
    assert dkim.DKIM(out).verify(dnsfunc=lambda name, timeout=5: record.get(name))
    signed = re.sub(rb"\s", b"", out[: out.index(b"\r\nReceived")]).lower()
    for name in (b"from:from", b"list-unsubscribe:", b"list-unsubscribe-post:"):
        assert name in signed.partition(b"h=")[2]


def test_the_digest_is_of_the_very_bytes_that_leave() -> None:
    finished = made()
    assert isinstance(finished, Finished)
    assert finished.digest == body_digest((b"".join(finished.chunks),))


@given(st.lists(st.text(max_size=20), max_size=4), st.lists(st.text(max_size=20), max_size=4))
def test_delivery_keys_of_different_parts_differ(one: list[str], other: list[str]) -> None:
    assert (delivery_key("taken", one) == delivery_key("taken", other)) is (one == other)
    assert delivery_key("taken", one) != delivery_key("sent", one)
