"""One gateway process: opens the rooms, starts every task in one TaskGroup, drains them at the end.

The only file that starts tasks. It decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.routing import Route

from gateway.core.model import Features, PersonKey
from gateway.core.token import PROBE_STREAM, mint
from gateway.edges.figures import Together
from gateway.edges.files import folder_of, shipped
from gateway.edges.http import Fetcher
from gateway.edges.keys import KeyFault
from gateway.edges.logs import JsonLog
from gateway.edges.smtp.auth import Throttle
from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.listener import Listener, server_context
from gateway.edges.smtp.porch import Spawn
from gateway.edges.smtp.terms import Kind
from gateway.edges.smtp.upstream import Upstream
from gateway.edges.web.health import Check, Health
from gateway.edges.web.pages import Pages
from gateway.edges.web.partner_page import PartnerPage
from gateway.edges.web.public import OptOut
from gateway.edges.web.server import Web
from gateway.edges.web.signup import SignUp
from gateway.flow.canary import Canary
from gateway.flow.confirm import Confirming
from gateway.flow.enrol import Enrolling
from gateway.flow.inbound import InboundDesk
from gateway.flow.incoming import Incoming
from gateway.flow.keeper import ended
from gateway.flow.lease_ports import Lease, Overtaken
from gateway.flow.ports import Log, Unavailable
from gateway.flow.probe import Probe
from gateway.flow.way_back import WayBack
from gateway.keeper_rooms import Duties, new_owner
from gateway.partner_rooms import make_api, make_lines, make_partner_door
from gateway.provider_rooms import make_bounces, make_events
from gateway.returns_rooms import make_incoming, make_way_back, own_domains
from gateway.rooms import (
    SPOOL_RESERVE,
    CannotStart,
    Journeys,
    Nouns,
    State,
    adopt_when_filled,
    load_nouns,
    make_enrolling,
    make_outbound,
    open_when_filled,
)
from gateway.settings import MissingSecret, Settings, to_forms
from gateway.settings.models import Limits as GivenLimits
from gateway.store_rooms import make_restoring, to_be_filled
from gateway.watches import make_preflight, refuse_impostors

if TYPE_CHECKING:
    from gateway.edges.store.redis.restoring import Restoring

T = TypeVar("T")
DRAIN = 30.0
GAUGE_EVERY = 5.0
INBOUND_SIZE = 25 * 1024 * 1024
"""Octets of a mail that comes back: an answer may hold attachments, which are passed on whole."""
DAILY_AFTER, DAILY_LOOK = 60.0, 300.0
"""Seconds from becoming the keeper to the first look whether the day's work is done, and between two looks."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running gateway listens, ports resolved; empty where a listener is not configured."""

    submission: tuple[str, int]
    submission_tls: tuple[str, int] | None
    inbound: tuple[str, int] | None
    web: tuple[str, int]
    public_url: str


