"""`gateway sync` against recorded HTTP of each provider, served on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.core.address import Address, Identity, parse
from gateway.core.change import Learn, Oppose
from gateway.core.record import Audience, Basis, Block, Consent, Door, Opposition, Scope
from gateway.edges.keys import KeyRing
from gateway.edges.providers.ses_list import signed
from gateway.edges.store.sqlite import open_store
from tests.commands.conftest import House

ANNA, BEN, CLEO = "anna@example.com", "ben@example.com", "cleo@example.com"
WHEN = "2026-03-01T10:00:00+00:00"


@dataclass
class Recorded:
    """Answers by path, and what was asked."""

    answers: dict[str, object]
    asked: list[tuple[str, str, dict[str, list[str]], object]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    base: str = ""


@contextmanager
def serving(recorded: Recorded) -> Iterator[Recorded]:
    """A provider's API on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length)) if length else None
            recorded.asked.append((self.command, parts.path, parse_qs(parts.query), body))
            recorded.headers.append({name.lower(): value for name, value in self.headers.items()})
            found = recorded.answers.get(self.path, recorded.answers.get(parts.path))
            told = json.dumps(found if self.command == "GET" else {}).replace("BASE", recorded.base).encode()
            self.send_response(404 if found is None and self.command == "GET" else 200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = answer  # noqa: N815  the library's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorded.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield recorded
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def provider(house: House, kind: str, base: str, more: str = "") -> None:
    """A provider of this kind in the configuration, with what it wants."""
    needed = {
        "ses": 'topic = "arn:aws:sns:eu-west-1:123456789012:t"',
        "sendgrid": 'verification = "x"',
        "mailgun": 'list_name = "mail.acme.example"',
    }
    for name, text in (("secret", "gateway:password"), ("key", "AKID:the-secret" if kind == "ses" else "the-key")):
        house.write(name, text).chmod(0o600)
    text = (house.folder / "gateway.toml").read_text()
    secret = 'secret_file = "secret"' if kind not in ("ses", "sendgrid") else ""
    lines = ("", "[provider.one]", f'kind = "{kind}"', secret, needed.get(kind, ""), 'api_key_file = "key"', f'api_url = "{base}"')
    table = "\n".join((*lines, more, ""))
    house.write("gateway.toml", text + table)


RECORDED: dict[str, dict[str, object]] = {
    "sendgrid": {
        "/v3/suppression/unsubscribes": [{"created": 1772359200, "email": ANNA}],
        "/v3/suppression/spam_reports": [{"created": 1772359200, "email": BEN, "ip": "10.1.1.1"}],
        "/v3/suppression/bounces": [{"created": 1772359200, "email": CLEO, "reason": "550 5.1.1 unknown", "status": "5.1.1"}],
        "/v3/suppression/invalid_emails": [{"created": 1772359200, "email": "no address", "reason": "Mail domain"}],
    },
    "mailgun": {
        "/v3/mail.acme.example/unsubscribes": {
            "items": [{"address": ANNA, "tags": ["*"], "created_at": "Sun, 01 Mar 2026 10:00:00 GMT"}],
            "paging": {"next": "BASE/v3/mail.acme.example/unsubscribes/2"},
        },
        "/v3/mail.acme.example/unsubscribes/2": {"items": [], "paging": {"next": "BASE/v3/mail.acme.example/unsubscribes/2"}},
        "/v3/mail.acme.example/complaints": {"items": [{"address": BEN, "created_at": "Sun, 01 Mar 2026 10:00:00 GMT"}]},
        "/v3/mail.acme.example/bounces": {"items": [{"address": CLEO, "code": "550", "error": "5.1.1 no such user"}]},
    },
    "postmark": {
        "/message-streams/outbound/suppressions/dump": {
            "Suppressions": [
                {"EmailAddress": ANNA, "SuppressionReason": "ManualSuppression", "Origin": "Recipient", "CreatedAt": WHEN},
                {"EmailAddress": BEN, "SuppressionReason": "SpamComplaint", "Origin": "Recipient", "CreatedAt": WHEN},
                {"EmailAddress": CLEO, "SuppressionReason": "HardBounce", "Origin": "Recipient", "CreatedAt": WHEN},
            ]
        }
    },
    "brevo": {
        "/v3/smtp/blockedContacts": {
            "count": 3,
            "contacts": [
                {"email": ANNA, "reason": {"code": "unsubscribedViaEmail", "message": "x"}, "blockedAt": WHEN},
                {"email": BEN, "reason": {"code": "contactFlaggedAsSpam", "message": "x"}, "blockedAt": WHEN},
                {"email": CLEO, "reason": {"code": "hardBounce", "message": "x"}, "blockedAt": WHEN},
            ],
        }
    },
    "sparkpost": {
        "/api/v1/suppression-list": {
            "results": [
                {"recipient": ANNA, "type": "non_transactional", "source": "List Unsubscribe", "created": WHEN},
                {"recipient": BEN, "type": "non_transactional", "source": "Spam Complaint", "created": WHEN},
            ],
            "links": [{"href": "/api/v1/suppression-list?cursor=second&per_page=1000", "rel": "next"}],
        },
        "/api/v1/suppression-list?cursor=second&per_page=1000": {
            "results": [{"recipient": CLEO, "type": "transactional", "source": "Bounce Rule", "created": WHEN}],
            "links": [],
        },
    },
    "ses": {
        "/v2/email/suppression/addresses": {
            "SuppressedDestinationSummaries": [
                {"EmailAddress": BEN, "Reason": "COMPLAINT", "LastUpdateTime": 1772359200.5},
                {"EmailAddress": CLEO, "Reason": "BOUNCE", "LastUpdateTime": 1772359200},
            ]
        }
    },
}


SINCE = {"sendgrid": "start_time", "postmark": "fromdate", "brevo": "startDate", "sparkpost": "from", "ses": "StartDate"}


def blocks(house: House, address: str) -> list[str]:
    return [row["block"] for row in house.json("oppose", "show", address, "--reason", "test")]


@pytest.mark.parametrize("kind", RECORDED)
def test_what_a_provider_lists_is_suppressed_here_once(house: House, kind: str) -> None:
    with serving(Recorded(RECORDED[kind])) as api:
        provider(house, kind, api.base)
        (first,) = house.json("sync", "pull", "one")
        assert first["entries"] == {"ses": 2, "sendgrid": 4}.get(kind, 3)
        assert first["new"] == first["entries"]
        assert blocks(house, BEN) == ["complained"]
        assert blocks(house, CLEO) == ["bounced"]
        assert kind == "ses" or blocks(house, ANNA) == ["opposed"]
        asked = len(api.asked)
        (second,) = house.json("sync", "pull", "one")
        assert second["new"] == 0
        again = api.asked[asked:]
        if kind in SINCE:
            assert SINCE[kind] in again[0][2]
        assert not any("stream" in row for row in house.json("stream", "list") if row["complained"])


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [
        ("sendgrid", "authorization", "Bearer the-key"),
        ("mailgun", "authorization", "Basic YXBpOnRoZS1rZXk="),
        ("postmark", "x-postmark-server-token", "the-key"),
        ("brevo", "api-key", "the-key"),
        ("sparkpost", "authorization", "the-key"),
    ],
)
def test_each_api_is_asked_with_its_own_key(house: House, kind: str, header: str, value: str) -> None:
    with serving(Recorded(RECORDED[kind])) as api:
        provider(house, kind, api.base)
        house.gateway("sync", "pull", "one")
        assert {one[header] for one in api.headers} == {value}


