"""Asks people whether they really signed up, once, by mail: from the form, for a record that waits, or whether they want to stay.

What a page answers never depends on what is on record about an address, nor does the work behind it (no enumeration). Confirming
is `confirm`'s business.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b32encode
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gateway.core.address import Address, AddressFault, Identity, parse
from gateway.core.change import Change, Disenrol, Enrol
from gateway.core.enrol import BETWEEN_MAILS, Form, Offer, consents, offer, slot, superseded, waiting
from gateway.core.evidence import Event, Kind
from gateway.core.jurisdiction import choose, own_pack
from gateway.core.model import PersonKey, Stream
from gateway.core.own_mail import MailKind, say_day
from gateway.core.policy import Policy
from gateway.core.record import Basis, Block, Consent, Covers, Door, Enrolment, NoticeKind
from gateway.flow.own_delivery import blocks_of
from gateway.flow.own_mail import OwnMail
from gateway.flow.ports import Book, Clock, Unavailable, Vault

TOKEN_BYTES = 16
PATIENCE = 5.0
"""Seconds until somebody who signs up is told to try again."""
RULES = ("R-FR-42", "R-FR-43")
_WILL = frozenset({Block.OPPOSED, Block.COMPLAINED})
_BATCH = 500


class Asked(StrEnum):
    """What became of an intent to ask: `sent`, or why no mail goes."""

    SENT = "sent"
    DEAD = "dead-mailbox"
    OPPOSED = "opposed"
    ASKED_ALREADY = "asked-already"
    TOO_OFTEN = "too-often"
    NOTHING_WAITS = "nothing-waits"


@dataclass(frozen=True, slots=True)
class _Asking:
    """One intent to ask one person; `until` is when the link ends, `own_act` says that the person just asked for it."""

    kind: MailKind
    stream: Stream
    person: PersonKey
    address: Address
    consents: tuple[Consent, ...]
    language: str
    until: datetime
    door: Door
    own_act: bool = False


class Enrolling:
    """The journey of a sign-up until its question is in the spool, and what the days do to it."""

    def __init__(
        self,
        book: Book,
        own_mail: OwnMail,
        identity: Identity,
        vault: Vault,
        streams: Mapping[str, Stream],
        policies: Mapping[str, Policy],
        public_url: str,
        random: Callable[[int], bytes],
        clock: Clock,
    ) -> None:
        self._book = book
        self._own_mail = own_mail
        self._identity = identity
        self._vault = vault
        self._streams = streams
        self._policies = policies
        self._public_url = public_url
        self._random = random
        self._clock = clock

    # The form

    async def offer(self, form: Form, language: str) -> Offer:
        """What the form shows now; the book is asked only where partners may be shown."""
        named = form.words[language].partners
        current = (await self._book.arrangements()).current(form.stream.advertiser.name) if named else None
        return offer(form, language, current)

    async def sign_up(self, shown: Offer, ticked: Collection[Covers], address: Address) -> Asked:
        """Record what was ticked and mail the question; the caller answers the same whatever comes back (R-FR-43)."""
        stream, now = shown.stream, self._clock.now()
        person = self._identity.person(address)
        records = consents(shown, ticked, person, f"{self._public_url}/s/{stream.name}", now)
        until = self._expires(stream, now)
        asking = _Asking(MailKind.DOI, stream, person, address, records, shown.language, until, Door.WEB, own_act=True)
        return await self._ask(asking, now)

    # Records that wait

    async def ask(self, stream: Stream, address: Address) -> Asked:
        """Ask the person to confirm what somebody else recorded of them (R-FR-42); nobody opposed is asked."""
        now, person = self._clock.now(), self._identity.person(address)
        known = [consent for consent, _ in await self._book.consents(person, stream.advertiser.name)]
        records = _unconfirmed(known, stream)
        if not records:
            return Asked.NOTHING_WAITS
        until = self._expires(stream, now)
        return await self._ask(_Asking(MailKind.DOI, stream, person, address, records, stream.language, until, Door.CLI), now)

    async def ask_to_stay(self, stream: Stream, address: Address, since: datetime | None = None) -> Asked:
        """Ask an inactive person, once a term, whether they want to stay (R-FR-82): an enrolment without records.

        A yes is an act. A question put before `since`, the end of the term, belongs to an earlier term.
        """
        now, person = self._clock.now(), self._identity.person(address)
        (facts,) = await self._book.facts(stream.advertiser.name, (self._identity.who(address, await self._book.has_hashes()),))
        put = [one.at for one in facts.notices if one.kind is NoticeKind.STAY and one.advertiser == stream.advertiser.name]
        asked = any(since is None or at >= since for at in put)
        if asked or facts.oppositions:
            return Asked.ASKED_ALREADY if asked else Asked.OPPOSED
        until = choose(self._policies, stream, facts).book.stay.answer_within.after(now)
        return await self._ask(_Asking(MailKind.STAY, stream, person, address, (), stream.language, until, Door.CLI), now)

    # Asking

    async def _ask(self, asking: _Asking, now: datetime) -> Asked:
        others = await self._book.enrolments(asking.person)
        who = self._identity.who(asking.address, await self._book.has_hashes())
        blocks = await blocks_of(self._book, who, asking.stream)
        due = slot([one.asked_at for one in others], now)
        hindrance = _hindrance(asking, others, blocks, due, now)
        if hindrance is None and due is not None:
            await self._mail(asking, now, due)
        elif asking.own_act:
            await self._pretend(asking, now, hindrance or Asked.TOO_OFTEN)
        return hindrance or Asked.SENT

    async def _mail(self, asking: _Asking, now: datetime, due: datetime) -> None:
        token = self._random(TOKEN_BYTES)
        sealed = self._vault.seal(asking.address.wire.encode())
        enrolment = Enrolment(digest(token), asking.person, asking.stream.name, asking.consents, sealed, now, asking.until)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._send(asking, token, self._event(asking, now, "asked"), (Enrol(enrolment),), due)
        except (Unavailable, TimeoutError):
            # Without its mail it would only stand in the way of the next try, which is told to come.
            await self._book.commit((), (Disenrol(enrolment.id),))
            raise Unavailable("own mail") from None

    async def _send(
        self, asking: _Asking, token: bytes, event: Event, changes: Sequence[Change], due: datetime | None = None
    ) -> None:
        await self._own_mail.send(
            asking.kind,
            asking.stream,
            asking.person,
            asking.address,
            self._words(asking, token),
            asking.language,
            events=(event,),
            changes=changes,
            due=due,
        )

    async def _pretend(self, asking: _Asking, now: datetime, why: Asked) -> None:
        words = self._words(asking, self._random(TOKEN_BYTES))
        self._vault.seal(asking.address.wire.encode())
        events = (self._event(asking, now, "not-asked", why.value),)
        await self._own_mail.rehearse(
            asking.kind, asking.stream, asking.person, asking.address, words, asking.language, events=events
        )

    def _words(self, asking: _Asking, token: bytes) -> dict[str, str]:
        partners = any(one.covers is Covers.PARTNERS for one in asking.consents)
        link = f"{self._public_url}/c/{spell(token)}"
        return {"link": link, "until": say_day(asking.until, asking.language), "partners": "yes" if partners else ""}

    def _expires(self, stream: Stream, now: datetime) -> datetime:
        return self._policy(stream).book.confirmation.expires.after(now)

    def _policy(self, stream: Stream) -> Policy:
        return own_pack(self._policies, stream)

    def _event(self, asking: _Asking, now: datetime, outcome: str, why: str = "") -> Event:
        covers = ",".join(one.covers.value for one in asking.consents) or "stay"
        opposed_rule = ("R-FR-44",) if asking.own_act else ()
        return Event(
            now,
            Kind.ENROLMENT,
            outcome,
            stream=asking.stream.name,
            advertiser=asking.stream.advertiser.name,
            person=asking.person.hex(),
            rules=(*RULES, *opposed_rule),
            policy=self._policy(asking.stream).label,
            door=asking.door.value,
            detail=f"covers={covers}" + (f"; {why}" if why else ""),
        )

    # The days

    async def daily(self, now: datetime, dry: bool) -> dict[str, int]:
        """Remind once those who have not answered, and forget the sign-ups whose time is over, address and all (R-FR-43)."""
        everything = await self._book.enrolments()
        over = [one for one in everything if now >= one.expires_at]
        if not dry:
            for start in range(0, len(over), _BATCH):
                batch = over[start : start + _BATCH]
                await self._book.commit([self._purged(one, now) for one in batch], [Disenrol(one.id) for one in batch])
        beside: dict[tuple[PersonKey, str], list[Enrolment]] = {}
        for one in everything:
            beside.setdefault((one.person, one.stream), []).append(one)
        reminded = 0
        for one in everything:
            stream = self._streams.get(one.stream)
            if stream is not None and self._reminder_due(one, stream, now) and not superseded(one, beside[one.person, one.stream]):
                reminded += await self._remind(one, stream, now, dry)
        return {"reminded": reminded, "purged": len(over)}

    def _reminder_due(self, one: Enrolment, stream: Stream, now: datetime) -> bool:
        wait = self._policy(stream).book.confirmation.remind_after
        if isinstance(wait, str) or not one.consents or one.reminded_at is not None or not waiting(one, now):
            return False
        return now >= wait.after(one.asked_at)

    async def _remind(self, one: Enrolment, stream: Stream, now: datetime, dry: bool) -> bool:
        """Whether a reminder goes: a link of its own, for the first one's token is in nobody's hands but the person's."""
        address = parse(self._vault.open(one.sealed_address).decode(), smtputf8=True)
        if isinstance(address, AddressFault):
            return False
        who = self._identity.who(address, await self._book.has_hashes())
        if await blocks_of(self._book, who, stream) & {*_WILL, Block.BOUNCED}:
            return False  # R-FR-44: somebody opposed is asked once
        if dry:
            return True
        token = self._random(TOKEN_BYTES)
        language = next((record.proof.language for record in one.consents if record.proof.language), stream.language)
        asking = _Asking(MailKind.DOI_REMINDER, stream, one.person, address, one.consents, language, one.expires_at, Door.CLI)
        first, second = replace(one, reminded_at=now), replace(one, id=digest(token), reminded_at=now)
        await self._send(asking, token, self._event(asking, now, "reminded"), (Enrol(first), Enrol(second)))
        return True

    def _purged(self, one: Enrolment, now: datetime) -> Event:
        return Event(
            now,
            Kind.ENROLMENT,
            "purged" if one.confirmed_at is None else "closed",
            stream=one.stream,
            person=one.person.hex(),
            rules=("R-FR-43",),
        )


