"""Amazon SES's account-level suppression list, asked as AWS wants it (Signature Version 4). It is read, never added to.

It knows bounces and complaints only, and holds back every mail of the account, service mail too: an opposition to advertising does
not belong there.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from gateway.core.signal import Told
from gateway.edges.providers.api import Api
from gateway.edges.providers.lists import entry, rows_of, turns
from gateway.edges.providers.proofs import BadKey
from gateway.edges.providers.reading import moment, text
from gateway.flow.ports import Unavailable
from gateway.flow.provider_events import Batch

PATH = "/v2/email/suppression/addresses"
_KINDS: Mapping[str, tuple[Told, bool | None]] = {"BOUNCE": (Told.BOUNCE, True), "COMPLAINT": (Told.COMPLAINT, None)}


class SesList:
    """Implements `sync.Listing`; `key` is `ACCESS_KEY_ID:SECRET`. BadKey where it is not."""

    at_once = 1

    def __init__(self, base: str, key: bytes, region: str, now: Callable[[], datetime]) -> None:
        name, colon, secret = key.decode("ascii", "replace").partition(":")
        if not (name and colon and secret):
            raise BadKey("not an ACCESS_KEY_ID:SECRET")

        def sign(method: str, url: str, body: bytes) -> Mapping[str, str]:
            return signed(method, url, body, name, secret, region, now())

        self._api = Api(base or f"https://email.{region}.amazonaws.com", sign=sign)

    async def pages(self, since: datetime | None) -> AsyncIterator[Batch]:
        """See `sync.Listing`."""
        begin, following = (int(since.timestamp()) if since else ""), ""
        for _ in turns():
            answer = await self._api.get(PATH, PageSize=1000, StartDate=begin, NextToken=following)
            found = list(rows_of(answer, "SuppressedDestinationSummaries"))
            yield Batch(
                tuple(
                    entry("ses", kind[0], text(one, "EmailAddress"), made, "", kind[1], moment(made))
                    for one in found
                    if (kind := _KINDS.get(text(one, "Reason"))) and (made := text(one, "LastUpdateTime") or "0")
                )
            )
            following = text(answer, "NextToken")
            if not following:
                break

    async def add(self, addresses: Sequence[str]) -> None:
        """Refused: the list stops service mail too."""
        raise Unavailable(f"SES's list would hold back service mail too; {len(addresses)} not told")


def signed(
    method: str, url: str, body: bytes, name: str, secret: str, region: str, now: datetime, service: str = "ses"
) -> Mapping[str, str]:
    """The headers of a request (AWS Signature Version 4)."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    parts = urlsplit(url)
    query = "&".join(f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in sorted(parse_qsl(parts.query)))
    digest = hashlib.sha256(body).hexdigest()
    asked = "\n".join((method, quote(parts.path), query, f"host:{parts.netloc}\nx-amz-date:{stamp}\n", "host;x-amz-date", digest))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    wanted = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(asked.encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    proof = hmac.digest(key, wanted.encode(), "sha256").hex()
    said = f"AWS4-HMAC-SHA256 Credential={name}/{scope}, SignedHeaders=host;x-amz-date, Signature={proof}"
    return {"X-Amz-Date": stamp, "Authorization": said}
