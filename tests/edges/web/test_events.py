"""`POST /events/NAME`: proven, recorded once, and never answered as recorded when it is not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import apsw
import httpx
import pytest
import pytest_asyncio

from gateway.core.address import Identity
from gateway.core.bouncing import SoftBounds
from gateway.core.change import Learn, Lift
from gateway.core.evidence import Kind
from gateway.core.record import Audience, Basis, Consent, Door, Scope
from gateway.core.token import mint
from gateway.edges.compute import Threads
from gateway.edges.metrics import Metrics
from gateway.edges.providers.proofs import BadKey
from gateway.edges.providers.sns import Topic
from gateway.edges.web.events import MAX_BODY, Events
from gateway.flow.back_ports import Answer
from gateway.flow.bounces import Bounces
from gateway.flow.provider_events import ProviderEvents
from tests.support import events as calls
from tests.support.doors import LETTER, PARTNERS, Doors, listening
from tests.support.events import ANNA, CERTIFICATE, CONFIRM, Call, Pages, Provider, reporting

BEN = "ben@example.com"


@pytest_asyncio.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with reporting(tmp_path) as one:
        yield one


def hard(provider: Provider) -> dict[str, Call]:
    """One report of a dead mailbox by each provider, in its own words."""
    now = provider.clock.now()
    spark = {"type": "bounce", "bounce_class": "10", "event_id": "1", "rcpt_to": ANNA, "raw_reason": "550 5.1.1 no such user"}
    return {
        "ses": calls.sns(calls.notification(calls.ses_bounce(), now)),
        "sendgrid": calls.sendgrid(
            [{"event": "bounce", "email": ANNA, "type": "bounce", "status": "5.1.1", "sg_event_id": "1"}], now
        ),
        "postmark": calls.postmark(
            {"RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "Email": ANNA, "Details": "550 5.1.1 x"}
        ),
        "mailgun": calls.mailgun(
            {
                "event": "failed",
                "severity": "permanent",
                "reason": "bounce",
                "id": "1",
                "timestamp": 1.5,
                "recipient": ANNA,
                "delivery-status": {"code": 550, "message": "5.1.1 no such user"},
            },
            now,
        ),
        "brevo": calls.brevo({"event": "hard_bounce", "email": ANNA, "ts_event": 1, "reason": "550 5.1.1 no such user"}),
        "sparkpost": calls.postmark([{"msys": {"message_event": spark}}]),
        "standard": calls.standard({"type": "bounce", "recipient": ANNA, "status": "5.1.1"}, now),
    }


def complaints(provider: Provider) -> dict[str, Call]:
    """One complaint by each."""
    now = provider.clock.now()
    ses = {
        "eventType": "Complaint",
        "complaint": {"complainedRecipients": [{"emailAddress": ANNA}], "feedbackId": "c", "complaintFeedbackType": "abuse"},
    }
    spark = {"type": "spam_complaint", "fbtype": "abuse", "event_id": "2", "rcpt_to": ANNA}
    return {
        "ses": calls.sns(calls.notification(ses, now)),
        "sendgrid": calls.sendgrid([{"event": "spamreport", "email": ANNA, "sg_event_id": "2"}], now),
        "postmark": calls.postmark({"RecordType": "SpamComplaint", "ID": 43, "Type": "SpamComplaint", "Email": ANNA}),
        "mailgun": calls.mailgun({"event": "complained", "id": "2", "timestamp": 2.5, "recipient": ANNA}, now),
        "brevo": calls.brevo({"event": "spam", "email": ANNA, "ts_event": 2}),
        "sparkpost": calls.postmark([{"msys": {"message_event": spark}}]),
        "standard": calls.standard({"type": "complaint", "recipient": ANNA}, now),
    }


def opt_outs(provider: Provider) -> dict[str, Call]:
    """One opt-out at the provider's own door, by each."""
    now = provider.clock.now()
    left = {"newTopicPreferences": {"unsubscribeAll": True, "topicSubscriptionStatus": []}}
    ses = {"eventType": "Subscription", "subscription": left, "mail": {"destination": [ANNA]}}
    change = {
        "RecordType": "SubscriptionChange",
        "Recipient": ANNA,
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
        "ChangedAt": "2026-03-02T09:00:00Z",
    }
    spark = {"type": "list_unsubscribe", "event_id": "3", "rcpt_to": ANNA}
    return {
        "ses": calls.sns(calls.notification(ses, now)),
        "sendgrid": calls.sendgrid([{"event": "group_unsubscribe", "email": ANNA, "asm_group_id": 7, "sg_event_id": "3"}], now),
        "postmark": calls.postmark(change),
        "mailgun": calls.mailgun({"event": "unsubscribed", "id": "3", "timestamp": 3.5, "recipient": ANNA}, now),
        "brevo": calls.brevo({"event": "unsubscribed", "email": ANNA, "ts_event": 3}),
        "sparkpost": calls.postmark([{"msys": {"unsubscribe_event": spark}}]),
        "standard": calls.standard({"type": "opt_out", "recipient": ANNA}, now),
    }


