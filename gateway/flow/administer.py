"""What an administrator may do to tools and to a person's file: the same functions for command line, API and pages.

Every act is recorded in the commit that does it; nothing here prints, and no address goes into the record.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.core.address import Identity
from gateway.core.change import Change, Enlist, Errand, Lift, Oppose, Tell
from gateway.core.evidence import Event
from gateway.core.evidence import Kind as What
from gateway.core.model import Partner, PersonKey, Ref, RefusalMode, Stream, Tool
from gateway.core.oppose import Act, meaning, opposition
from gateway.core.record import Block, Door, Opposition, Scope
from gateway.flow.holders import holders_of, tell_late, tools_of
from gateway.flow.intake import breathe
from gateway.flow.ports import Book, Clock
from gateway.flow.subject import Kind, Subject

MAX_NOTE = 200
_TOOL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Refused:
    """The act was not done: one plain sentence why."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an opposition goes: `advertiser` is empty for scope `all`, `stream` for any scope but `stream`."""

    scope: Scope
    advertiser: str = ""
    stream: str = ""


@dataclass(frozen=True, slots=True)
class Lifted:
    """What a correction removed, and what still stands: another block, or an opposition of the whole domain."""

    lifted: tuple[Opposition, ...]
    standing: tuple[Opposition, ...]


