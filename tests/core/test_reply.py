"""All that the gateway says over SMTP is short, safe, classed truly and means one thing only (rules.md C6, R-STD-04, R-STD-21)."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import reply as replies
from gateway.core.model import Fate, Outcome, Ref, Stage
from gateway.core.reply import ALL, REFUSALS, Reply, clean, for_outcome
from gateway.core.verdict import Reason

LONGEST_REF = Ref("n" * 40)
LINE = re.compile(rb"[2-5][0-9]{2} [\x20-\x7e]*\r\n")
ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")

anything = st.text(max_size=3000)
fates = st.sampled_from(Fate)
stages = st.sampled_from(Stage)
refusal_codes = st.integers(400, 599)
enhanced_codes = anything | st.from_regex(r"[0-9]\.[0-9]{1,4}\.[0-9]{1,4}.?")


def name(reply: Reply) -> str:
    return f"{reply.code}-{reply.token or reply.text[:30]}"


@pytest.mark.parametrize("reply", ALL, ids=name)
def test_each_reply_is_one_short_line_of_ascii_even_with_the_longest_reference(reply: Reply) -> None:
    line = reply.about(LONGEST_REF).line()
    assert LINE.fullmatch(line)
    assert len(line) <= 512
    assert line.endswith(f"ref={LONGEST_REF}\r\n".encode())


@pytest.mark.parametrize("reply", ALL, ids=name)
def test_the_enhanced_code_is_of_the_class_of_the_code(reply: Reply) -> None:
    if reply.code // 100 == 3:
        assert reply.enhanced == ""
    else:
        assert ENHANCED.fullmatch(reply.enhanced)
        assert reply.enhanced[0] == str(reply.code)[0]


@pytest.mark.parametrize("reply", ALL, ids=name)
def test_no_reply_holds_an_address(reply: Reply) -> None:
    assert "@" not in reply.line().decode()


@pytest.mark.parametrize("reply", ALL, ids=name)
def test_each_reply_says_for_the_docs_when_it_is_given(reply: Reply) -> None:
    assert reply.when
    assert re.fullmatch(r"[A-Z0-9]+(-[A-Z0-9]+)*|", reply.token)


def test_no_two_replies_read_the_same() -> None:
    assert [line for line, times in Counter(reply.line() for reply in ALL).items() if times > 1] == []


def test_a_token_is_always_said_with_the_same_class_of_code() -> None:
    classes: dict[str, set[int]] = {}
    for reply in ALL:
        if reply.token:
            classes.setdefault(reply.token, set()).add(reply.code // 100)
    assert {token for token, seen in classes.items() if len(seen) > 1} == set()


def test_only_what_ends_a_session_says_421() -> None:
    assert all(reply.close for reply in ALL if reply.code == 421)


def test_our_own_faults_are_never_permanent() -> None:
    ours = {"STORE-DOWN", "EVIDENCE-DOWN", "OPTOUT-DOWN", "NOTICE", "DKIM"}
    assert {reply.token for reply in ALL if reply.token in ours} == ours
    assert all(reply.code // 100 == 4 for reply in ALL if reply.token in ours)


def test_temporary_policy_answers_never_say_4_7_1() -> None:
    assert not [reply for reply in ALL if reply.enhanced == "4.7.1"]  # RFC 3463: X.7.1 is permanent only


# Code, enhanced code and token of the refusal table (rules.md C6) for each cause a decision can have.
TABLE = {
    Reason.OPPOSED: "550 5.7.1 [OPPOSED]",
    Reason.COMPLAINED: "550 5.7.1 [COMPLAINED]",
    Reason.BOUNCED: "550 5.1.1 [BOUNCED]",
    Reason.NO_CONSENT: "550 5.7.1 [NO-CONSENT]",
    Reason.CONSENT_WITHDRAWN: "550 5.7.1 [CONSENT-WITHDRAWN]",
    Reason.CONSENT_UNPROVEN: "550 5.7.1 [CONSENT-UNPROVEN]",
    Reason.PURPOSE: "550 5.7.1 [PURPOSE]",
    Reason.B2B_RELEVANCE: "550 5.7.1 [B2B-RELEVANCE]",
    Reason.UNKNOWN_RECIPIENT: "550 5.7.1 [UNKNOWN-RECIPIENT]",
    Reason.SOURCE_MISSING: "550 5.7.1 [SOURCE-MISSING]",
    Reason.PARTNER_NOT_NAMED: "550 5.7.1 [PARTNER-NOT-NAMED]",
    Reason.NOTICE_INCOMPLETE: "550 5.7.1 [NOTICE-INCOMPLETE]",
    Reason.IDENTITY: "550 5.7.1 [IDENTITY]",
    Reason.CATEGORY: "550 5.7.1 [CATEGORY]",
    Reason.RESTRICTED: "550 5.7.1 [RESTRICTED]",
    Reason.PENDING: "550 5.7.1 [PENDING]",
    Reason.MINOR: "550 5.7.1 [MINOR]",
    Reason.IMPLIED_EXPIRED: "550 5.7.1 [IMPLIED-EXPIRED]",
    Reason.DOI_PENDING: "550 5.7.1 [DOI-PENDING]",
    Reason.SENSITIVE: "550 5.7.1 [SENSITIVE]",
    Reason.TRANSFER_BEFORE_CONSENT: "550 5.7.1 [TRANSFER-BEFORE-CONSENT]",
    Reason.NOTICE_OVERDUE: "550 5.7.1 [NOTICE-OVERDUE]",
    Reason.INACTIVE: "550 5.7.1 [INACTIVE-3Y]",
    Reason.POSTAL_ADDRESS: "550 5.7.1 [POSTAL-ADDRESS]",
    Reason.STREAM_PAUSED: "451 4.7.0 [STREAM-PAUSED]",
    Reason.STORE_DOWN: "451 4.4.3 [STORE-DOWN]",
}


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_answered_as_the_refusal_table_says(reason: Reason) -> None:
    said = REFUSALS[reason].line().decode()
    assert said.startswith(TABLE[reason] + " ")
    assert REFUSALS[reason].token == reason.value


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (replies.TLS_REQUIRED, "530 5.7.0 [TLS-REQUIRED]"),
        (replies.AUTH_REQUIRED, "530 5.7.0 [AUTH-REQUIRED]"),
        (replies.AUTH_BAD, "535 5.7.8 "),
        (replies.AUTH_DOWN, "454 4.7.0 "),
        (replies.TOOL_DISABLED, "525 5.7.13 "),
        (replies.NOT_YOURS, "550 5.7.1 [IDENTITY]"),
        (replies.STORE_DOWN, "451 4.4.3 [STORE-DOWN]"),
        (replies.EVIDENCE_DOWN, "451 4.3.0 [EVIDENCE-DOWN]"),
        (replies.OPTOUT_DOWN, "451 4.3.0 [OPTOUT-DOWN]"),
        (replies.DKIM_FAULT, "451 4.3.5 [DKIM]"),
        (replies.NO_DKIM_KEY, "550 5.7.1 [NO-DKIM-KEY]"),
        (replies.TOO_MANY_RECIPIENTS, "452 4.5.3 "),
        (replies.TOO_BIG, "552 5.3.4 "),
        (replies.NO_SPACE, "452 4.3.1 "),
        (replies.BAD_ARGUMENTS, "501 5.5.4 "),
        (replies.BAD_RECIPIENT, "501 5.1.3 "),
        (replies.UNKNOWN_PARAMETER, "555 5.5.4 "),
        (replies.BAD_SEQUENCE, "503 5.5.1 "),
        (replies.MALFORMED, "550 5.6.0 "),
        (replies.BARE_NEWLINE, "554 5.6.0 [BARE-LF]"),
        (replies.SUBJECT, "550 5.7.1 [SUBJECT]"),
        (replies.REPLY_TO, "550 5.7.1 [REPLY-TO]"),
        (replies.TRACKER, "550 5.7.1 [TRACKER]"),
        (replies.ALIGNMENT, "550 5.7.1 [ALIGNMENT]"),
        (replies.NOT_ORIGINATED, "550 5.7.1 [NOT-ORIGINATED]"),
        (replies.SIGNED_CONTENT, "554 5.6.2 [SIGNED-CONTENT]"),
        (replies.UTF8_NEEDED, "553 5.6.7 "),
        (replies.CONTENT_UTF8, "554 5.6.9 "),
        (replies.DROPPED_OPPOSED, "550 5.7.1 [DROPPED-OPPOSED]"),
        (replies.LOOP, "554 5.4.6 "),
        (replies.NEXT_HOP_DOWN, "451 4.4.1 "),
        (replies.SHUTTING_DOWN, "421 4.3.2 "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_other_rows_of_the_refusal_table(reply: Reply, said: str) -> None:
    assert reply.line().decode().startswith(said)


@pytest.mark.parametrize("code", [450, 451, 452, 454])
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.END])
def test_a_deferral_keeps_code_and_enhanced_code(code: int, stage: Stage) -> None:
    said = for_outcome(Outcome(Fate.DEFERRED, stage, code, "4.7.1", "Greylisted, come back"))
    assert said.line() == b"%d 4.7.1 next-hop: Greylisted, come back\r\n" % code


@pytest.mark.parametrize("code", [550, 552, 554])
def test_a_refusal_keeps_code_and_enhanced_code(code: int) -> None:
    said = for_outcome(Outcome(Fate.REFUSED, Stage.END, code, "5.2.2", "Mailbox full"))
    assert said.line() == b"%d 5.2.2 next-hop: Mailbox full\r\n" % code


def test_a_next_hop_that_goes_down_does_not_end_the_tools_session() -> None:
    said = for_outcome(Outcome(Fate.DEFERRED, Stage.MAIL, 421, "4.3.2", "Shutting down"))
    assert said.line() == b"451 4.3.2 next-hop: Shutting down\r\n"  # 421 would promise that we hang up (RFC 5321 3.8)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.TLS])
@pytest.mark.parametrize("fate", [Fate.UNREACHABLE, Fate.AMBIGUOUS])
def test_a_next_hop_that_is_silent_is_never_a_permanent_error(stage: Stage, fate: Fate) -> None:
    assert for_outcome(Outcome(fate, stage)) == replies.NEXT_HOP_DOWN


def test_missing_tls_is_told_as_such() -> None:
    assert for_outcome(Outcome(Fate.UNREACHABLE, Stage.TLS)) == replies.NEXT_HOP_TLS


@pytest.mark.parametrize("stage", Stage)
def test_a_fault_of_our_own_credentials_is_never_told_as_permanent(stage: Stage) -> None:
    assert for_outcome(Outcome(Fate.OURS, stage, 535, "5.7.8", "Bad password")).line().startswith(b"451 4.3.5 ")


def test_only_a_delivery_is_told_as_accepted_by_the_next_hop() -> None:
    said = {fate: for_outcome(Outcome(fate, Stage.END, 550 if fate is Fate.REFUSED else 450)).positive for fate in Fate}
    assert [fate for fate, positive in said.items() if positive] == [Fate.DELIVERED]


@given(fates, stages, refusal_codes, enhanced_codes, anything)
def test_whatever_a_next_hop_says_the_tool_hears_one_sound_line(
    fate: Fate, stage: Stage, code: int, enhanced: str, text: str
) -> None:
    reply = for_outcome(Outcome(fate, stage, code, enhanced, text)).about(LONGEST_REF)
    line = reply.line()
    assert LINE.fullmatch(line)
    assert len(line) <= 512
    assert ENHANCED.fullmatch(reply.enhanced)
    assert reply.enhanced[0] == str(reply.code)[0]
    if fate in (Fate.REFUSED, Fate.DEFERRED):
        assert reply.code // 100 == code // 100
        assert b" next-hop: " in line or line.split(b" ref=")[0].endswith(b"next-hop:")


@given(anything)
def test_cleaned_text_is_printable_ascii_on_one_line(text: str) -> None:
    cleaned = clean(text)
    assert re.fullmatch(r"[\x20-\x7e]{0,400}", cleaned)
    assert cleaned == clean(cleaned)
