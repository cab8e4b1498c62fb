"""What each provider's words mean, and that no event, however odd, makes a reader fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.bouncing import Means, means
from gateway.core.signal import Told
from gateway.core.token import mint
from gateway.edges.providers import brevo, mailgun, postmark, sendgrid, ses, sparkpost, standard
from gateway.edges.providers.reading import Malformed, decode, digest, rows, tokens
from gateway.edges.providers.sns import canonical
from gateway.flow.provider_events import Batch
from tests.support.doors import KEYS, LETTER, TOKEN
from tests.support.events import ANNA, ses_bounce

Reader = Callable[[object], Batch]


def _bytes(reader: Callable[[bytes], Batch]) -> Reader:
    return lambda event: reader(json.dumps(event).encode())


READERS: dict[str, Reader] = {
    "sendgrid": lambda event: _bytes(sendgrid.read)([event]),
    "postmark": _bytes(postmark.read),
    "mailgun": lambda event: mailgun.read({"event-data": event}),
    "brevo": _bytes(brevo.read),
    "sparkpost": lambda event: _bytes(sparkpost.read)([{"msys": {"message_event": event}}]),
    "ses": lambda event: ses.read({"Message": json.dumps(event), "MessageId": "1"}),
    "standard": lambda event: standard.read(json.dumps(event).encode(), "msg"),
}


def grid(**more: object) -> dict[str, object]:
    return {"email": ANNA, "sg_event_id": "1", **more}


def mark(kind: str, **more: object) -> dict[str, object]:
    return {"RecordType": "Bounce", "Type": kind, "ID": 1, "Email": ANNA, **more}


def gun(reason: str, said: str = "", **delivery: object) -> dict[str, object]:
    delivered = {"message": said, **delivery}
    return {
        "event": "failed",
        "severity": "permanent",
        "reason": reason,
        "id": "1",
        "recipient": ANNA,
        "delivery-status": delivered,
    }


def spark(sort: str, said: str = "", kind: str = "bounce") -> dict[str, object]:
    return {"type": kind, "bounce_class": sort, "event_id": "1", "rcpt_to": ANNA, "raw_reason": said}


@pytest.mark.parametrize(
    ("name", "event", "told", "meant"),
    [
        ("sendgrid", grid(event="bounce", type="bounce", status="5.0.0", reason="500 unknown recipient"), Told.BOUNCE, Means.DEAD),
        ("sendgrid", grid(event="bounce", type="bounce", status="5.1.1"), Told.BOUNCE, Means.DEAD),
        ("sendgrid", grid(event="bounce", type="bounce", status="5.7.1"), Told.BOUNCE, Means.POLICY),
        ("sendgrid", grid(event="bounce", type="bounce", reason="550 5.7.26 unauthenticated"), Told.BOUNCE, Means.POLICY),
        ("sendgrid", grid(event="bounce", type="blocked", status="5.1.1"), Told.BOUNCE, Means.NOTHING),
        ("sendgrid", grid(event="bounce", type="blocked", status="5.7.1"), Told.BOUNCE, Means.POLICY),
        ("sendgrid", grid(event="bounce", type="blocked", status="4.2.2"), Told.BOUNCE, Means.SOFT),
        ("sendgrid", grid(event="bounce", type="bounce", bounce_classification="Reputation"), Told.BOUNCE, Means.NOTHING),
        ("sendgrid", grid(event="bounce", type="bounce", bounce_classification="Mailbox Unavailable"), Told.BOUNCE, Means.SOFT),
        ("sendgrid", grid(event="dropped", reason="Bounced Address"), Told.BOUNCE, Means.DEAD),
        ("sendgrid", grid(event="dropped", reason="Unsubscribed Address"), Told.OPT_OUT, None),
        ("sendgrid", grid(event="dropped", reason="Spam Reporting Address"), Told.COMPLAINT, None),
        ("sendgrid", grid(event="dropped", reason="Spam Content"), None, None),
        ("sendgrid", grid(event="group_resubscribe"), None, None),
        ("postmark", mark("HardBounce"), Told.BOUNCE, Means.DEAD),
        ("postmark", mark("HardBounce", Details="550 5.7.1 rejected"), Told.BOUNCE, Means.POLICY),
        ("postmark", mark("SoftBounce", Details="552 5.2.2 full"), Told.BOUNCE, Means.SOFT),
        ("postmark", mark("SpamNotification", Details="550 5.1.1 spam"), Told.BOUNCE, Means.NOTHING),
        ("postmark", mark("DMARCPolicy"), Told.BOUNCE, Means.NOTHING),
        ("postmark", mark("Transient"), Told.DELAYED, None),
        ("postmark", mark("Unsubscribe"), Told.OPT_OUT, None),
        ("postmark", mark("ManuallyDeactivated"), None, None),
        ("postmark", {"RecordType": "SubscriptionChange", "Recipient": ANNA, "SuppressSending": False}, None, None),
        ("mailgun", gun("bounce", "5.1.1 no such user"), Told.BOUNCE, Means.DEAD),
        ("mailgun", gun("bounce", "", **{"bounce-type": "soft"}), Told.BOUNCE, Means.SOFT),
        ("mailgun", gun("bounce", "5.7.1 blocked by policy"), Told.BOUNCE, Means.POLICY),
        ("mailgun", gun("generic", "too old"), Told.BOUNCE, Means.SOFT),
        ("mailgun", gun("generic", "550 5.1.1 nobody"), Told.BOUNCE, Means.DEAD),
        ("mailgun", gun("espblock", "550 5.1.1 blocked"), Told.BOUNCE, Means.NOTHING),
        ("mailgun", gun("suppress-bounce"), Told.BOUNCE, Means.DEAD),
        ("mailgun", gun("suppress-unsubscribe"), Told.OPT_OUT, None),
        ("mailgun", gun("suppress-complaint"), Told.COMPLAINT, None),
        ("mailgun", {"event": "opened", "recipient": ANNA}, None, None),
        ("brevo", {"event": "hard_bounce", "email": ANNA, "reason": "550 5.5.0 mailbox unavailable"}, Told.BOUNCE, Means.DEAD),
        ("brevo", {"event": "soft_bounce", "email": ANNA, "reason": "no MX"}, Told.BOUNCE, Means.SOFT),
        ("brevo", {"event": "soft_bounce", "email": ANNA, "reason": "550 5.1.1 nobody"}, Told.BOUNCE, Means.DEAD),
        ("brevo", {"event": "hardBounce", "email": ANNA, "reason": "550 5.7.1 spam"}, Told.BOUNCE, Means.POLICY),
        ("brevo", {"event": "blocked", "email": ANNA, "reason": "blocked : due to blacklist user"}, None, None),
        ("brevo", {"event": "deferred", "email": ANNA, "reason": "550 5.1.1 nobody"}, Told.DELAYED, None),
        ("brevo", {"event": "complaint", "email": ANNA}, Told.COMPLAINT, None),
        ("sparkpost", spark("10"), Told.BOUNCE, Means.DEAD),
        ("sparkpost", spark("22", "552 5.2.2 full"), Told.BOUNCE, Means.SOFT),
        ("sparkpost", spark("51", "550 5.1.1 spam block"), Told.BOUNCE, Means.NOTHING),
        ("sparkpost", spark("90"), Told.OPT_OUT, None),
        ("sparkpost", spark("60"), Told.AUTO_REPLY, None),
        ("sparkpost", spark("", kind="delay"), Told.DELAYED, None),
        ("sparkpost", spark("", kind="link_unsubscribe"), Told.OPT_OUT, None),
        ("sparkpost", spark("", kind="spam_complaint") | {"fbtype": "not-spam"}, None, None),
        ("ses", ses_bounce(), Told.BOUNCE, Means.DEAD),
        ("ses", ses_bounce(kind="Permanent", sub="Suppressed", status=""), Told.BOUNCE, Means.DEAD),
        ("ses", ses_bounce(kind="Permanent", status="5.7.1"), Told.BOUNCE, Means.POLICY),
        ("ses", ses_bounce(kind="Transient", sub="MailboxFull", status=""), Told.BOUNCE, Means.SOFT),
        ("ses", ses_bounce(kind="Transient", sub="General", status=""), Told.BOUNCE, Means.NOTHING),
        ("ses", ses_bounce(kind="Transient", sub="ContentRejected", status="5.1.1"), Told.BOUNCE, Means.NOTHING),
        ("ses", ses_bounce(kind="Undetermined", sub="Undetermined", status=""), Told.BOUNCE, Means.NOTHING),
        ("ses", {"eventType": "Open"}, None, None),
        ("ses", {"eventType": "Subscription", "subscription": {"newTopicPreferences": {"unsubscribeAll": False}}}, None, None),
        ("standard", {"type": "bounce", "recipient": ANNA, "hard": True}, Told.BOUNCE, Means.DEAD),
        ("standard", {"type": "bounce", "recipient": ANNA, "hard": "yes"}, Told.BOUNCE, Means.NOTHING),
        ("standard", {"type": "delayed", "recipient": ANNA}, Told.DELAYED, None),
        ("standard", {"type": "other", "recipient": ANNA}, None, None),
    ],
)
def test_what_a_provider_says_means_the_same_in_our_words(
    name: str, event: dict[str, object], told: Told | None, meant: Means | None
) -> None:
    """R-STD-64: by status first, and a block never kills an address."""
    read = READERS[name](event)
    if told is None:
        assert (read.occurrences, read.unknown) == ((), 1)
        return
    (one,) = read.occurrences
    (reported,) = one.signal.reported
    assert (one.signal.told, reported.address) == (told, ANNA)
    if meant is not None:
        assert means(reported) is meant


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("sendgrid", grid(event="spamreport", gateway=TOKEN)),
        ("postmark", mark("SpamComplaint", Metadata={"token": TOKEN})),
        ("mailgun", {"event": "complained", "recipient": ANNA, "user-variables": {"a": "b", "t": TOKEN.upper()}}),
        ("brevo", {"event": "spam", "email": ANNA, "X-Mailin-custom": json.dumps({"token": TOKEN})}),
        ("brevo", {"event": "spam", "email": ANNA, "tags": ["x", TOKEN]}),
        ("sparkpost", spark("", kind="spam_complaint") | {"rcpt_meta": {"token": TOKEN}}),
        ("standard", {"type": "complaint", "token": TOKEN}),
        (
            "ses",
            {
                "eventType": "Complaint",
                "complaint": {"complainedRecipients": [{"emailAddress": ANNA}]},
                "mail": {"headers": [{"name": "List-Unsubscribe", "value": f"<https://stop.example/u/{TOKEN}>"}]},
            },
        ),
    ],
)
def test_a_token_is_found_where_the_sender_put_it(name: str, event: dict[str, object]) -> None:
    (one,) = READERS[name](event).occurrences
    assert [token.lower() for token in one.signal.tokens] == [TOKEN]


def test_one_message_to_several_is_an_event_for_each() -> None:
    event = ses_bounce()
    event["bounce"]["bouncedRecipients"].append({"emailAddress": "ben@example.com", "status": "4.4.1"})  # type: ignore[index]
    first, second = READERS["ses"](event).occurrences
    assert first.id != second.id
    assert [means(one.signal.reported[0]) for one in (first, second)] == [Means.DEAD, Means.SOFT]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([ANNA, "5.1.1", "Bounce", "bounce", "10"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
WORDS = """
    type email status reason sg_event_id bounce_classification RecordType Type ID Email Details Metadata severity recipient
    delivery-status user-variables tags message headers bounce_class event_id rcpt_to rcpt_meta raw_reason eventType
    notificationType bounce complaint mail bouncedRecipients complainedRecipients events token hard SuppressSending
    subscription newTopicPreferences event
