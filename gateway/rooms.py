"""Builds every room from the settings: opens stores and keys, loads packs and templates, introduces flow to edges.

Together with `app` the only place that knows all names. It starts no task and decides nothing.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.archive_rooms import make_daily_archiving
from gateway.core.address import Identity
from gateway.core.compose import Letterhead
from gateway.core.duration import Duration, parse_duration
from gateway.core.guard import as_marketing, doubles
from gateway.core.jurisdiction import own_pack
from gateway.core.model import Partner, Stream
from gateway.core.notice import Notices, missing_fields
from gateway.core.own_mail import OwnTemplates
from gateway.core.policy import Policy
from gateway.core.ruling import Setup
from gateway.core.sign import SES_PROFILE, DkimKey
from gateway.core.token import TokenKeys
from gateway.edges.clock import SystemClock
from gateway.edges.compute import Threads
from gateway.edges.dkim_check import SelfCheck
from gateway.edges.files import FileFault, read_policy, read_templates
from gateway.edges.keys import KeyRing, load_dkim
from gateway.edges.logs import JsonLog
from gateway.edges.metrics import Metrics
from gateway.edges.smtp.upstream import Upstream, UpstreamConfig
from gateway.edges.store.connection import Filling
from gateway.edges.store.spool import SqliteSpool, open_spool
from gateway.flow.adopt import Adoption
from gateway.flow.attempt import Attempts
from gateway.flow.daily import Daily, Office, chores
from gateway.flow.deliver import Deliver, Schedule
from gateway.flow.enrol import Enrolling
from gateway.flow.handover import Handover, Keeping
from gateway.flow.judge import Judge
from gateway.flow.notify import Notifications
from gateway.flow.officer import Officer
from gateway.flow.outbound import Bounds, Outbound
from gateway.flow.own_delivery import OwnDelivery
from gateway.flow.own_mail import OwnMail
from gateway.flow.ports import Book, Clock, Compute, OptOutHealth, Spool, Unavailable, Vault
from gateway.flow.preflight import Posture
from gateway.flow.store import Store, WayOut
from gateway.flow.tasks import Tasks
from gateway.settings import Settings, shared_keys, to_partners, to_streams, upstream_password
from gateway.settings.models import Upstream as GivenUpstream
from gateway.store_rooms import make_restoring, open_keys, open_truth, to_be_filled

T = TypeVar("T")
Send = Callable[[Coroutine[Any, Any, T]], "asyncio.Future[T]"]
SPOOL_RESERVE = 64 * 1024 * 1024
LETTERS = "letters.db"
"""The spool that commands put own mail into; worker 0 empties it."""
IMPLICIT_TLS_PORT = 465
AT_ONCE = 20
FILLING_LOOK = 0.5
"""Seconds between two looks whether an emptied store is filled again."""


@dataclass(frozen=True, slots=True)
class Nouns:
    """What the settings name, and what was loaded for them."""

    streams: Mapping[str, Stream]
    partners: Mapping[str, Partner]
    policies: Mapping[str, Policy]
    notices: Notices
    hostname: str


@dataclass(frozen=True, slots=True)
class State:
    """What one process holds open: keys, the store, its spools (its own first, then those no worker owns)."""

    keys: KeyRing
    identity: Identity
    store: Store
    spools: tuple[SqliteSpool, ...]
    clock: SystemClock
    log: JsonLog
    metrics: Metrics
    compute: Threads


def load_nouns(settings: Settings) -> Nouns:
    """Streams, partners, packs, templates; CannotStart when one cannot be read."""
    policies = {name: _sound(read_policy(name, settings.gateway.policies_dir)) for name in settings.gateway.policies}
    notices = Notices(_sound(read_templates("notice", settings.gateway.templates_dir)))
    hostname = settings.gateway.hostname or socket.getfqdn()
    return Nouns(to_streams(settings), to_partners(settings), policies, notices, hostname)


def setups(nouns: Nouns) -> list[Setup]:
    """Each stream as decisions see it; a service stream also as the marketing its mail may turn out to be (R-FR-16)."""
    packs = tuple(nouns.policies)
    streams = dict.fromkeys((*nouns.streams.values(), *map(as_marketing, nouns.streams.values())))
    return [Setup(stream, missing_fields(stream.advertiser, "recorded", None), packs) for stream in streams]


async def adopt(settings: Settings, nouns: Nouns, state: State) -> None:
    """Have on record by which texts this process judges (R-FR-86); CannotStart where a pack changed and nobody signed it."""
    folder = settings.gateway.policies_dir
    own = {name for name in nouns.policies if folder and (folder / f"{name}.toml").is_file()}
    unsigned = await Adoption(state.store.book, state.clock).at_start(nouns.policies, own, setups(nouns))
    if unsigned:
        raise CannotStart("\n".join(map(str, unsigned)))


async def open_when_filled(settings: Settings, worker: int, log: JsonLog, stop: asyncio.Event) -> State | None:
    """`open_state`; while gateways put a backup into an emptied store it is waited for, and helped. None when asked to stop."""
    restoring = None
    while not stop.is_set():
        try:
            return open_state(settings, worker, log)
        except Filling:
            restoring = restoring or make_restoring(settings, SystemClock(), log)
            if restoring is None:
                raise
            if worker == 0:
                await restoring.step()
            if restoring.by_hand:
                raise
        await asyncio.sleep(FILLING_LOOK)
    return None


async def adopt_when_filled(settings: Settings, nouns: Nouns, state: State, restores: bool, stop: asyncio.Event) -> bool:
    """`adopt`; where an emptied store `restores` itself it is waited for. Whether it was done before somebody asked to stop."""
    while not stop.is_set():
        try:
            await adopt(settings, nouns, state)
        except Unavailable:
            if not restores or not to_be_filled(state.store):
                raise
        else:
            return True
        await asyncio.sleep(FILLING_LOOK)
    return False


class CannotStart(Exception):
    """Something the gateway needs cannot be read; the text says what and where, for the administrator."""


def _sound(read: T | FileFault) -> T:
    if isinstance(read, FileFault):
        raise CannotStart(str(read))
    return read


def open_state(settings: Settings, worker: int, log: JsonLog) -> State:
    """Open keys, store and spools; keys are made only where nothing depends on them yet (reliability 2)."""
    folder = settings.gateway.data_dir
    ring = open_keys(settings, may_create=True)
    clock = SystemClock()
    store = open_truth(settings, ring, f"{settings.gateway.node}{worker}")
    names = [folder / f"spool-{worker}.db"]
    if worker == 0:
        names += _orphans(folder, settings.gateway.workers)
        names.append(folder / LETTERS)
    spools = tuple(open_spool(name, clock.now) for name in names)
    identity = Identity(ring.pepper, settings.gateway.fold_tags, shared_keys(settings))
    return State(ring, identity, store, spools, clock, log, Metrics(), Threads())


def _orphans(folder: Path, workers: int) -> list[Path]:
    """Spools of workers that no longer exist: worker 0 empties them."""
    return [path for path in sorted(folder.glob("spool-*.db")) if int(path.stem.removeprefix("spool-")) >= workers]


def make_letterheads(settings: Settings, nouns: Nouns, tokens: TokenKeys, public_url: str) -> dict[str, Letterhead]:
    """Each stream's letterhead; raises KeyFault when a signing key cannot be read."""
    keys = {name: _signing_keys(settings, name) for name in settings.advertiser}
    packs = {name: own_pack(nouns.policies, stream) for name, stream in nouns.streams.items()}
    return {
        name: Letterhead(
            stream,
            nouns.notices,
            packs[name].authority_name,
            packs[name].authority_url,
            keys[stream.advertiser.name],
            tokens,
            public_url,
            settings.inbound.domain or "",
            nouns.hostname,
            _unsigned(settings.upstream[stream.upstream]),
        )
        for name, stream in nouns.streams.items()
    }