NAMES = ("ses", "sendgrid", "postmark", "mailgun", "brevo", "sparkpost", "standard")


@pytest.mark.parametrize("name", NAMES)
async def test_a_dead_mailbox_is_suppressed_for_the_providers_advertiser(provider: Provider, name: str) -> None:
    """R-MBX-14: a suppression of its own kind, no opposition; consents stay, partners are not told."""
    assert await provider.call(name, hard(provider)[name]) == 200
    (filed,) = await provider.filed()
    assert (filed.block.value, filed.scope, filed.advertiser, filed.door) == ("bounced", Scope.ADVERTISER, "acme", Door.BOUNCE)
    (event,) = await provider.events()
    assert (event.kind, event.outcome, event.reason, event.tool) == (Kind.RETURN, "bounced", "BOUNCED", name)
    assert not await provider.store.outbox.pending()


@pytest.mark.parametrize("name", NAMES)
async def test_a_complaint_suppresses_and_is_counted_once(provider: Provider, name: str) -> None:
    """R-STD-66, R-MBX-10, R-FR-56: counted against the stream, told to partners, and nobody is mailed."""
    call = complaints(provider)[name]
    assert [await provider.call(name, call) for _ in range(3)] == [200, 200, 200]
    (filed,) = await provider.filed()
    assert (filed.block.value, filed.scope, filed.advertiser, filed.door) == (
        "complained",
        Scope.ADVERTISER,
        "acme",
        Door.COMPLAINT,
    )
    tallies = await provider.store.book.tallies(provider.clock.now() - timedelta(days=1))
    assert [(one.stream, one.provider, one.what, one.count) for one in tallies] == [(LETTER.name, "other", "complained", 1)]
    assert [note.partner for note in await provider.store.outbox.pending()] == ["Fichier+"]


@pytest.mark.parametrize("name", NAMES)
async def test_an_opt_out_at_the_providers_door_is_an_opposition(provider: Provider, name: str) -> None:
    """R-FR-56: by whatever door."""
    assert await provider.call(name, opt_outs(provider)[name]) == 200
    (filed,) = await provider.filed()
    assert (filed.block.value, filed.scope, filed.advertiser, filed.door) == ("opposed", Scope.ADVERTISER, "acme", Door.API)


@pytest.mark.parametrize("name", NAMES)
async def test_the_same_event_again_changes_nothing(provider: Provider, name: str) -> None:
    for kind in (hard, complaints, opt_outs):
        call = kind(provider)[name]
        assert await provider.call(name, call) == 200
    before = await provider.events()
    for kind in (hard, complaints, opt_outs):
        assert await provider.call(name, kind(provider)[name]) == 200
    assert await provider.events() == before
    assert len(before) == 3


@pytest.mark.parametrize("name", NAMES)
async def test_a_call_without_proof_is_refused_and_changes_nothing(provider: Provider, name: str) -> None:
    headers, body = hard(provider)[name]
    tampered = body.replace(b"anna@", b"ben1@")
    if name in ("ses", "sendgrid", "standard"):
        assert await provider.call(name, (headers, tampered)) == 401
        assert await provider.call(name, (headers, body + b" ")) == (200 if name == "ses" else 401)
    if name == "mailgun":
        assert await provider.call(name, calls.mailgun({"event": "complained"}, provider.clock.now(), key=b"another key")) == 401
    else:
        wrong = {key: value[:-6] + "AAAAA=" for key, value in headers.items()}
        assert await provider.call(name, (wrong, body if wrong else tampered)) == 401
        assert await provider.call(name, ({}, tampered)) == 401
    assert await provider.blocks(BEN) == []
    assert await provider.blocks() == (["bounced"] if name == "ses" else [])
    assert provider.counted(name, "forged") >= 1