"""
KINDS = """
    bounce dropped failed Bounce SpamComplaint SubscriptionChange hard_bounce spam_complaint Complaint Subscription out_of_band
"""
EVENTS = st.dictionaries(st.sampled_from(WORDS.split()), JSON | st.sampled_from(KINDS.split()), max_size=10)


@pytest.mark.parametrize("name", READERS)
@given(event=EVENTS | JSON)
def test_no_event_makes_a_reader_fail(name: str, event: object) -> None:
    try:
        read = READERS[name](event)
    except Malformed:
        return
    for one in read.occurrences:
        assert one.id
        assert len(one.signal.reported) == 1
        assert means(one.signal.reported[0]) in Means


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_octets_are_json_or_malformed(body: bytes) -> None:
    for reader in (sendgrid.read, postmark.read, brevo.read, sparkpost.read, lambda one: standard.read(one, "1")):
        with suppress(Malformed):
            assert isinstance(reader(body), Batch)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 50_000, b"9" * 10_000, b"[1e999999]", b'"\\ud800"'])
def test_hostile_json_is_bounded(body: bytes) -> None:
    try:
        decode(body)
    except Malformed:
        return
    assert len(body) < 20


@given(JSON)
def test_an_event_without_a_name_gets_the_same_one_each_time(event: object) -> None:
    assert digest(event) == digest(json.loads(json.dumps(event)))


@given(JSON)
def test_what_is_signed_is_found_in_any_message(event: object) -> None:
    message = event if isinstance(event, dict) else {"Type": "Notification", "Message": event}
    assert canonical(message) is None or isinstance(canonical(message), bytes)


def test_tokens_are_whole_words_and_few() -> None:
    many = [mint(KEYS, LETTER.number, bytes([number]) * 16) for number in range(20)]  # type: ignore[arg-type]
    assert tokens([f"x{TOKEN}", f"{TOKEN}y", "a" * 57]) == ()
    assert len(tokens(many)) <= 9
    assert tokens([" ".join([TOKEN, TOKEN.upper()])])[0] == TOKEN


def test_a_call_of_many_events_is_read_to_its_end() -> None:
    """What is not read is answered 200 all the same, and the provider never says it again: an opt-out would be lost."""
    many = [{"id": str(number), "type": "opt_out", "recipient": ANNA} for number in range(12_000)]
    assert len(standard.read(json.dumps({"events": many}).encode(), "msg").occurrences) == len(many)
    assert len(list(rows([{}] * 50_000))) == 50_000
