"""A person's rights over their own file: to see it, take it along, have it erased, restricted, corrected (GDPR 15 to 20).

Every act and every look is recorded with its reason in the commit that does it (R-DP-20). Whoever calls has made sure that the
person asking is the holder of the mailbox (GDPR 12(6)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.core import dossier_words as words
from gateway.core.address import Address, Identity
from gateway.core.change import Change, Forget, GiveNotice, KeepOwnUnsubscribe, Learn, NotePassing, OpenTask, Oppose, Stir, Tell
from gateway.core.evidence import Event, Kind, parse_event
from gateway.core.model import Partner, PersonKey, Ref, Stream
from gateway.core.oppose import holders, notes
from gateway.core.policy import Policy
from gateway.core.record import Block, Consent, Door, Opposition, Scope
from gateway.core.retention import until
from gateway.flow.administer import Administer, Lifted, Refused, unfit_note
from gateway.flow.holders import tell_late, tools_of
from gateway.flow.ports import Book, Clock, Dossier, Journal, Vault
from gateway.flow.subject import Kind as Of
from gateway.flow.subject import Subject

KEPT_RULES = ("R-FR-84", "R-FR-90", "R-DP-13")
_FOLLOWS = frozenset({Block.OPPOSED, Block.COMPLAINED, Block.RESTRICTED})
"""What a person takes along to a new address; a dead mailbox stays with the old one."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did, for the answer to the person: how much went, who is told, and what stays."""

    ref: Ref
    records: int
    notices: int
    sign_ups: int
    told: tuple[str, ...]
    transfers_kept: int
    oppositions_kept: int


@dataclass(frozen=True, slots=True)
class Rectified:
    """How much moved to the new address, which oppositions stand under both, and which partners hold the old one (GDPR 19)."""

    records: int
    oppositions: int
    partners: tuple[str, ...]