@pytest.mark.parametrize("name", NAMES)
async def test_a_body_that_is_no_json_is_400(provider: Provider, name: str) -> None:
    now = provider.clock.now()
    proof = {
        "sendgrid": calls.sendgrid({"not": "a list"}, now),
        "standard": calls.standard(["not an object"], now),
        "postmark": (calls.basic(), b"{"),
        "sparkpost": (calls.basic(), b"[" * 100_000),
        "brevo": ({"authorization": "Bearer " + calls.BEARER.decode()}, b"\xff"),
        "mailgun": ({}, b"event=complained"),
        "ses": ({}, b"[]"),
    }
    assert await provider.call(name, proof[name]) == 400
    assert await provider.events() == []


@pytest.mark.parametrize(("name", "minutes"), [("standard", 6), ("sendgrid", 26 * 60), ("mailgun", 10 * 60), ("ses", 121)])
async def test_a_call_from_long_ago_is_refused(provider: Provider, name: str, minutes: int) -> None:
    call = hard(provider)[name]
    provider.clock.advance(60 * minutes)
    assert await provider.call(name, call) == 401
    assert await provider.filed() == []


@pytest.mark.parametrize("name", ["standard", "sendgrid", "mailgun", "ses"])
async def test_a_call_from_the_future_is_refused(provider: Provider, name: str) -> None:
    call = hard(provider)[name]
    provider.clock.advance(-400)
    assert await provider.call(name, call) == 401


@pytest.mark.parametrize(("name", "minutes"), [("standard", 4), ("sendgrid", 23 * 60), ("mailgun", 8 * 60), ("ses", 60)])
async def test_what_could_not_be_recorded_may_come_again_as_late_as_the_provider_tries(
    provider: Provider, name: str, minutes: int
) -> None:
    call = hard(provider)[name]
    provider.clock.advance(60 * minutes)
    assert await provider.call(name, call) == 200
    assert await provider.blocks() == ["bounced"]


async def test_a_token_of_mailguns_is_good_for_one_body(provider: Provider) -> None:
    now = provider.clock.now()
    first = calls.mailgun({"event": "unsubscribed", "id": "1", "timestamp": 1, "recipient": ANNA}, now, "t" * 50)
    assert await provider.call("mailgun", first) == 200
    forged = calls.mailgun({"event": "unsubscribed", "id": "2", "timestamp": 1, "recipient": BEN}, now, "t" * 50)
    assert await provider.call("mailgun", forged) == 401
    assert await provider.blocks(BEN) == []
    assert await provider.call("mailgun", first) == 200


async def test_events_of_a_subaccount_are_proven_by_the_main_account(provider: Provider) -> None:
    event = {"event": "unsubscribed", "id": "1", "timestamp": 1, "recipient": ANNA}
    assert await provider.call("mailgun", calls.mailgun(event, provider.clock.now(), name="parent-signature")) == 200
    assert await provider.blocks() == ["opposed"]


async def test_a_batch_is_one_commit_and_each_of_it_counts(provider: Provider) -> None:
    people = [f"person{number}@example.com" for number in range(500)]
    batch = [{"event": "spamreport", "email": one, "sg_event_id": one} for one in people]
    assert await provider.call("sendgrid", calls.sendgrid(batch + batch[:7], provider.clock.now())) == 200
    for one in (people[0], people[250], people[-1]):
        assert await provider.blocks(one) == ["complained"]
    entries = [entry async for entry in provider.store.journal.entries()]
    assert len(entries) == 500
    assert provider.counted("sendgrid", "complaint") == 507


async def test_unknown_events_are_200_and_counted(provider: Provider) -> None:
    events = [{"event": "open", "email": ANNA}, {"event": "no such thing"}, {}, "text", {"event": ["x"]}]
    assert await provider.call("sendgrid", calls.sendgrid(events, provider.clock.now())) == 200
    assert provider.counted("sendgrid", "unknown") == 4
    assert await provider.events() == []


async def test_delays_and_automatic_answers_change_nothing(provider: Provider) -> None:
    """R-STD-64."""
    now = provider.clock.now()
    assert await provider.call("sendgrid", calls.sendgrid([{"event": "deferred", "email": ANNA, "sg_event_id": "d"}], now)) == 200
    reply = {"RecordType": "Bounce", "ID": 1, "Type": "AutoResponder", "Email": ANNA}
    assert await provider.call("postmark", calls.postmark(reply)) == 200
    temporary = {"event": "failed", "severity": "temporary", "id": "9", "timestamp": 1, "recipient": ANNA, "reason": "generic"}
    assert await provider.call("mailgun", calls.mailgun(temporary, now)) == 200
    assert await provider.events() == []
    assert await provider.filed() == []


