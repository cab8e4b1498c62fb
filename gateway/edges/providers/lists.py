"""Suppression lists of the providers whose API is plain JSON: how each is read, page by page, and added to (`sync.Listing`)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from gateway.core.signal import Told
from gateway.edges.providers.api import Api
from gateway.edges.providers.reading import moment, occurrence, rows, status, table, text
from gateway.flow.ports import Unavailable
from gateway.flow.provider_events import Batch, Occurrence

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = 500
MOST_PAGES = 20_000


def turns() -> Iterator[int]:
    """The numbers of a list's pages; Unavailable where its last page never comes, as what follows would be left out unsaid."""
    yield from range(MOST_PAGES)
    raise Unavailable("the provider's API: its list does not end")


def entry(
    source: str, told: Told, address: str, made: str, code: str = "", hard: bool | None = None, since: datetime | None = None
) -> Occurrence:
    """One entry as an event: named by list, address and date, so that it counts once; without a date it is older than any proof."""
    read = occurrence(f"{source} {address} {made}", told, address, f"{source} list", status=code, hard=hard, provider=source)
    return Occurrence(read.id, read.signal, since or LONG_AGO)


def instant(text: str) -> datetime | None:
    """A date as providers write it: ISO 8601, RFC 5322, or seconds; None where it is none of them."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, TypeError):
            return moment(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _batch(found: Iterable[Occurrence]) -> Batch:
    return Batch(tuple(found))


class SendGridList:
    """Global unsubscribes, bounces, spam reports and invalid addresses; `group` adds to an unsubscribe group instead of to all."""

    at_once = 500
    _KINDS: Mapping[str, tuple[Told, bool | None]] = {
        "unsubscribes": (Told.OPT_OUT, None),
        "spam_reports": (Told.COMPLAINT, None),
        "bounces": (Told.BOUNCE, True),
        "invalid_emails": (Told.BOUNCE, True),
    }

    def __init__(self, base: str, key: bytes, group: str = "") -> None:
        self._api = Api(base or "https://api.sendgrid.com", {"Authorization": f"Bearer {key.decode()}"})
        self._group = group

    async def pages(self, since: datetime | None) -> AsyncIterator[Batch]:
        """See `sync.Listing`."""
        start = int(since.timestamp()) if since else ""
        for kind, (told, hard) in self._KINDS.items():
            for page in turns():
                found = list(rows(await self._api.get(f"/v3/suppression/{kind}", start_time=start, limit=PAGE, offset=page * PAGE)))
                yield _batch(self._entry(one, told, hard) for one in found)
                if len(found) < PAGE:
                    break

    @staticmethod
    def _entry(one: Mapping[str, object], told: Told, hard: bool | None) -> Occurrence:
        made = text(one, "created")
        code = status(text(one, "status"), text(one, "reason")) if hard else ""
        return entry("sendgrid", told, text(one, "email"), made, code, hard, moment(made))

    async def add(self, addresses: Sequence[str]) -> None:
        """See `sync.Listing`."""
        path = f"/v3/asm/groups/{quote(self._group, safe='')}/suppressions" if self._group else "/v3/asm/suppressions/global"
        await self._api.send("POST", path, {"recipient_emails": list(addresses)})


class MailgunList:
    """Unsubscribes, complaints and bounces of one domain."""

    at_once = 1000
    _KINDS: Mapping[str, tuple[Told, bool | None]] = {
        "unsubscribes": (Told.OPT_OUT, None),
        "complaints": (Told.COMPLAINT, None),
        "bounces": (Told.BOUNCE, True),
    }

    def __init__(self, base: str, key: bytes, domain: str) -> None:
        proof = base64.b64encode(b"api:" + key).decode()
        self._api = Api(base or "https://api.mailgun.net", {"Authorization": f"Basic {proof}"})
        self._domain = quote(domain, safe="")

    async def pages(self, since: datetime | None) -> AsyncIterator[Batch]:
        """See `sync.Listing`; it cannot be asked by date, so older entries are passed over here."""
        for kind, (told, hard) in self._KINDS.items():
            answer = await self._api.get(f"/v3/{self._domain}/{kind}", limit=1000)
            for _ in turns():
                found = list(rows_of(answer, "items"))
                made = [(one, instant(text(one, "created_at"))) for one in found]
                yield _batch(self._entry(one, told, hard, at) for one, at in made if since is None or at is None or at >= since)
                following = text(answer, "paging", "next")
                if not found or not following:
                    break
                answer = await self._api.follow(following)

    @staticmethod
    def _entry(one: Mapping[str, object], told: Told, hard: bool | None, at: datetime | None) -> Occurrence:
        code = status("", text(one, "error")) if hard else ""
        return entry("mailgun", told, text(one, "address"), text(one, "created_at"), code, hard, at)

    async def add(self, addresses: Sequence[str]) -> None:
        """See `sync.Listing`."""
        await self._api.send("POST", f"/v3/{self._domain}/unsubscribes", [{"address": one, "tag": "*"} for one in addresses])


class PostmarkList:
    """The suppressions of one message stream, in one answer."""

    at_once = 50
    _KINDS: Mapping[str, tuple[Told, bool | None]] = {
        "HardBounce": (Told.BOUNCE, True),
        "SpamComplaint": (Told.COMPLAINT, None),
        "ManualSuppression": (Told.OPT_OUT, None),
    }

    def __init__(self, base: str, key: bytes, stream: str) -> None:
        self._api = Api(base or "https://api.postmarkapp.com", {"X-Postmark-Server-Token": key.decode()})
        self._path = f"/message-streams/{quote(stream or 'outbound', safe='')}/suppressions"

    async def pages(self, since: datetime | None) -> AsyncIterator[Batch]:
        """See `sync.Listing`."""
        answer = await self._api.get(f"{self._path}/dump", fromdate=since.date().isoformat() if since else "")
        yield _batch(self._entry(one, *kind) for one in rows_of(answer, "Suppressions") if (kind := self._kind(one)))

    def _kind(self, one: Mapping[str, object]) -> tuple[Told, bool | None] | None:
        return self._KINDS.get(text(one, "SuppressionReason"))

    @staticmethod
    def _entry(one: Mapping[str, object], told: Told, hard: bool | None) -> Occurrence:
        made = text(one, "CreatedAt")
        return entry("postmark", told, text(one, "EmailAddress"), made, "", hard, instant(made))

    async def add(self, addresses: Sequence[str]) -> None:
        """See `sync.Listing`."""
        await self._api.send("POST", self._path, {"Suppressions": [{"EmailAddress": one} for one in addresses]})


class BrevoList:
    """Contacts that it blocks; an opposition blocks a contact's marketing mail, and creates the contact where there is none."""

    at_once = 1
    _LIMIT = 100
    _KINDS: Mapping[str, tuple[Told, bool | None]] = {
        "unsubscribedViaMA": (Told.OPT_OUT, None),
        "unsubscribedViaEmail": (Told.OPT_OUT, None),
        "unsubscribedViaApi": (Told.OPT_OUT, None),
        "adminBlocked": (Told.OPT_OUT, None),
        "contactFlaggedAsSpam": (Told.COMPLAINT, None),
        "hardBounce": (Told.BOUNCE, True),
    }

    def __init__(self, base: str, key: bytes, now: Callable[[], datetime]) -> None:
        self._api = Api(base or "https://api.brevo.com", {"api-key": key.decode()})
        self._now = now

    async def pages(self, since: datetime | None) -> AsyncIterator[Batch]:
        """See `sync.Listing`."""
        begin = since.date().isoformat() if since else ""
        end = self._now().date().isoformat() if since else ""
        for page in turns():
            path, offset = "/v3/smtp/blockedContacts", page * self._LIMIT
            answer = await self._api.get(path, startDate=begin, endDate=end, limit=self._LIMIT, offset=offset, sort="asc")
            found = list(rows_of(answer, "contacts"))
            yield _batch(self._entry(one, *kind) for one in found if (kind := self._KINDS.get(text(one, "reason", "code"))))
            if len(found) < self._LIMIT:
                break

    @staticmethod
    def _entry(one: Mapping[str, object], told: Told, hard: bool | None) -> Occurrence:
        made = text(one, "blockedAt")
        return entry("brevo", told, text(one, "email"), made, "", hard, instant(made))

    async def add(self, addresses: Sequence[str]) -> None:
        """See `sync.Listing`."""
        for one in addresses:
            await self._api.send("POST", "/v3/contacts", {"email": one, "emailBlacklisted": True, "updateEnabled": True})


