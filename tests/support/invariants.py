"""The invariants I1 to I10 of a whole run, checked from outside: what tool and people saw, what left, what is on record.

Run it when the gateway has stopped and its spool is empty. Each violation is one sentence that begins with the invariant's number.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from typing import cast

import dkim

from gateway.core.address import Identity
from gateway.core.evidence import Event, Kind, parse_event, verify
from gateway.core.model import Category, PersonKey
from gateway.core.record import Opposition
from gateway.core.sign import public_record
from gateway.core.token import read
from gateway.core.verdict import Reason
from gateway.edges.keys import KeyRing, load_dkim
from gateway.edges.sink import Received
from gateway.edges.store.spool import open_spool
from gateway.edges.store.sqlite import open_store
from gateway.flow.ports import Entry
from gateway.flow.store import Store
from tests.support.gateway import person
from tests.support.load import Diary

REPLY = re.compile(rb"[245]\d\d[ -][\x20-\x7e]*\r\n|354 [\x20-\x7e]*\r\n")
REFUSAL = re.compile(r"5\d\d 5\.\d+\.\d+ (?:\[(?P<token>[A-Z0-9-]+)\] |next-hop: )")
REF = re.compile(r"ref=(\S+)")
TOKEN = re.compile(rb"/u/([a-z2-7]{56})>")
ID = re.compile(rb"^Message-ID: *(<[^>\r\n]+>)", re.M | re.I)
GRACE = 0.1
"""Seconds by which the sink may note a DATA later than the gateway wrote it: they share two cores with the load."""
SAMPLE = 60
"""Copies whose signatures are verified; dkimpy takes some 10 ms each."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: `folder` holds configuration, keys and `var`; `basis` are the addresses that may be mailed at all."""

    folder: Path
    diary: Diary
    received: Sequence[Received]
    basis: frozenset[str]
    beside: Sequence[Received] = ()
    """What the gateway wrote to partners by itself."""


@dataclass
class Found:
    """What the check found: violations, and how often each thing happened."""

    violations: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        told = ", ".join(f"{name} {number}" for name, number in sorted(self.counts.items()))
        return "\n".join([told, *self.violations[:20]])


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record: journal entries by reference, and each person's oppositions."""

    entries: list[Entry]
    events: dict[str, Event]
    oppositions: list[Opposition]
    waiting: int
    twice: list[str]


@dataclass(frozen=True, slots=True)
class Copy:
    """One message at the sink that went to a person."""

    received: Received
    message_id: str
    address: str
    person: PersonKey

    @property
    def name(self) -> str:
        """How violations call it."""
        return f"{self.message_id} to {self.address}"

    @property
    def key(self) -> tuple[str, str]:
        """How evidence names it: digest of the Message-ID, person."""
        return sha256(self.message_id.encode()).hexdigest(), self.person.hex()


async def check(run: Run) -> Found:
    """Every violation of I1 to I10."""
    var = run.folder / "var"
    return await check_many(run, open_store(var / "gateway.db", "reader"), [var])


async def check_many(run: Run, store: Store, vars_: Sequence[Path], lost: Sequence[Entry] = ()) -> Found:
    """The same of several gateways with one store, which is closed again; `vars_` are their data folders.

    `lost` are entries that are known to have been on record until the store itself was destroyed.
    """
    try:
        record = await read_record(store, vars_, lost)
    finally:
        await store.close()
    return _Check(run, record).all()


async def read_record(store: Store, vars_: Sequence[Path], lost: Sequence[Entry] = ()) -> Record:
    """Journal, oppositions and what the spools still hold; the gateways must have stopped."""
    entries, twice = _together([entry async for entry in store.journal.entries()], lost)
    oppositions = list(await store.book.oppositions())
    waiting = 0
    for path in sorted(path for var in vars_ for path in var.glob("spool-*.db")):
        spool = open_spool(path)
        waiting += await spool.depth() + len(spool.orphans)
        await spool.close()
    events = {f"{one.writer}-{one.seq}": event for one in entries if (event := parse_event(one.body)) is not None}
    return Record(entries, events, oppositions, waiting, twice)


