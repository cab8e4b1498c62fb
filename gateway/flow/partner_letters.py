"""Writes to the people on both sides of a partnership: the partner's contact, and our officer when a partner stays silent.

Neither mail holds an address or a key of anybody (R-DP-24): what must be handed over is handed over as a file.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.address import Address, Identity, parse
from gateway.core.model import Category, Partner, PersonKey, Stream
from gateway.core.own_mail import MailKind
from gateway.core.reply_to import contact_address
from gateway.core.tool_way_out import MailOut
from gateway.flow.own_mail import CannotWrite, OwnMail

_READ_BY_ALL: frozenset[str] = frozenset()


class PartnerLetters:
    """Implements `by_hand.Letters` and `tool_errand.Writer`."""

    def __init__(
        self, own_mail: OwnMail, identity: Identity, streams: Mapping[str, Stream], partners: Mapping[str, Partner]
    ) -> None:
        self._own_mail = own_mail
        self._identity = identity
        self._streams = streams
        self._partners = partners

    async def to_partner(self, partner: str, once: str) -> bool:
        """See `by_hand.Letters`."""
        known = self._partners.get(partner)
        stream = self._stream("")
        if known is None or stream is None:
            return False
        words = {"partner": known.legal_name}
        return await self._send(MailKind.PARTNER, stream, known.contact, words, once)

    async def to_officer(self, partner: str, advertiser: str, hours: int, once: str) -> bool:
        """See `by_hand.Letters`; where an opposition reaches every advertiser, every officer is told."""
        names = [advertiser] if advertiser else sorted({stream.advertiser.name for stream in self._streams.values()})
        words = {"partner": partner, "hours": str(hours)}
        sent = False
        for stream in filter(None, map(self._stream, names)):
            sent |= await self._send(MailKind.UNTOLD, stream, stream.advertiser.dpo, words, f"{once}-{stream.advertiser.name}")
        return sent

    async def way_out(self, stream: Stream, person: PersonKey, mail: MailOut) -> str:
        """See `tool_errand.Writer`."""
        words = {"subject": mail.subject, "text": mail.text}
        once = f"way-out-{stream.name}-{person.hex()}"
        return await self._own_mail.send(MailKind.WAY_OUT, stream, person, mail.to, words, stream.language, once=once)

    async def _send(self, kind: MailKind, stream: Stream, contact: str, words: Mapping[str, str], once: str) -> bool:
        address = parse(contact_address(contact, _READ_BY_ALL))
        if not isinstance(address, Address):
            return False
        try:
            await self._own_mail.send(kind, stream, self._identity.person(address), address, words, stream.language, once=once)
        except CannotWrite:
            return False
        return True

    def _stream(self, advertiser: str) -> Stream | None:
        """A stream to write from, a marketing one where there is any."""
        theirs = [one for one in self._streams.values() if advertiser in ("", one.advertiser.name)]
        return min(theirs, key=lambda one: one.category is not Category.MARKETING, default=None)
