"""Sends mail of the gateway's own: composed, signed, on record, then kept in the spool like any other mail.

One mechanism for every kind (`MailKind`). Who may get which is the caller's business, and asked again at delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from gateway.core.acknowledge import draft_plain
from gateway.core.address import Address
from gateway.core.answered import Answer
from gateway.core.change import Change
from gateway.core.compose import Draft, Finished, Letterhead, complete, signatures
from gateway.core.evidence import Event, Kind
from gateway.core.forward import draft_forward
from gateway.core.model import Partner, PersonKey, Ref, Stream
from gateway.core.notice import NoticeFault
from gateway.core.own_mail import PLAIN, Letter, MailKind, OwnTemplates, Slip, draft_own, write_slip
from gateway.core.return_path import captures_failures, return_path
from gateway.core.way_out_mail import draft_way_out
from gateway.flow.notify import OWN_MAIL
from gateway.flow.ports import Addressee, Book, Clock, Compute, Envelope, Spool, Unavailable

LIFE = timedelta(days=2)
"""How long an own mail is tried."""

RULES = {
    MailKind.DOI: ("R-FR-43",),
    MailKind.DOI_REMINDER: ("R-FR-43",),
    MailKind.STAY: ("R-FR-82",),
    MailKind.RIGHTS_NOTICE: ("R-FR-29", "R-FR-32"),
    MailKind.ACK: ("R-FR-60", "R-STD-62"),
    MailKind.TASK: ("R-FR-59", "R-FR-61"),
    MailKind.PASSED_ON: ("R-FR-57", "R-FR-73"),
    MailKind.PARTNER: ("R-FR-38",),
    MailKind.UNTOLD: ("R-FR-36",),
    MailKind.WAY_OUT: ("R-FR-51",),
}

_TO_PERSONS = frozenset({MailKind.DOI, MailKind.DOI_REMINDER, MailKind.STAY, MailKind.RIGHTS_NOTICE})
"""Mail of which a failure says something of the person's own mailbox (R-FR-31)."""


class CannotWrite(Unavailable):
    """A mail cannot be made from what is configured, and trying again will not help; `gateway check` names the cause."""


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

    def under(self, book: Book) -> OwnMail:
        """The same writer, whose evidence goes into this book (`LeasedBook.under`): what it refuses is not kept either."""
        rest = (self._letterheads, self._templates, self._partners, self._compute, self._random, self._wake, self._clock)
        return OwnMail(self._spool, book, *rest)

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
        once: str = "",
    ) -> Ref:
        """Own one mail durably and return its journal reference; `events` and `changes` go into the commit before it.

        Unavailable when it could not be written: whatever was committed with it then stands, the mail does not go. Of several
        that say the same `once`, only the first is delivered.
        """
        letter = self._letter(kind, person, address, words, language)
        finished = await self._finish(stream, letter)
        now = self._clock.now()
        refs = await self._book.commit((*events, self._event(stream, letter, finished, now)), changes)
        await self._keep(stream, letter, finished, refs[-1], due or now, once)
        return refs[-1]

    async def pass_on(self, stream: Stream, person: PersonKey, answer: Answer, to: Address, once: str) -> Ref:
        """Own the mail of a person for the people of the advertiser, its content as it came (R-FR-57)."""
        drafting = partial(draft_forward, self._letterheads[stream.name], answer, to, self._clock.now(), once)
        finished = await self._signed(await self._compute(len(answer.data), drafting))
        now = self._clock.now()
        letter = self._letter(MailKind.PASSED_ON, person, to, {}, "")
        (ref,) = await self._book.commit((self._event(stream, letter, finished, now),))
        await self._keep(stream, letter, finished, ref, now, once)
        return ref

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
        draft = draft_way_out if letter.kind is MailKind.WAY_OUT else draft_plain if letter.kind in PLAIN else draft_own
        return await self._signed(draft(self._templates, self._letterheads[stream.name], letter, self._clock.now(), self._random()))

    async def _signed(self, drafted: Draft | NoticeFault) -> Finished:
        if isinstance(drafted, NoticeFault):
            raise CannotWrite("own mail")  # a template or a fact that `gateway check` would name
        signed = await self._compute.apart(partial(signatures, drafted))
        return await self._compute(sum(map(len, drafted.chunks)), partial(complete, drafted, signed))

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

    async def _keep(self, stream: Stream, letter: Letter, finished: Finished, ref: Ref, due: datetime, once: str = "") -> None:
        slip = Slip(letter.kind, letter.person, finished.template, letter.words.get("source", ""), once)
        sender = self._sender(stream, letter)
        message = b"".join(finished.chunks)
        eight_bit = not message.isascii()
        envelope = Envelope(OWN_MAIL, stream.name, sender, smtputf8=letter.to.utf8, eight_bit=eight_bit, slip=write_slip(slip))
        await self._spool.keep(envelope, message, ((Addressee(letter.to.wire), ref),), due, due + LIFE)
        self._wake()

    def _sender(self, stream: Stream, letter: Letter) -> str:
        """Nobody answers an answer (R-STD-62); what the person themselves is asked or told comes back to us where it fails."""
        if letter.kind is MailKind.ACK:
            return ""
        head = self._letterheads[stream.name]
        ours = letter.kind in _TO_PERSONS and captures_failures(head)
        return return_path(head, letter.person) if ours else stream.advertiser.sender