class PersonFile:
    """One person's file, and what may be done with it."""

    def __init__(
        self,
        book: Book,
        journal: Journal,
        identity: Identity,
        vault: Vault,
        streams: Mapping[str, Stream],
        partners: Mapping[str, Partner],
        policies: Mapping[str, Policy],
        clock: Clock,
    ) -> None:
        self._book = book
        self._journal = journal
        self._identity = identity
        self._vault = vault
        self._advertisers = {stream.advertiser.name: stream.advertiser for stream in streams.values()}
        self._streams = streams
        self._partners = partners
        self._policies = policies
        self._clock = clock
        self._administer = Administer(book, identity, streams, partners, clock)

    # Seeing

    async def sheet(self, address: Address, reason: str, language: str = "") -> words.Sheet | Refused:
        """Everything held about a person, with purposes, recipients, sources, terms, rights and mails (R-DP-11, R-FR-92)."""
        if refused := unfit_note(reason):
            return refused
        person = self._identity.person(address)
        dossier, told = await self._book.dossier(person), await self._told(person)
        await self._administer.record_look(Subject(person, Of.ADDRESS, address), "person-export", reason)
        return self._compose(address, person, dossier, told, language)

    async def portable(self, address: Address, reason: str) -> Sequence[words.Given] | Refused:
        """What the person gave under consent, to be taken along (GDPR 20)."""
        if refused := unfit_note(reason):
            return refused
        person = self._identity.person(address)
        dossier = await self._book.dossier(person)
        await self._administer.record_look(Subject(person, Of.ADDRESS, address), "person-portable", reason)
        return words.portable(dossier.consents)

    async def looks(self, address: Address, reason: str) -> Sequence[words.Change] | Refused:
        """Who looked into this file, when and why (R-DP-20); this look is the last one of the list next time."""
        if refused := unfit_note(reason):
            return refused
        person = self._identity.person(address)
        told = await self._told(person)
        await self._administer.record_look(Subject(person, Of.ADDRESS, address), "looks", reason)
        return [change for change in words.changes(told) if change.kind in (Kind.LOOK, Kind.EXPORT)]

    async def _told(self, person: PersonKey) -> list[words.Told]:
        entries = await self._journal.of_person(person)
        parsed = [(Ref(f"{entry.writer}-{entry.seq}"), parse_event(entry.body)) for entry in entries]
        return [(ref, event) for ref, event in parsed if event is not None]

    def _compose(
        self, address: Address, person: PersonKey, dossier: Dossier, told: Sequence[words.Told], language: str
    ) -> words.Sheet:
        policies = self._packs(dossier.consents)
        language = language or policies[0].language
        acts = dict(dossier.acts)
        now = [words.filed(one, until(policies[0], one, acts.get(one.advertiser))) for one in dossier.consents]
        past = [
            words.filed(one.record, until(policies[0], one.record, acts.get(one.record.advertiser)), one.at)
            for one in dossier.ended
            if isinstance(one.record, Consent) and one.record not in dossier.consents
        ]
        records = (*now, *past)
        mails = words.mails(told)
        held = {one.record.advertiser for one in records} | {event.advertiser for _, event in told}
        ids = [*(one.rule for one in records), *KEPT_RULES, *(rule for mail in mails for rule in mail.rules)]
        return words.Sheet(
            made_at=self._clock.now(),
            language=language,
            address=address.wire,
            person=person.hex(),
            controllers=tuple(who for name, who in self._advertisers.items() if name in held or not held - {""}),
            purposes=tuple(dict.fromkeys(one.record.purpose for one in records)),
            records=records,
            oppositions=dossier.oppositions,
            lifted=tuple(words.Lifted(one.record, one.at) for one in dossier.ended if isinstance(one.record, Opposition)),
            notices=dossier.notices,
            passings=tuple(words.Passing(one, self._partners.get(one.partner)) for one in dossier.transfers),
            untold=dossier.untold,
            sources=words.sources(records, self._partners),
            sign_ups=tuple(words.sign_up(one) for one in dossier.enrolments),
            acts=dossier.acts,
            own_unsubscribe=dossier.own_unsubscribe,
            mails=mails,
            changes=words.changes(told),
            rules=words.cited(ids, policies, language),
            authorities=tuple(dict.fromkeys(words.Authority(one.authority_name, one.authority_url) for one in policies)),
            tasks=tuple(words.duty(one) for one in dossier.tasks),
        )

    def _packs(self, consents: Sequence[Consent]) -> tuple[Policy, ...]:
        """The packs that speak for this person, the one of their country or of their streams first."""
        theirs = {stream.policy for stream in self._streams.values() if stream.advertiser.name in {c.advertiser for c in consents}}
        countries = {consent.traits.country for consent in consents}
        return tuple(
            sorted(self._policies.values(), key=lambda policy: (not policy.countries & countries, policy.name not in theirs))
        )

    # Erasing, restricting, correcting

    async def erase(self, address: Address, reason: str, advertiser: str = "", door: Door = Door.POST) -> Erased | Refused:
        """Forget the person, keep their opposition, tell who holds their data: one commit (R-DP-13, R-DP-14, GDPR 17, 19)."""
        if refused := self._unfit(reason, advertiser):
            return refused
        person, now = self._identity.person(address), self._clock.now()
        dossier = await self._book.dossier(person)
        scope = Scope.ADVERTISER if advertiser else Scope.ALL
        filed = Opposition(person, Block.OPPOSED, scope, advertiser, "", door, now)
        told = self._holders(dossier, advertiser)
        tools = await tools_of(self._book, self._streams.values(), filed)
        changes: list[Change] = [  # the notes first: they keep what must be told from being forgotten
            *(Tell(partner, person, advertiser, scope, now) for partner in told),
            *notes(filed, (), tools),
            Forget(person, advertiser),
            Oppose(filed),
        ]
        ended = [one.record for one in dossier.ended if isinstance(one.record, Consent)]
        records = [one for one in (*dossier.consents, *ended) if advertiser in ("", one.advertiser)]
        detail = f"scope={scope.value}; records={len(records)}; partners={len(told)}; reason={reason}"
        rules = ("R-DP-13", "R-DP-14", "R-FR-84")
        event = Event(now, Kind.ERASURE, "erased", advertiser=advertiser, person=person.hex(), rules=rules, detail=detail)
        (ref,) = await self._book.commit([replace(event, door=door.value)], changes)
        await tell_late(self._book, [one for name, one in self._partners.items() if name not in told], filed, ())
        return Erased(
            ref,
            len(records),
            sum(1 for one in dossier.notices if advertiser in ("", one.advertiser)),
            len(dossier.enrolments),
            told,
            len(dossier.transfers),
            len(dossier.oppositions) + 1,
        )

    async def restrict(self, address: Address, reason: str) -> Ref | Refused:
        """Keep the data and send nothing until this is lifted (GDPR 18, R-DP-15)."""
        if refused := self._unfit(reason, ""):
            return refused
        person, now = self._identity.person(address), self._clock.now()
        filed = Opposition(person, Block.RESTRICTED, Scope.ALL, "", "", Door.CLI, now)
        event = Event(now, Kind.OPPOSITION, Block.RESTRICTED.value, person=person.hex(), reason="RESTRICTED", door=Door.CLI.value)
        (ref,) = await self._book.commit(
            [replace(event, rules=("R-DP-15",), detail=f"scope=all; reason={reason}")], [Oppose(filed)]
        )
        return ref

    async def unrestrict(self, address: Address, reason: str) -> Lifted | Refused:
        """End a restriction; oppositions stay."""
        subject = Subject(self._identity.person(address), Of.ADDRESS, address)
        return await self._administer.lift(subject, reason, (Block.RESTRICTED,))

    async def rectify(self, old: Address, new: Address, reason: str) -> Rectified | Refused:
        """Move a person's file to the address they have now; what they opposed is opposed under both (GDPR 16)."""
        if refused := self._unfit(reason, ""):
            return refused
        before, after = self._identity.person(old), self._identity.person(new)
        if before == after:
            return Refused("Both addresses are the same person's key already.")
        dossier = await self._book.dossier(before)
        records = await self._book.consents(before)
        sealed = self._vault.seal(new.wire.encode())
        following = await self._following(before, after)
        own = [(stream, await self._book.own_unsubscribe(before, stream)) for stream in dossier.own_unsubscribe]
        now = self._clock.now()
        changes: list[Change] = [
            *(Learn(replace(one, person=after), sealed if held else held) for one, held in records),
            *(GiveNotice(replace(one, person=after)) for one in dossier.notices),
            *(Stir(after, advertiser, at) for advertiser, at in dossier.acts),
            *(NotePassing(replace(one, person=after)) for one in dossier.transfers),
            *(KeepOwnUnsubscribe(after, stream, header, now) for stream, header in own if header),
            *(OpenTask(replace(one, person=after)) for one in dossier.tasks),
            *(Oppose(one) for one in following),
            Forget(before),
        ]
        detail = f"records={len(records)}; oppositions={len(following)}; reason={reason}"
        events = [
            Event(now, Kind.CONSENT, outcome, person=key.hex(), rules=("R-DP-15",), detail=detail)
            for outcome, key in (("moved-away", before), ("moved-here", after))
        ]
        await self._book.commit(events, changes)
        return Rectified(len(records), len(following), tuple(dict.fromkeys(one.partner for one in dossier.transfers)))

    async def _following(self, before: PersonKey, after: PersonKey) -> list[Opposition]:
        """What stands under one of the two keys and must stand under the other."""
        known = [*await self._book.oppositions(before), *await self._book.oppositions(after)]
        return [replace(one, person=after if one.person == before else before) for one in known if one.block in _FOLLOWS]

    def _holders(self, dossier: Dossier, advertiser: str) -> tuple[str, ...]:
        """Who was given the data, and who gave them to us: all must hear of the erasure (GDPR 19, R-FR-35).

        A partner that has left the configuration is told too: its note waits, and shows as pending.
        """
        ended = [one.record for one in dossier.ended if isinstance(one.record, Consent)]
        told = holders(tuple(self._partners.values()), (*dossier.consents, *ended), dossier.transfers, advertiser)
        passed = [one.partner for one in dossier.transfers if advertiser in ("", one.collector)]
        return tuple(dict.fromkeys((*(one.name for one in told), *passed)))

    def _unfit(self, reason: str, advertiser: str) -> Refused | None:
        if not reason.strip():
            return Refused("This needs a reason, which is recorded.")
        if advertiser and advertiser not in self._advertisers:
            return Refused(f"There is no advertiser {advertiser!r}.")
        return unfit_note(reason)
