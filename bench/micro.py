"""The parts on their own: one decision, the facts about one of a million, one finished copy, one durable commit, one signature.

CPU time of the calling thread, so that neighbours on the machine do not count; the commit is wall time, as it waits for the disk.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.messages import ID_MARK, TO_MARK, Sample
from bench.people import STREAM
from bench.source import PEOPLE, STRIDE, address
from gateway.core.address import Address, parse
from gateway.core.compose import Copy, Finished, Letterhead, Stamp, compose
from gateway.core.decide import Question, decide
from gateway.core.evidence import Event, Kind
from gateway.core.mime import Message
from gateway.core.mime import parse as parse_message
from gateway.core.model import Stream
from gateway.core.policy import Policy
from gateway.core.verdict import Allow, Due
from gateway.edges.files import policy_names, read_policy
from gateway.edges.logs import JsonLog
from gateway.rooms import Nouns, State, load_nouns, make_letterheads, open_state
from gateway.settings import load

GROUP = 100


@dataclass(frozen=True, slots=True)
class Part:
    """One part and its time in microseconds; `bar` is the issue's, 0 where it names none."""

    what: str
    median: float
    p99: float
    bar: float = 0


def parts(config: Path, samples: Sequence[Sample]) -> list[Part]:
    """Measure every part over this configuration."""
    return asyncio.run(_parts(config, samples))


async def _parts(config: Path, samples: Sequence[Sample]) -> list[Part]:
    settings = load(config)
    nouns = load_nouns(settings)
    state = open_state(settings, 0, JsonLog())
    try:
        head = make_letterheads(settings, nouns, state.keys.token_keys, "http://127.0.0.1:8025")[STREAM]
        found = [await _facts(state), await _decision(state, nouns), await _slowest_decision(state, nouns)]
        found += [part for sample in samples for part in _copies(head, state, nouns, sample)]
        return [*found, await _commits(state, 1), await _commits(state, 20)]
    finally:
        for spool in state.spools:
            await spool.close()
        await state.store.close()
        state.compute.close()


def _people(count: int) -> list[Address]:
    found = [parse(address(number * STRIDE % PEOPLE)) for number in range(count)]
    return [one for one in found if isinstance(one, Address)]


async def _facts(state: State) -> Part:
    took = []
    for mailbox in _people(5000):
        began = time.thread_time()
        await state.store.book.facts("example", (state.identity.who(mailbox, False),))
        took.append(time.thread_time() - began)
    return _part("facts about one recipient among 1 M (SQLite, keys included)", took[100:], 50)


async def _decision(state: State, nouns: Nouns) -> Part:
    stream = nouns.streams[STREAM]
    return _part("a decision, pure", await _decisions(state, stream, nouns.policies[stream.policy], must_allow=True), 5)


async def _slowest_decision(state: State, nouns: Nouns) -> Part:
    """The same people by each pack that comes with the gateway; the slowest is told."""
    found: list[tuple[str, list[float]]] = []
    for name in policy_names():
        policy = read_policy(name)
        if isinstance(policy, Policy):
            found.append((name, await _decisions(state, nouns.streams[STREAM], policy)))
    name, took = max(found, key=lambda one: statistics.median(one[1]))
    return _part(f"a decision, pure, by the slowest of {len(found)} packs ({name})", took, 10)


async def _decisions(state: State, stream: Stream, policy: Policy, must_allow: bool = False) -> list[float]:
    took = []
    arrangements = await state.store.book.arrangements()
    for mailbox in _people(200):
        facts = (await state.store.book.facts("example", (state.identity.who(mailbox, False),)))[0]
        question = Question(stream, mailbox, (), datetime.now(UTC), arrangements=arrangements)
        assert not must_allow or isinstance(decide(policy, question, facts), Allow)
        began = time.thread_time()
        for _ in range(GROUP):
            decide(policy, question, facts)
        took.append((time.thread_time() - began) / GROUP)
    return took


def _copies(head: Letterhead, state: State, nouns: Nouns, sample: Sample) -> list[Part]:
    raw = sample.path.read_bytes().replace(TO_MARK, b"someone@example.org").replace(ID_MARK, b"1")
    message = parse_message(raw)
    assert isinstance(message, Message)
    person = state.identity.person(_people(1)[0])
    policy = nouns.policies[nouns.streams[STREAM].policy]
    copy = Copy(person, Due.NONE, "direct", None, policy.authority_name, policy.authority_url, conduct=policy.conduct)
    stamp = Stamp(datetime.now(UTC), "bench.example.com", "ESMTPA", "", "bench-1")
    assert isinstance(compose(message, head, copy, stamp, True), Finished)
    times = 15 if sample.size > 1_000_000 else 300
    return [
        _part(f"parse, {sample.name}", _timed(lambda: parse_message(raw), times)),
        _part(
            f"compose (rewrite, RSA-2048, digest), {sample.name}",
            _timed(lambda: compose(message, head, copy, stamp, True), times),
        ),
    ]


async def _commits(state: State, together: int) -> Part:
    event = Event(datetime.now(UTC), Kind.DECISION, "allow", tool="bench", stream=STREAM, person="00" * 16, rules=("R-FR-01",))
    took = []
    for _ in range(300):
        began = time.perf_counter()
        await asyncio.gather(*(state.store.book.commit((event,)) for _ in range(together)))
        took.append(time.perf_counter() - began)
    return _part(f"journal commit on disk (FULL), {together} at once", took)


def _timed(call: Callable[[], object], times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.thread_time()
        call()
        took.append(time.thread_time() - began)
    return took


def _part(what: str, took: list[float], bar: float = 0) -> Part:
    took.sort()
    return Part(what, statistics.median(took) * 1e6, took[len(took) * 99 // 100] * 1e6, bar)