class Administer:
    """Tools and oppositions, by hand."""

    def __init__(
        self, book: Book, identity: Identity, streams: Mapping[str, Stream], partners: Mapping[str, Partner], clock: Clock
    ) -> None:
        self._book = book
        self._identity = identity
        self._streams = streams
        self._advertisers = {stream.advertiser.name for stream in streams.values()}
        self._partners = tuple(partners.values())
        self._clock = clock

    # Tools

    async def tool_add(
        self, name: str, streams: Sequence[str], refusal: RefusalMode | None, new_secret: Callable[[], str]
    ) -> str | Refused:
        """Enlist a tool and return its secret, which nobody can read again; only its SHA-256 is kept."""
        if refused := await self._unfit(name, streams):
            return refused
        secret, now = new_secret(), self._clock.now()
        digest = hashlib.sha256(secret.encode()).digest()
        event = Event(at=now, kind=What.TOOL, outcome="added", tool=name, stream=streams[0], detail=f"streams={','.join(streams)}")
        await self._book.commit([event], [Enlist(Tool(name, digest, tuple(streams), refusal, now))])
        return secret

    async def _unfit(self, name: str, streams: Sequence[str]) -> Refused | None:
        if not _TOOL_NAME.fullmatch(name):
            return Refused(f"{name!r} is no name for a tool: lower-case letters, digits, '.', '_' and '-', 63 at most.")
        if not streams:
            return Refused("A tool needs one stream at least.")
        for stream in streams:
            if stream not in self._streams:
                return Refused(f"There is no stream {stream!r}; there are: {', '.join(sorted(self._streams)) or 'none'}.")
        known = await self._book.tool(name)
        if known is not None and known.revoked_at is None:
            return Refused(f"There is a tool {name!r} already; revoke it first to give it a new secret.")
        return None

    async def tool_revoke(self, name: str) -> Tool | Refused:
        """Refuse the tool's logins from now on; its name stays in the list, because the evidence names it."""
        tool = await self._book.tool(name)
        if tool is None:
            return Refused(f"There is no tool {name!r}.")
        if tool.revoked_at is not None:
            return Refused(f"Tool {name!r} was revoked already.")
        now = self._clock.now()
        revoked = replace(tool, revoked_at=now)
        await self._book.commit([Event(at=now, kind=What.TOOL, outcome="revoked", tool=name)], [Enlist(revoked)])
        return revoked

    async def tools(self) -> Sequence[Tool]:
        """Every tool, revoked ones included."""
        return await self._book.tools()

    async def record_rotation(self, key: int) -> None:
        """Leave a trace that tokens are made with another key from the next start on."""
        await self._book.commit([Event(at=self._clock.now(), kind=What.TOOL, outcome="token-key", detail=f"key={key}")])

    # Oppositions

    def reach(self, scope: Scope | None, advertiser: str, stream: str) -> Reach | Refused:
        """Make one whole answer of what was said about how far an opposition goes (R-FR-63: the advertiser by default).

        Where only one advertiser exists it need not be named.
        """
        scope = scope or (Scope.STREAM if stream else Scope.ADVERTISER)
        match scope:
            case Scope.ALL:
                return Reach(scope)
            case Scope.STREAM:
                if stream not in self._streams:
                    return Refused(f"There is no stream {stream!r}." if stream else "Scope 'stream' needs a stream.")
                return Reach(scope, self._streams[stream].advertiser.name, stream)
            case Scope.ADVERTISER:
                named = advertiser or (next(iter(self._advertisers)) if len(self._advertisers) == 1 else "")
                if named not in self._advertisers:
                    return Refused(f"There is no advertiser {named!r}." if named else "Say which advertiser is opposed.")
                return Reach(scope, named)

    async def oppose(self, subject: Subject, reach: Reach, door: Door, note: str = "") -> Ref | Refused:
        """Record an opposition; telling it twice is no error and keeps the earliest date."""
        if refused := unfit_note(note):
            return refused
        event, changes = await self.meaning(subject, reach, door, self._clock.now(), note)
        (ref,) = await self._book.commit([event], changes)
        await self.look_again(changes)
        return ref

    async def meaning(
        self, subject: Subject, reach: Reach, door: Door, at: datetime, note: str = "", origin: str = ""
    ) -> tuple[Event, tuple[Change, ...]]:
        """What to write for an opposition: consents fall, partners and tools hear of it only where one person is meant.

        `origin` is the partner it came from, which is not told what it said itself (R-FR-37).
        """
        stream = self._streams.get(reach.stream) or self._any_stream(reach.advertiser)
        act = Act(subject.key, stream, reach.scope, door, at)
        hearers = await self._hearers(act, origin) if subject.kind is Kind.ADDRESS else ((), ())
        event, changes = meaning(act, self._advertisers, *hearers)
        detail = "; ".join(part for part in (f"scope={reach.scope.value}", f"of={subject.kind.value}", note) if part)
        event = replace(event, stream=reach.stream, advertiser=reach.advertiser, category="", detail=detail)
        if subject.kind is not Kind.ADDRESS:
            filed = next(change for change in changes if isinstance(change, Oppose))
            return event, (replace(filed, foreign_hash=subject.kind is Kind.HASH),)
        now = self._clock.now()  # who opposed long ago is told of today: waits and alarms begin now
        return event, tuple(replace(one, at=now) if isinstance(one, Tell) else one for one in changes)

    async def _hearers(self, act: Act, origin: str) -> tuple[Sequence[Partner], Sequence[str]]:
        filed = opposition(act)
        told = await holders_of(self._book, self._partners, filed.person, filed.advertiser)
        return [one for one in told if one.name != origin], await tools_of(self._book, self._streams.values(), filed)

    async def look_again(self, changes: Sequence[Change], origin: str = "") -> None:
        """After the commit of what `meaning` said: tell those who were given the data meanwhile (R-FR-35)."""
        told: dict[PersonKey, set[str]] = {}
        for change in changes:
            if isinstance(change, Tell) and change.errand is Errand.PARTNER:
                told.setdefault(change.person, {origin}).add(change.partner)
        for number, change in enumerate(changes):
            await breathe(number)
            if isinstance(change, Oppose) and not change.foreign_hash:
                names = told.get(change.opposition.person, {origin})
                missed = [one for one in self._partners if one.name not in names]
                await tell_late(self._book, missed, change.opposition, ())

    def _any_stream(self, advertiser: str) -> Stream | None:
        """A stream that stands for its advertiser, where the opposition names none."""
        return next((stream for stream in self._streams.values() if stream.advertiser.name == advertiser), None)

    async def lift(self, subject: Subject, reason: str, blocks: Sequence[Block] = tuple(Block)) -> Lifted | Refused:
        """Remove the oppositions filed under this very key; a correction, so a reason is required and recorded."""
        if not reason.strip():
            return Refused("Lifting an opposition needs a reason, which is recorded.")
        if refused := unfit_note(reason):
            return refused
        every = await self._standing(subject)
        filed = [one for one in every if one.person == subject.key]
        lifted = tuple(one for one in filed if one.block in blocks)
        if not lifted:
            return Refused("No such opposition is recorded.")
        now = self._clock.now()
        await self._book.commit(
            [_lift_event(one, now, reason) for one in lifted],
            [Lift(one.person, one.block, one.scope, one.advertiser, one.stream) for one in lifted],
        )
        return Lifted(lifted, tuple(one for one in every if one not in lifted))

    async def oppositions_of(self, subject: Subject, reason: str = "") -> Sequence[Opposition]:
        """What stands against a person under any of their keys; the look is recorded (R-DP-20)."""
        await self.record_look(subject, "oppositions", reason)
        return await self._standing(subject)

    async def _standing(self, subject: Subject) -> list[Opposition]:
        keys = [subject.key]
        if subject.address is not None:
            keys += self._identity.who(subject.address, await self._book.has_hashes()).also
        return [one for key in keys for one in await self._book.oppositions(key)]

    async def export_oppositions(self) -> Sequence[Opposition]:
        """Every opposition: keys, scopes, doors and dates, since no address exists to be exported (R-DP-01)."""
        every = await self._book.oppositions()
        event = Event(at=self._clock.now(), kind=What.EXPORT, outcome="oppositions", detail=f"rows={len(every)}")
        await self._book.commit([event])
        return every

    async def record_look(self, subject: Subject, what: str, reason: str = "") -> None:
        """Leave a trace that somebody looked into a person's file (R-DP-20)."""
        detail = f"reason={reason}" if reason and unfit_note(reason) is None else ""
        await self._book.commit(
            [Event(at=self._clock.now(), kind=What.LOOK, outcome=what, person=subject.key.hex(), detail=detail)]
        )


def unfit_note(note: str) -> Refused | None:
    """Notes are kept with the evidence for ever, so they name nobody and stay short."""
    if "@" in note:
        return Refused("A note or reason names no address: it is kept in the evidence.")
    if len(note) > MAX_NOTE or not note.isprintable():
        return Refused(f"A note or reason is one line of {MAX_NOTE} characters at most.")
    return None


def _lift_event(one: Opposition, now: datetime, reason: str) -> Event:
    return Event(
        at=now,
        kind=What.LIFT,
        outcome=one.block.value,
        stream=one.stream,
        advertiser=one.advertiser,
        person=one.person.hex(),
        rules=("R-FR-64",),
        door=one.door.value,
        detail=f"scope={one.scope.value}; reason={reason}",
    )