def oppose(house: House, address: str, block: Block, scope: Scope, known: bool = True) -> None:
    """Put an opposition on record, and where `known` a consent with the sealed address."""

    async def put() -> None:
        ring = KeyRing.open(house.folder / "var" / "keys", may_create=not (house.folder / "var" / "gateway.db").exists())
        store = open_store(house.folder / "var" / "gateway.db", "cli")
        found, now = parse(address), datetime(2026, 3, 1, tzinfo=UTC)
        assert isinstance(found, Address)
        person = Identity(ring.pepper).person(found)
        stream = "news" if scope is Scope.STREAM else ""
        filed = Opposition(person, block, scope, "" if scope is Scope.ALL else "acme", stream, Door.CLI, now)
        consent = Consent(person, "acme", "news", Audience.CONSUMER, Basis.CONSENT, "direct", now, "ticked", "yes")
        await store.book.commit((), [Oppose(filed), *([Learn(consent, ring.vault.seal(address.encode()))] if known else [])])
        await store.close()

    asyncio.run(put())


@pytest.mark.parametrize(
    ("kind", "method", "path", "body"),
    [
        ("sendgrid", "POST", "/v3/asm/suppressions/global", {"recipient_emails": [ANNA, BEN]}),
        ("mailgun", "POST", "/v3/mail.acme.example/unsubscribes", [{"address": ANNA, "tag": "*"}, {"address": BEN, "tag": "*"}]),
        (
            "postmark",
            "POST",
            "/message-streams/outbound/suppressions",
            {"Suppressions": [{"EmailAddress": ANNA}, {"EmailAddress": BEN}]},
        ),
        (
            "sparkpost",
            "PUT",
            "/api/v1/suppression-list",
            {"recipients": [{"recipient": one, "type": "non_transactional", "description": "opposed"} for one in (ANNA, BEN)]},
        ),
    ],
)
def test_who_opposed_here_is_put_on_the_providers_list_once(house: House, kind: str, method: str, path: str, body: object) -> None:
    for address, block, scope, known in (
        (ANNA, Block.OPPOSED, Scope.ADVERTISER, True),
        (BEN, Block.COMPLAINED, Scope.ALL, True),
        (CLEO, Block.BOUNCED, Scope.ADVERTISER, True),
        ("dora@example.com", Block.OPPOSED, Scope.STREAM, True),
        ("emil@example.com", Block.OPPOSED, Scope.ADVERTISER, False),
    ):
        oppose(house, address, block, scope, known)
    with serving(Recorded({})) as api:
        provider(house, kind, api.base)
        (told,) = house.json("sync", "push", "one")
        assert (told["told"], told["known"], told["without_address"]) == (2, 0, 1)
        (asked,) = api.asked
        assert asked[:2] == (method, path)
        turned = json.dumps(body).replace("anna@", "x@").replace("ben@", "anna@").replace("x@", "ben@")
        assert asked[3] in (body, json.loads(turned))
        (again,) = house.json("sync", "push", "one")
        assert (again["told"], again["known"]) == (0, 2)
        assert len(api.asked) == 1