def _unconfirmed(known: Iterable[Consent], stream: Stream) -> tuple[Consent, ...]:
    """The newest usable record of each kind that nobody confirmed yet."""
    newest: dict[Covers, Consent] = {}
    for one in known:
        if one.purpose == stream.purpose and one.basis is Basis.CONSENT and one.withdrawn_at is None and not one.missing:
            newest[one.covers] = one
    return tuple(one for one in newest.values() if one.confirmed_at is None)


def _hindrance(
    asking: _Asking, others: Sequence[Enrolment], blocks: Collection[Block], due: datetime | None, now: datetime
) -> Asked | None:
    """Why no question goes to this person now; None when one does (R-FR-43, R-FR-44)."""
    same = [one for one in others if one.stream == asking.stream.name and waiting(one, now)]
    if Block.BOUNCED in blocks:
        return Asked.DEAD
    if not _WILL.isdisjoint(blocks) and not asking.own_act:
        return Asked.OPPOSED
    if not _WILL.isdisjoint(blocks) and same:
        return Asked.ASKED_ALREADY
    if any(now - one.asked_at < BETWEEN_MAILS for one in same):
        return Asked.ASKED_ALREADY
    return Asked.TOO_OFTEN if due is None else None


def digest(token: bytes) -> bytes:
    """What an enrolment is filed under: whoever reads the store cannot confirm."""
    return hashlib.sha256(token).digest()


def spell(token: bytes) -> str:
    """A token as it stands in a link."""
    return b32encode(token).decode("ascii").rstrip("=").lower()
