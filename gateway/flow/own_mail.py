"""Sends mail of the gateway's own: composed, signed, on record, then kept in the spool like any other mail.

One mechanism for every kind (`MailKind`). Who may get which is the caller's business, and asked again at delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from gateway.core.address import Address
from gateway.core.change import Change
from gateway.core.compose import Finished, Letterhead, complete, signatures
from gateway.core.evidence import Event, Kind
from gateway.core.model import Partner, PersonKey, Ref, Stream
from gateway.core.notice import NoticeFault
from gateway.core.own_mail import Letter, MailKind, OwnTemplates, Slip, draft_own, write_slip
from gateway.flow.notify import OWN_MAIL
from gateway.flow.ports import Addressee, Book, Clock, Compute, Envelope, Spool, Unavailable

LIFE = timedelta(days=2)
"""How long an own mail is tried."""

RULES = {
    MailKind.DOI: ("R-FR-43",),
    MailKind.DOI_REMINDER: ("R-FR-43",),
    MailKind.STAY: ("R-FR-82",),
    MailKind.RIGHTS_NOTICE: ("R-FR-29", "R-FR-32"),
}


class OwnMail:
    """Puts own mail into a spool; who delivers that spool is woken by `wake`."""

    def __init__(
        self,
        spool: Spool,
        book: Book,
        letterheads: Mapping[str, Letterhead],
        templates: OwnTemplates,
        partners: Mapping[str, Partner],
        compute: Compute,
        random: Callable[[], str],
        wake: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._spool = spool
        self._book = book
        self._letterheads = letterheads
        self._templates = templates
        self._partners = partners
        self._compute = compute
        self._random = random
        self._wake = wake
        self._clock = clock

    async def send(
        self,
        kind: MailKind,
        stream: Stream,
        person: PersonKey,
        address: Address,
        words: Mapping[str, str],
        language: str,
        *,
        events: Sequence[Event] = (),
        changes: Sequence[Change] = (),
        due: datetime | None = None,
    ) -> Ref:
        """Own one mail durably and return its journal reference; `events` and `changes` go into the commit before it.

        Unavailable when it could not be written: whatever was committed with it then stands, the mail does not go.
        """
        letter = self._letter(kind, person, address, words, language)
        finished = await self._finish(stream, letter)
        now = self._clock.now()
        refs = await self._book.commit((*events, self._event(stream, letter, finished, now)), changes)
        await self._keep(stream, letter, finished, refs[-1], due or now)
        return refs[-1]

    async def rehearse(
        self,
        kind: MailKind,
        stream: Stream,
        person: PersonKey,
        address: Address,
        words: Mapping[str, str],
        language: str,
        *,
        events: Sequence[Event],
    ) -> None:
        """As much work as `send`, with nothing sent: nobody shall tell by the time an answer takes what is known of an address."""
        await self._finish(stream, self._letter(kind, person, address, words, language))
        await self._book.commit(events)
        await self._book.touch_probe(self._clock.now())

    def _letter(self, kind: MailKind, person: PersonKey, address: Address, words: Mapping[str, str], language: str) -> Letter:
        return Letter(kind, person, address, words, language, self._partners.get(words.get("source", "")))

    async def _finish(self, stream: Stream, letter: Letter) -> Finished:
        drafted = draft_own(self._templates, self._letterheads[stream.name], letter, self._clock.now(), self._random())
        if isinstance(drafted, NoticeFault):
            raise Unavailable("own mail")  # a template or a fact that `gateway check` would name
        return complete(drafted, await self._compute.apart(partial(signatures, drafted)))

    def _event(self, stream: Stream, letter: Letter, finished: Finished, now: datetime) -> Event:
        return Event(
            now,
            Kind.NOTICE,
            letter.kind.value,
            stream=stream.name,
            advertiser=stream.advertiser.name,
            person=letter.person.hex(),
            rules=RULES[letter.kind],
            template=finished.template,
            body=finished.digest,
        )

    async def _keep(self, stream: Stream, letter: Letter, finished: Finished, ref: Ref, due: datetime) -> None:
        slip = Slip(letter.kind, letter.person, finished.template, letter.words.get("source", ""))
        envelope = Envelope(
            OWN_MAIL, stream.name, stream.advertiser.sender, smtputf8=letter.to.utf8, eight_bit=False, slip=write_slip(slip)
        )
        await self._spool.keep(envelope, b"".join(finished.chunks), ((Addressee(letter.to.wire), ref),), due, due + LIFE)
        self._wake()