class SparkPostList:
    """Its suppression list, read by cursor."""

    at_once = 1000
    _KINDS: Mapping[str, tuple[Told, bool | None]] = {
        "Spam Complaint": (Told.COMPLAINT, None),
        "List Unsubscribe": (Told.OPT_OUT, None),
        "Unsubscribe Link": (Told.OPT_OUT, None),
        "Manually Added": (Told.OPT_OUT, None),
        "Bounce Rule": (Told.BOUNCE, True),
    }

    def __init__(self, base: str, key: bytes) -> None:
        self._api = Api(base or "https://api.sparkpost.com", {"Authorization": key.decode()})

    async def pages(self, since: datetime | None) -> AsyncIterator[Batch]:
        """See `sync.Listing`."""
        begin = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else ""
        answer = await self._api.get("/api/v1/suppression-list", cursor="initial", per_page=1000, from_=begin)
        for _ in turns():
            found = list(rows_of(answer, "results"))
            yield _batch(self._entry(one, *kind) for one in found if (kind := self._KINDS.get(text(one, "source"))))
            links = (text(one, "href") for one in rows_of(answer, "links") if text(one, "rel") == "next")
            following = next(links, "")
            if not found or not following:
                break
            answer = await self._api.follow(following)

    @staticmethod
    def _entry(one: Mapping[str, object], told: Told, hard: bool | None) -> Occurrence:
        made = text(one, "created")
        return entry("sparkpost", told, text(one, "recipient"), made, "", hard, instant(made))

    async def add(self, addresses: Sequence[str]) -> None:
        """See `sync.Listing`."""
        listed = [{"recipient": one, "type": "non_transactional", "description": "opposed"} for one in addresses]
        await self._api.send("PUT", "/api/v1/suppression-list", {"recipients": listed})


def rows_of(answer: object, name: str) -> Iterable[Mapping[str, object]]:
    """The objects of a list inside an answer."""
    return rows(table({"": answer}, "").get(name))