def test_brevo_is_told_of_one_contact_at_a_time(house: House) -> None:
    oppose(house, ANNA, Block.OPPOSED, Scope.ADVERTISER)
    with serving(Recorded({})) as api:
        provider(house, "brevo", api.base)
        house.gateway("sync", "push", "one")
        assert [one[3] for one in api.asked] == [{"email": ANNA, "emailBlacklisted": True, "updateEnabled": True}]


def test_a_sendgrid_group_is_added_to_instead_of_everything(house: House) -> None:
    oppose(house, ANNA, Block.OPPOSED, Scope.ADVERTISER)
    with serving(Recorded({})) as api:
        provider(house, "sendgrid", api.base, 'list_name = "4711"')
        house.gateway("sync", "push", "one")
        assert [one[1] for one in api.asked] == ["/v3/asm/groups/4711/suppressions"]


def test_an_old_entry_does_not_kill_who_consented_after_it(house: House) -> None:
    """R-MBX-14: fresh proof is newer than the list."""
    entry = {"EmailAddress": ANNA, "SuppressionReason": "HardBounce", "Origin": "Recipient", "CreatedAt": "2020-01-01T00:00:00Z"}
    listed = {"/message-streams/outbound/suppressions/dump": {"Suppressions": [entry, entry | {"EmailAddress": BEN}]}}
    oppose(house, ANNA, Block.OPPOSED, Scope.STREAM)
    with serving(Recorded(listed)) as api:
        provider(house, "postmark", api.base)
        house.gateway("sync", "pull", "one")
    assert blocks(house, ANNA) == ["opposed"]
    assert blocks(house, BEN) == ["bounced"]


def test_what_the_api_refuses_is_said_and_begun_again(house: House) -> None:
    whole = RECORDED["sendgrid"]
    with serving(Recorded({"/v3/suppression/unsubscribes": whole["/v3/suppression/unsubscribes"]})) as api:
        provider(house, "sendgrid", api.base)
        failed = house.gateway("sync", "pull", "one", code=1)
        assert "answered 404" in failed.stderr
        api.answers.update(whole)
        (done,) = house.json("sync", "pull", "one")
        assert (done["entries"], done["new"]) == (4, 3)
        assert "start_time" not in api.asked[-1][2]


def test_a_page_elsewhere_is_not_asked_for(house: House) -> None:
    answers = {"/api/v1/suppression-list": {"results": [{}], "links": [{"href": "http://evil.example/x", "rel": "next"}]}}
    with serving(Recorded(answers)) as api:
        provider(house, "sparkpost", api.base)
        assert "another host" in house.gateway("sync", "pull", "one", code=1).stderr
        assert len(api.asked) == 1


def test_what_cannot_be_synchronised_is_said(house: House) -> None:
    house.gateway("sync", "pull", "nothing", code=2)
    provider(house, "ses", "http://127.0.0.1:9")
    assert "service mail" in house.gateway("sync", "push", "one", code=1).stderr


def test_requests_are_signed_as_aws_documents_it() -> None:
    """The simplest request of AWS's own test suite, and that every part of a request counts."""
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    proof = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1"
    told = signed("GET", "https://example.amazonaws.com/", b"", *proof, at, "service")
    assert told["X-Amz-Date"] == "20150830T123600Z"
    assert told["Authorization"].endswith("=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
    url = "https://email.eu-west-1.amazonaws.com/v2/email/suppression/addresses?{}"
    one = signed("GET", url.format("PageSize=1&NextToken=a%2Bb%2F%3D"), b"", *proof, at)
    assert one == signed("GET", url.format("NextToken=a%2Bb%2F%3D&PageSize=1"), b"", *proof, at)
    assert one != signed("GET", url.format("NextToken=a%2Bb%2F%3D&PageSize=2"), b"", *proof, at)
    assert one != signed("PUT", url.format("PageSize=1&NextToken=a%2Bb%2F%3D"), b"{}", *proof, at)