def _unsigned(upstream: GivenUpstream) -> frozenset[str]:
    """Fields this provider rewrites after us, which must stay out of the signature."""
    ses = upstream.profile == "ses" or (upstream.profile == "auto" and upstream.host.lower().endswith(".amazonaws.com"))
    return SES_PROFILE if ses else frozenset()


def _signing_keys(settings: Settings, advertiser: str) -> dict[str, tuple[DkimKey, ...]]:
    """By From domain: every key of the advertiser signs for each of its domains, under the same selector."""
    given = settings.advertiser[advertiser]
    return {
        domain: tuple(load_dkim(key.key_file, domain, key.selector) for key in given.dkim)
        for domain in given.from_domains
        if given.dkim
    }


def make_providers(settings: Settings, nouns: Nouns, state: State) -> dict[str, Upstream]:
    """One pooled client for each configured next hop."""
    return {
        name: Upstream(
            UpstreamConfig(
                name=name,
                host=given.host,
                port=given.port,
                tls=given.tls,
                implicit_tls=given.port == IMPLICIT_TLS_PORT,
                username=given.username,
                password=upstream_password(name, given).decode(),
                ca_file=given.ca_file,
                hostname=nouns.hostname,
                pool_size=given.pool,
                attempt_budget=settings.delivery.budget.total_seconds(),
            ),
            state.metrics,
        )
        for name, given in settings.upstream.items()
    }


@dataclass(frozen=True, slots=True)
class Journeys:
    """The way out, built: the desk for tools, and one deliverer a spool."""

    outbound: Outbound
    deliverers: tuple[Deliver, ...]
    judge: Judge
    providers: Mapping[str, Upstream]
    own_mail: OwnMail
    notifications: Notifications