async def test_a_token_in_metadata_says_who_and_which_stream(provider: Provider) -> None:
    """The address a provider names may be where mail was forwarded to; the token is who it was sent to."""
    token = mint(provider.ring.token_keys, LETTER.number, provider.person())
    event = {"event": "spamreport", "email": "elsewhere@mail.example", "sg_event_id": "1", "message": token.upper()}
    assert await provider.call("sendgrid", calls.sendgrid([event], provider.clock.now())) == 200
    assert await provider.blocks() == ["complained"]
    assert await provider.blocks("elsewhere@mail.example") == []
    (one,) = await provider.events()
    assert one.stream == LETTER.name


async def test_a_token_in_a_servers_answer_is_not_believed(provider: Provider) -> None:
    """Whoever receives a mail chooses the words of their server: it must not speak for others."""
    token = mint(provider.ring.token_keys, LETTER.number, provider.person())
    event = {
        "event": "bounce",
        "type": "bounce",
        "email": BEN,
        "sg_event_id": "1",
        "status": "5.1.1",
        "reason": f"550 5.1.1 {token}",
    }
    assert await provider.call("sendgrid", calls.sendgrid([event], provider.clock.now())) == 200
    assert await provider.blocks() == []
    assert await provider.blocks(BEN) == ["bounced"]


async def test_a_run_of_soft_bounces_kills_and_a_delivery_ends_it(provider: Provider) -> None:
    """R-MBX-15."""

    async def report(day: int, event: str) -> None:
        one = {"type": event, "recipient": ANNA, "status": "5.2.2" if event == "bounce" else ""}
        assert await provider.call("standard", calls.standard(one, provider.clock.now(), f"{event}-{day}")) == 200

    for day in range(4):
        await report(day, "bounce")
        provider.clock.advance(days=5)
    await report(4, "delivered")
    for day in range(5, 9):
        await report(day, "bounce")
        provider.clock.advance(days=5)
        assert await provider.blocks() == []
    await report(9, "bounce")
    assert await provider.blocks() == ["bounced"]
    last = (await provider.events())[-1]
    assert (last.outcome, last.detail) == ("bounced", "status=5.2.2; soft; run=5")
    assert last.rules[0] == "R-MBX-15"


async def test_an_event_taken_once_cannot_kill_again_what_was_revived(provider: Provider) -> None:
    """R-MBX-14."""
    call = hard(provider)["brevo"]
    assert await provider.call("brevo", call) == 200
    (dead,) = await provider.filed()
    await provider.store.book.commit((), [Lift(dead.person, dead.block, dead.scope, dead.advertiser, dead.stream)])
    assert await provider.call("brevo", call) == 200
    assert await provider.blocks() == []


async def test_a_complaint_withdraws_consents(provider: Provider) -> None:
    consent = Consent(
        provider.person(),
        "acme",
        LETTER.purpose,
        Audience.CONSUMER,
        Basis.CONSENT,
        "direct",
        provider.clock.now(),
        "ticked",
        "I want it",
    )
    await provider.store.book.commit((), [Learn(consent, b"sealed")])
    assert await provider.call("brevo", complaints(provider)["brevo"]) == 200
    ((kept, _),) = await provider.store.book.consents(provider.person())
    assert kept.withdrawn_at == provider.clock.now()


async def test_a_subscription_is_confirmed_for_the_configured_topic_only(provider: Provider) -> None:
    provider.pages.answers[CONFIRM] = Answer(200, b"<ConfirmSubscriptionResponse/>")
    asking = calls.notification(
        "You have chosen", provider.clock.now(), Type="SubscriptionConfirmation", Token="y", SubscribeURL=CONFIRM
    )
    assert await provider.call("ses", calls.sns(asking)) == 200
    assert provider.pages.asked == [CERTIFICATE, CONFIRM]
    other = asking | {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:other"}
    assert await provider.call("ses", calls.sns(other)) == 401
    elsewhere = asking | {"SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"}
    assert await provider.call("ses", calls.sns(elsewhere)) == 401
    assert provider.pages.asked == [CERTIFICATE, CONFIRM]


async def test_a_confirmation_that_nobody_answers_comes_again(provider: Provider) -> None:
    asking = calls.notification("", provider.clock.now(), Type="SubscriptionConfirmation", Token="y", SubscribeURL=CONFIRM)
    assert await provider.call("ses", calls.sns(asking)) == 503


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/?x=SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem?x",
        "https://169.254.169.254/SimpleNotificationService-0123456789abcdef.pem",
        "file:///etc/passwd",
        "",
    ],
)
async def test_a_certificate_comes_from_the_topics_own_sns_or_not_at_all(provider: Provider, url: str) -> None:
    """T17: nothing in a message can make us ask another host."""
    message = calls.notification(calls.ses_bounce(), provider.clock.now(), SigningCertURL=url)
    assert await provider.call("ses", calls.sns(message)) == 401
    assert provider.pages.asked == []