def _together(kept: Sequence[Entry], lost: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """All entries in the order of their chains, and the references that were given to two of them."""
    known = {(one.writer, one.seq): one for one in kept}
    twice = [f"{one.writer}-{one.seq}" for one in lost if known.setdefault((one.writer, one.seq), one).hash != one.hash]
    return [known[place] for place in sorted(known)] if lost else list(kept), twice


def _put_back(event: Event) -> bool:
    """Whether an opposition came back from a machine's own disk: its first evidence was lost with the store, or never was."""
    return event.kind is Kind.STORE and event.outcome == "restored" and event.detail.startswith("oppose ")


class _Check:
    def __init__(self, run: Run, record: Record) -> None:
        self._run = run
        self._record = record
        self._found = Found()
        self._ring = KeyRing.open(run.folder / "var" / "keys", may_create=False)
        self._identity = Identity(self._ring.pepper)
        self._copies = [self._copy(one) for one in run.received if one.sender]
        self._reports = [one for one in run.received if not one.sender]
        self._attempts: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._outcomes: dict[str, Event] = {}
        for ref, event in record.events.items():
            if event.kind is Kind.ATTEMPT:
                self._attempts[event.message, event.person].append(ref)
            elif event.kind is Kind.OUTCOME:
                self._outcomes[event.about] = event

    def all(self) -> Found:
        """Run every check."""
        for violation in (
            *self._nothing_lost(),
            *self._nobody_mailed_after_opting_out(),
            *self._nobody_mailed_without_basis(),
            *self._everything_on_record(),
            *self._oppositions_kept(),
            *self._no_unexplained_copy(),
            *self._own_token(),
            *self._sound_bytes(),
            *self._valid_signatures(),
            *self._sound_replies(),
            *self._content_kept(),
        ):
            self._found.violations.append(violation)
        self._found.counts.update(
            tries=len(self._run.diary.tries),
            acknowledged=self._run.diary.acknowledged,
            copies=len(self._copies),
            reports=len(self._reports),
            opt_outs=sum(press.acked_at > 0 for press in self._run.diary.presses),
            entries=len(self._record.entries),
        )
        return self._found

    def _copy(self, received: Received) -> Copy:
        found = ID.search(received.data)
        return Copy(received, found[1].decode() if found else "", received.recipient, self._key(received.recipient))

    def _key(self, address: str) -> PersonKey:
        return self._identity.person(person(address))

    def _nothing_lost(self) -> Iterator[str]:
        arrived = {(copy.message_id, copy.address) for copy in self._copies}
        reported = [one.data for one in self._reports]
        if self._record.waiting:
            yield f"I1 {self._record.waiting} rows are still in the spool"
        for one in self._run.diary.tries:
            for address in one.accepted if one.acknowledged else ():
                if (one.message_id, address) in arrived:
                    continue
                told = any(one.message_id.encode() in report and address.encode() in report for report in reported)
                self._found.counts["reported instead of delivered"] += told
                if not told:
                    yield f"I1 {one.message_id} to {address} was acknowledged ({one.final}) and neither arrived nor was reported"

    def _nobody_mailed_after_opting_out(self) -> Iterator[str]:
        acked = {press.address: press.acked_at for press in self._run.diary.presses if press.acked_at}
        for copy in self._copies:
            after = copy.received.began - acked.get(copy.address, copy.received.began)
            if after > GRACE:
                yield f"I2 {copy.name} began {after:.3f} s after the opt-out was acknowledged"
            elif after > 0:
                self._found.counts["in flight at the opt-out"] += 1

    def _nobody_mailed_without_basis(self) -> Iterator[str]:
        for copy in self._copies:
            if copy.address not in self._run.basis:
                yield f"I3 {copy.name} has no legal basis"

    def _everything_on_record(self) -> Iterator[str]:
        for ref in self._record.twice:
            yield f"I4 the reference {ref} was given twice"
        for broken in verify(self._record.entries):
            yield f"I4 journal {broken.writer} {broken.seq}: {broken.why}"
        if len(self._record.events) != len(self._record.entries):
            yield "I4 the journal holds entries that are no events"
        digests = Counter(event.body for event in self._record.events.values() if event.kind is Kind.ATTEMPT)
        sent = Counter(sha256(copy.received.data).hexdigest() for copy in self._copies)
        for copy in self._copies:
            digest = sha256(copy.received.data).hexdigest()
            if sent[digest] > digests[digest]:
                yield f"I4 {copy.name}: {sent[digest]} copies of these bytes, {digests[digest]} attempts on record"
        left = {*sent, *(sha256(one.data).hexdigest() for one in self._run.beside)}
        for about, outcome in self._outcomes.items():
            if outcome.outcome == "delivered" and self._record.events[about].body not in left:
                yield f"I4 entry {about} says delivered, and the provider never got those bytes"
        yield from self._decisions_on_record()

    def _decisions_on_record(self) -> Iterator[str]:
        decided = Counter(
            (event.person, event.outcome)
            for event in self._record.events.values()
            if event.kind is Kind.DECISION and not event.about
        )
        heard: Counter[tuple[str, str]] = Counter()
        for one in self._run.diary.tries:
            for address, answer in one.answers.items():
                key = self._key(address).hex()
                if answer.startswith("250"):
                    heard[key, "allow"] += 1
                elif found := REF.search(answer):
                    event = self._record.events.get(found[1])
                    if event is None or (event.kind, event.outcome, event.person) != (Kind.DECISION, "refuse", key):
                        yield f"I4 the refusal of {address} quotes {found[1]}, which is not that decision"
            if (found := REF.search(one.final)) and found[1] not in self._record.events:
                yield f"I4 {one.message_id} was answered with {found[1]}, which is not on record"
        for (key, word), number in heard.items():
            if decided[key, word] < number:
                yield f"I4 {number} times {word} was said of {key}, {decided[key, word]} decisions are on record"

    def _oppositions_kept(self) -> Iterator[str]:
        kept = {opposition.person for opposition in self._record.oppositions}
        told = {event.person for event in self._record.events.values() if event.kind is Kind.OPPOSITION or _put_back(event)}
        for press in self._run.diary.presses:
            if press.acked_at and self._key(press.address) not in kept:
                yield f"I5 the acknowledged opt-out of {press.address} does not stand"
            elif press.acked_at and self._key(press.address).hex() not in told:
                yield f"I5 the acknowledged opt-out of {press.address} stands, and is not on record"

    def _no_unexplained_copy(self) -> Iterator[str]:
        resent = Counter((one.message_id, address) for one in self._run.diary.tries if one.answer_lost for address in one.accepted)
        arrived = Counter((copy.message_id, copy.address) for copy in self._copies)
        for copy in {(copy.message_id, copy.address): copy for copy in self._copies}.values():
            number = arrived[copy.message_id, copy.address]
            if number == 1:
                continue
            ambiguous = sum(self._ended(ref) == "ambiguous" for ref in self._attempts[copy.key])
            unknown = sum(self._ended(ref) == "" for ref in self._attempts[copy.key])
            lost = resent[copy.message_id, copy.address]
            unexplained = self._explain(number - 1, {"ambiguous": ambiguous, "attempt without outcome": unknown, "resent": lost})
            if unexplained:
                yield f"I6 {copy.name} came {number} times; {ambiguous} ambiguous, {unknown} without outcome, {lost} answers lost"

    def _ended(self, attempt: str) -> str:
        """How an attempt ended, empty where nobody knows."""
        outcome = self._outcomes.get(attempt)
        return outcome.outcome if outcome is not None else ""

    def _explain(self, second: int, causes: Mapping[str, int]) -> int:
        """Count each second copy under the first cause that is left; how many have none."""
        for cause, number in causes.items():
            explained = min(second, number)
            self._found.counts[f"second copies: {cause}"] += explained
            second -= explained
        return second

    def _marketing(self) -> Iterator[Copy]:
        """The copies that must carry an opt-out: all but those on record as service mail."""
        service = {event.body for event in self._record.events.values() if event.category == Category.TRANSACTIONAL}
        return (copy for copy in self._copies if sha256(copy.received.data).hexdigest() not in service)

    def _own_token(self) -> Iterator[str]:
        for copy in self._marketing():
            tokens = set(TOKEN.findall(copy.received.data))
            claims = {claim.person for token in tokens if (claim := read(self._ring.token_keys, token.decode()))}
            if claims != {copy.person}:
                yield f"I7 {copy.name} carries {len(tokens)} tokens, of {len(claims)} people, its own missing or not alone"

    def _sound_bytes(self) -> Iterator[str]:
        for copy in self._copies:
            data = copy.received.data
            lines = data.split(b"\r\n")
            if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines) or lines[-1]:
                yield f"I8 {copy.name} is not clean CRLF"
            if max(map(len, lines)) > 998:
                yield f"I8 {copy.name} has a line of {max(map(len, lines))} octets"
        for copy in self._marketing():
            head = copy.received.data[: copy.received.data.find(b"\r\n\r\n") + 2]
            for name in (b"list-unsubscribe", b"list-unsubscribe-post"):
                if (number := len(re.findall(rb"^" + name + rb":", head, re.M | re.I))) != 1:
                    yield f"I8 {copy.name} has {number} {name.decode()}"

    def _valid_signatures(self) -> Iterator[str]:
        folder = self._run.folder
        records = {
            f"{selector}._domainkey.maison.example.".encode(): public_record(load_dkim(folder / file, "maison.example", selector))
            for selector, file in (("s1", "dkim.pem"), ("e1", "dkim-ed25519.pem"))
        }
        small = [copy for copy in self._copies if len(copy.received.data) < 100_000]
        for copy in small[:: max(1, len(small) // SAMPLE)]:
            self._found.counts["signatures verified"] += 1
            for index in (0, 1):
                signed = dkim.DKIM(copy.received.data)
                if not signed.verify(index, dnsfunc=lambda name, timeout=5: records[name].encode()):
                    yield f"I8 signature {index} of {copy.name} is not valid"

    def _sound_replies(self) -> Iterator[str]:
        for line in self._run.diary.replies:
            if not REPLY.fullmatch(line) or len(line) > 512:
                yield f"I9 the tool heard {line!r}"
        reasons = {reason.value for reason in Reason}
        for one in self._run.diary.tries:
            for answer in (*one.answers.values(), one.final):
                said = REFUSAL.match(answer)
                if answer.startswith("5") and not (said and (said["token"] is None or said["token"] in reasons)):
                    yield f"I9 the tool heard {answer}, which is no decision and no verdict of the next hop"

    def _content_kept(self) -> Iterator[str]:
        for copy in self._copies:
            text = self._run.diary.texts.get(copy.message_id)
            if text is None:
                continue
            parsed = cast(EmailMessage, message_from_bytes(copy.received.data, policy=policy.default))
            for kind in ("plain", "html"):
                part = parsed.get_body((kind,))
                if part is None or text.decode() not in part.get_content():
                    yield f"I10 {copy.name} lost its words in the {kind} part"