def make_outbound(
    settings: Settings,
    nouns: Nouns,
    state: State,
    health: OptOutHealth,
    public_url: str,
    send: Send[Any],
    posture: Posture | None = None,
) -> Journeys:
    """Everything between a tool's RCPT and the provider's answer."""
    book, clock, log = state.store.book, state.clock, state.log
    health = WayOut(health, state.store)
    judge = Judge(book, state.identity, nouns.policies, nouns.partners, clock)
    letterheads = make_letterheads(settings, nouns, state.keys.token_keys, public_url)
    providers = make_providers(settings, nouns, state)
    signing = [key for head in letterheads.values() for keys in head.dkim.values() for key in keys]
    check = SelfCheck.of(signing, settings.delivery.self_check)
    vault = state.keys.vault
    attempts = Attempts(book, judge, letterheads, providers, vault, state.compute, check, health, clock, log, posture)
    bell = Bell()
    desk_spool = state.spools[0]
    kept = {**nouns.streams, **doubles(nouns.streams)}
    notifications = [Notifications(spool, kept, nouns.hostname, _boundary, bell.ring, clock) for spool in state.spools]
    schedule = Schedule(settings.delivery.retry, AT_ONCE)
    tasks = make_tasks(nouns, state.store, vault, clock)
    own = OwnDelivery(book, state.identity, providers, health, clock, log, tasks.undelivered)
    deliverers = tuple(
        Deliver(spool, book, attempts, notes, providers, kept, schedule, send, state.compute, clock, log, own)
        for spool, notes in zip(state.spools, notifications, strict=True)
    )
    bell.listeners = tuple(deliver.wake for deliver in deliverers)
    keeping = Keeping(settings.delivery.on_defer == "spool", settings.delivery.life, settings.delivery.retry[0])
    handover = Handover(
        book, desk_spool, judge, attempts, notifications[0], keeping, nouns.hostname, send, bell.ring, state.compute, clock, log
    )
    bounds = Bounds(settings.submission.limits.message_size, SPOOL_RESERVE)
    outbound = Outbound(
        book, desk_spool, judge, handover, nouns.streams, health, bounds, nouns.hostname, state.compute, clock, state.metrics, log
    )
    own_mail = make_own_mail(settings, nouns, book, desk_spool, letterheads, state.compute, bell.ring, clock)
    return Journeys(outbound, deliverers, judge, providers, own_mail, notifications[0])


def make_own_mail(
    settings: Settings,
    nouns: Nouns,
    book: Book,
    spool: Spool,
    letterheads: Mapping[str, Letterhead],
    compute: Compute,
    wake: Callable[[], None],
    clock: Clock,
) -> OwnMail:
    """The writer of the gateway's own mail."""
    templates = OwnTemplates(_sound(read_templates("mail", settings.gateway.templates_dir)))
    if faults := templates.faults():
        raise CannotStart(f"templates/mail: {faults[0]}")
    return OwnMail(spool, book, letterheads, templates, nouns.partners, compute, _boundary, wake, clock)


def make_enrolling(
    nouns: Nouns, book: Book, own_mail: OwnMail, identity: Identity, vault: Vault, public_url: str, clock: Clock
) -> Enrolling:
    """The journey of sign-ups."""
    random = secrets.token_bytes
    return Enrolling(book, own_mail, identity, vault, nouns.streams, nouns.policies, public_url, random, clock)


def make_daily(settings: Settings, nouns: Nouns, state: State, enrolling: Enrolling, own_mail: OwnMail) -> Daily:
    """The daily job of this process."""
    place = Office(state.store.book, state.identity, state.keys.vault, nouns.policies, nouns.streams, state.clock)
    tasks = make_tasks(nouns, state.store, state.keys.vault, state.clock)
    reminding = tasks.daily(Officer(own_mail, state.identity, nouns.streams).tell)
    archiving = make_daily_archiving(state.store, settings.archive, state.clock, state.log)
    return Daily(place, kept_for(settings), enrolling, chores(place, enrolling, reminding, archiving))


def make_tasks(nouns: Nouns, store: Store, vault: Vault, clock: Clock) -> Tasks:
    """The desk where tasks are worked on."""
    return Tasks(store.book, store.returns, vault, nouns.streams, nouns.partners.values(), clock)


def kept_for(settings: Settings) -> Duration:
    """How long mail for a human is kept; the setting was checked when it was loaded."""
    return parse_duration(settings.gateway.keep_mail) or Duration(12, 0)


class Bell:
    """Wakes the deliverers when mail was kept; exists because who keeps is built before who delivers."""

    def __init__(self) -> None:
        self.listeners: tuple[Callable[[], None], ...] = ()

    def ring(self) -> None:
        """Wake everybody."""
        for listener in self.listeners:
            listener()


def _boundary() -> str:
    return secrets.token_hex(12)