async def test_a_certificate_is_fetched_once(provider: Provider) -> None:
    for number in range(5):
        message = calls.notification(calls.ses_bounce(f"p{number}@example.com"), provider.clock.now(), f"n{number}")
        assert await provider.call("ses", calls.sns(message)) == 200
    assert provider.pages.asked == [CERTIFICATE]


async def test_version_one_signatures_are_believed_too(provider: Provider) -> None:
    message = calls.notification(calls.ses_bounce(), provider.clock.now(), SignatureVersion="1", Subject="Amazon SES")
    assert await provider.call("ses", calls.sns(message)) == 200
    assert await provider.blocks() == ["bounced"]


async def test_an_expired_certificate_proves_nothing(provider: Provider) -> None:
    provider.pages.answers[CERTIFICATE] = Answer(200, calls.certificate(at=provider.clock.now() - timedelta(days=30)))
    assert await provider.call("ses", hard(provider)["ses"]) == 401
    assert await provider.filed() == []


async def test_without_the_certificate_it_comes_again(provider: Provider) -> None:
    provider.pages.answers[CERTIFICATE] = Answer(503, b"")
    assert await provider.call("ses", hard(provider)["ses"]) == 503
    provider.pages.answers[CERTIFICATE] = Answer(200, calls.certificate())
    assert await provider.call("ses", hard(provider)["ses"]) == 200


async def test_a_long_body_is_413_and_an_unknown_name_404(provider: Provider) -> None:
    assert await provider.call("postmark", (calls.basic(), b" " * (MAX_BODY + 1))) == 413
    assert await provider.call("nobody", (calls.basic(), b"{}")) == 404
    assert (await provider.client.get("/events/postmark")).status_code == 405


async def test_who_guesses_is_slowed_down(provider: Provider) -> None:
    answers = [await provider.call("postmark", (calls.basic(b"gateway:wrong"), b"{}")) for _ in range(40)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert await provider.call("postmark", hard(provider)["postmark"]) == 200


@pytest.mark.parametrize("fault", ["down", "read_only"])
@pytest.mark.parametrize("kind", ["complaint", "bounce", "opt_out"])
async def test_what_is_not_recorded_is_503_and_comes_again(fault: str, kind: str) -> None:
    doors, compute = Doors(), Threads()
    bounces = Bounces(doors.book, doors.book, {LETTER.name: LETTER}, PARTNERS, SoftBounds(), doors.clock, doors.tally, doors.lines)
    events = ProviderEvents(
        bounces, doors.book, doors.way_back(), Identity(b"pepper"), ("acme",), Metrics(), doors.clock, doors.lines
    )
    door = Events(events, calls.rooms(Pages(), compute), doors.clock)
    headers, body = calls.standard({"type": kind, "recipient": ANNA, "status": "5.1.1"}, doors.clock.now())
    async with listening(door.routes()) as url, httpx.AsyncClient(base_url=url) as client:
        setattr(doors.book, fault, True)
        answer = await client.post("/events/standard", content=body, headers=headers)
        assert (answer.status_code, bool(answer.headers["retry-after"])) == (503, True)
        assert doors.book.changes == []
        setattr(doors.book, fault, False)
        assert (await client.post("/events/standard", content=body, headers=headers)).status_code == 200
        assert len(doors.book.events) == 1
    compute.close()


async def test_no_address_gets_into_the_log_or_the_evidence(provider: Provider, tmp_path: Path) -> None:
    for name in NAMES:
        assert await provider.call(name, complaints(provider)[name]) == 200
    told = json.dumps([repr(event) for event in await provider.events()])
    assert "anna" not in told
    with closing(apsw.Connection(str(tmp_path / "gateway.db"), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        assert not [row for row in database.execute("SELECT body FROM entry") if b"anna" in bytes(row[0])]


def test_a_topic_is_named_by_its_whole_arn() -> None:
    for arn in ("", "arn:aws:sns:eu-west-1:1:x", "arn:aws:sqs:eu-west-1:123456789012:x", "arn:aws:sns:s3:123456789012:x"):
        with pytest.raises(BadKey):
            Topic(arn, Pages())