class Crew:
    """The tasks of one process: nothing is fired and forgotten."""

    def __init__(self, group: asyncio.TaskGroup, log: Log) -> None:
        self._group = group
        self._log = log
        self._errands: set[asyncio.Task[None]] = set()
        self._posts: set[asyncio.Task[Any]] = set()

    def station(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that runs as long as the process; its failure ends the process."""
        return self._post(coroutine)

    def lend(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[Exception | None]:
        """Start a task that its borrower may cancel; its value is the failure it ended with, for the borrower to judge."""
        return self._post(ended(coroutine))

    def send(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Start a task with an end; the future carries its value or failure to whoever still waits."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        task = self._group.create_task(self._run(coroutine, future))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        return future

    def _post(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._group.create_task(coroutine)
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)
        return task

    async def _run(self, coroutine: Coroutine[Any, Any, T], future: asyncio.Future[T]) -> None:
        try:
            value = await coroutine
        except Exception as fault:  # noqa: BLE001 - one message's fault must not end the process; its waiter answers 451
            self._log.say("task-failed", kind=type(fault).__name__)
            if not future.done():
                future.set_exception(fault)
                future.exception()  # marked as retrieved: a client that left leaves nobody to ask
        else:
            if not future.done():
                future.set_result(value)

    async def finish(self, grace: float) -> None:
        """Wait for the errands under way."""
        if self._errands:
            await asyncio.wait(self._errands, timeout=grace)

    def dismiss(self) -> None:
        """Cancel what still runs; state is durable, so nothing acknowledged is lost."""
        for task in (*self._errands, *self._posts):
            task.cancel()


class Gateway:
    """One process of the gateway; `worker` numbers it among those that share the listeners, `restarts` is for the metrics."""

    def __init__(self, settings: Settings, worker: int = 0, log: JsonLog | None = None, restarts: int = 0) -> None:
        self._settings = settings
        self._worker = worker
        self._log = log or JsonLog()
        self._restarts = restarts
        self._shared = settings.gateway.workers > 1

    async def run(self, stop: asyncio.Event, ready: Callable[[Addresses], None]) -> None:
        """Serve until `stop` is set, then drain; `ready` is called once, when every listener answers."""
        nouns = load_nouns(self._settings)
        refuse_impostors(self._settings, nouns)
        state = await open_when_filled(self._settings, self._worker, self._log, stop)
        if state is None:
            return
        state.metrics.restarted(self._restarts)
        try:
            async with asyncio.TaskGroup() as group:
                await self._serve(Crew(group, self._log), nouns, state, stop, ready)
        except BaseExceptionGroup as many:
            raise _in_words(many) from None
        finally:
            await _close(state)

    async def _serve(self, crew: Crew, nouns: Nouns, state: State, stop: asyncio.Event, ready: Callable[[Addresses], None]) -> None:
        settings, listen = self._settings, self._settings.web.listen
        crew.station(state.store.watch(self._log, state.clock))
        way_back = make_way_back(nouns, state, self._log)
        checks: dict[str, Check] = {}
        pages = Pages(folder_of("pages", settings.gateway.templates_dir), shipped("templates") / "pages")
        together = Together(settings.gateway.data_dir, self._worker, state.metrics.figures)
        figures = together.figures if self._shared else state.metrics.figures
        public = self._public(nouns, state, way_back, pages, Health(checks, figures))
        web = Web(public, listen.host, listen.port, self._shared, settings.web.proxy_from)
        public_url = settings.gateway.public_url.rstrip("/") or f"http://{listen.host}:{web.port}"
        probe = self._probe(state, public_url)
        preflight = make_preflight(settings, state, self._log)
        journeys = make_outbound(settings, nouns, state, probe, public_url, crew.send, preflight)
        restoring = make_restoring(settings, state.clock, self._log)
        checks.update(self._checks(state, journeys, probe, restoring))
        enrolling = self._enrolling(nouns, state, journeys, public_url)
        bounces = make_bounces(settings, nouns, state, self._log)
        events = make_events(settings, nouns, state, way_back, bounces, self._log)
        lines = make_lines(settings)
        door = make_partner_door(nouns, state, self._log)
        api = make_api(nouns, state, door, lines)
        web.add([*self._signup(nouns, state, enrolling, pages).routes(), *api.routes(), *events.routes()])
        serving = crew.station(web.run())
        if restoring and self._worker == 0:
            crew.station(restoring.run(lambda: to_be_filled(state.store)))
        if not await adopt_when_filled(settings, nouns, state, restoring is not None, stop):
            web.stop()
            crew.dismiss()
            return
        await probe.once()
        posts = [probe.run(), *(deliver.run() for deliver in journeys.deliverers), self._gauge(state)]
        if settings.delivery.preflight != "off":
            posts.append(preflight.run())
        if self._shared:
            posts.append(together.run())
        duties = self._duties(nouns, state, journeys, public_url, crew)
        duties.prove()
        for post in (*posts, duties.keeper().run(partial(self._keep, duties))):
            crew.station(post)
        incoming = make_incoming(settings, nouns, state, way_back, journeys, bounces, self._log)
        desk = self._inbound(nouns, state, way_back, incoming, public_url)
        listeners, addresses = await self._listen(nouns, journeys, desk, (listen.host, web.port), public_url, crew.send)
        ready(addresses)
        await stop.wait()
        await self._drain(crew, journeys, listeners, web, serving)

    async def _drain(
        self, crew: Crew, journeys: Journeys, listeners: list[Listener], web: Web, serving: asyncio.Task[None]
    ) -> None:
        """Take nothing new, end what was begun, let everybody go."""
        for deliver in journeys.deliverers:
            deliver.stop()
        await asyncio.gather(*(listener.close(DRAIN) for listener in listeners))
        await crew.finish(DRAIN)
        web.stop()
        await asyncio.wait((serving,), timeout=DRAIN)  # who pressed the button is answered too
        for provider in journeys.providers.values():
            await provider.close()
        crew.dismiss()

    def _public(self, nouns: Nouns, state: State, way_back: WayBack, pages: Pages, health: Health) -> list[Route]:
        """What must answer as soon as there is a listener: the opt-out, the partner lists, the health."""
        partners = PartnerPage(state.store.book, pages, {one.advertiser.name: one.advertiser for one in nouns.streams.values()})
        return [*OptOut(way_back, pages, state.clock).routes(), *partners.routes(), *health.routes()]

    def _enrolling(self, nouns: Nouns, state: State, journeys: Journeys, public_url: str) -> Enrolling:
        book, vault = state.store.book, state.keys.vault
        return make_enrolling(nouns, book, journeys.own_mail, state.identity, vault, public_url, state.clock)

    def _signup(self, nouns: Nouns, state: State, enrolling: Enrolling, pages: Pages) -> SignUp:
        book, identity, vault, clock = state.store.book, state.identity, state.keys.vault, state.clock
        confirming = Confirming(book, identity, vault, nouns.streams, clock, self._log)
        return SignUp(enrolling, confirming, to_forms(self._settings), pages, clock)

    def _probe(self, state: State, public_url: str) -> Probe:
        nobody = PersonKey(bytes(16))
        token = mint(state.keys.token_keys, PROBE_STREAM, nobody)
        return Probe(Fetcher(), public_url, lambda: token, state.clock, self._log, state.metrics.probed)

    def _checks(self, state: State, journeys: Journeys, probe: Probe, restoring: Restoring | None) -> dict[str, Check]:
        """What `/readyz` asks."""

        async def store() -> str:
            filling = restoring.why if restoring else ""
            try:
                await state.store.book.touch_probe(state.clock.now())
            except Unavailable:
                if filling:
                    return f"the store was emptied: {filling}"
                raise
            return ". ".join(filter(None, (state.store.why, filling)))

        async def spool() -> str:
            if lost := sum(len(spool.orphans) for spool in state.spools):
                return f"{lost} kept messages have lost their body"
            return "" if state.spools[0].free_bytes() > SPOOL_RESERVE else "too little room on the spool's disk"

        async def opt_out() -> str:
            return "" if probe.healthy else f"self-test fails: {probe.why}"

        upstreams = {f"upstream {name}": _reaches(provider) for name, provider in journeys.providers.items()}
        return {"store": store, "spool": spool, "opt-out": opt_out, **upstreams}

    async def _gauge(self, state: State) -> None:
        """Keep the spool's depth visible."""
        while True:
            try:
                state.metrics.spooled(sum([await spool.depth() for spool in state.spools]))
            except Unavailable:
                self._log.say("spool-unreadable")
            await asyncio.sleep(GAUGE_EVERY)

    def _duties(self, nouns: Nouns, state: State, journeys: Journeys, public_url: str, crew: Crew) -> Duties:
        owner = new_owner(self._settings, self._worker, state.clock)
        return Duties(self._settings, nouns, state, journeys, public_url, owner, crew.lend, crew.send, self._log)

    async def _keep(self, duties: Duties, lease: Lease) -> None:
        """One term as the keeper: all of its jobs, until the lease is lost or a job fails."""
        metrics = duties.state.metrics
        metrics.keeping(True)
        try:
            async with asyncio.TaskGroup() as group:
                for job in duties.jobs(lease, DAILY_AFTER, DAILY_LOOK):
                    group.create_task(job)
        except* Overtaken:
            self._log.say("keeper-overtaken", number=lease.number)
        finally:
            metrics.keeping(False)

    def _inbound(self, nouns: Nouns, state: State, way_back: WayBack, incoming: Incoming, public_url: str) -> InboundDesk:
        """The desk of the inbound listener, whether there is one or not."""
        book, vault, domain = state.store.book, state.keys.vault, self._settings.inbound.domain or ""
        canary = Canary(book, state.store.returns, way_back, public_url, domain, state.clock, self._log)
        ours = own_domains(self._settings, nouns)
        return InboundDesk(way_back, incoming, book, vault, state.clock, self._log, domain, ours, canary)

    async def _listen(
        self, nouns: Nouns, journeys: Journeys, desk: InboundDesk, web: tuple[str, int], public_url: str, spawn: Spawn
    ) -> tuple[list[Listener], Addresses]:
        """Open the SMTP listeners: submission, submission under TLS, inbound."""
        given, inbound = self._settings.submission, self._settings.inbound
        tls = server_context(given.tls_cert, given.tls_key) if given.tls_cert and given.tls_key else None
        limits = _limits(given.limits)
        # One set of slots and one count of failed logins for both ways in: a guesser gains nothing by changing doors.
        submitting = partial(
            Listener,
            desk=journeys.outbound,
            limits=limits,
            log=self._log,
            tls=tls,
            hostname=nouns.hostname,
            reuse_port=self._shared,
            slots=asyncio.Semaphore(limits.large_slots),
            throttle=Throttle(limits),
            proxy_from=given.proxy_from,
            spawn=spawn,
        )
        listeners = [submitting(Kind.SUBMISSION, clear_auth=given.listen.loopback)]
        submission = await listeners[0].start(given.listen.host, given.listen.port)
        submission_tls = back = None
        if given.tls_listen is not None:
            listeners.append(submitting(Kind.SUBMISSIONS))
            submission_tls = await listeners[-1].start(given.tls_listen.host, given.tls_listen.port)
        if inbound.listen is not None and inbound.domain is not None:
            returning = Listener(
                Kind.INBOUND,
                desk,
                Limits(size=INBOUND_SIZE),
                self._log,
                tls,
                nouns.hostname,
                reuse_port=self._shared,
                proxy_from=inbound.proxy_from,
                spawn=spawn,
            )
            listeners.append(returning)
            back = await returning.start(inbound.listen.host, inbound.listen.port)
        return listeners, Addresses(submission, submission_tls, back, web, public_url)


def _limits(given: GivenLimits) -> Limits:
    return Limits(
        size=given.message_size,
        recipients=given.recipients,
        body_line=given.body_line,
        command_line=given.command_line,
        path_line=given.path_line,
        errors=given.errors,
        unknown_commands=given.unknown_commands,
        auth_failures=given.auth_failures,
        idle_commands=given.idle_commands,
        messages=given.messages,
        connections=given.connections,
        connections_per_address=given.connections_per_client,
        session=given.session.total_seconds(),
        idle=given.idle.total_seconds(),
        data=given.data.total_seconds(),
    )


def _reaches(provider: Upstream) -> Check:
    async def reach() -> str:
        features = await provider.features()
        return "" if isinstance(features, Features) else f"does not answer at {features.stage.value}"

    return reach


def _in_words(many: BaseExceptionGroup) -> BaseException:
    """What a person can act on, where nothing else went wrong; else the whole group."""
    told, other = many.split((CannotStart, KeyFault, MissingSecret, Unavailable))
    found: BaseException | None = told if other is None else None
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found or many


async def _close(state: State) -> None:
    for spool in state.spools:
        await spool.close()
    await state.store.close()
    state.compute.close()
