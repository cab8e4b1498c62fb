"""Builds the rooms of what providers report, and of what it leads to.

Beside `rooms`, and like it: it starts no task and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import assert_never

from gateway.core.bouncing import SoftBounds
from gateway.core.duration import parse_duration
from gateway.edges.outward import Outward
from gateway.edges.providers.brevo import Brevo
from gateway.edges.providers.lists import BrevoList, MailgunList, PostmarkList, SendGridList, SparkPostList
from gateway.edges.providers.mailgun import Mailgun
from gateway.edges.providers.postmark import Postmark
from gateway.edges.providers.proofs import BadKey
from gateway.edges.providers.sendgrid import SendGrid
from gateway.edges.providers.ses import Ses
from gateway.edges.providers.ses_list import SesList
from gateway.edges.providers.sns import Topic
from gateway.edges.providers.sparkpost import SparkPost
from gateway.edges.providers.standard import Standard
from gateway.edges.web.events import Events
from gateway.flow.back_ports import Outside
from gateway.flow.bounces import Bounces
from gateway.flow.ports import Compute, Log
from gateway.flow.provider_events import ProviderEvents, Room, Source
from gateway.flow.sync import Listing
from gateway.flow.way_back import WayBack
from gateway.rooms import CannotStart, Nouns, State
from gateway.settings import MissingSecret, Settings, provider_api_key, provider_secret
from gateway.settings.back import ProviderEvents as GivenProvider

_SOME_DAY = datetime(2001, 1, 1, tzinfo=UTC)
"""From which calendar spans of the settings are counted in days: a month of 31, a year of 365."""


def make_bounces(settings: Settings, nouns: Nouns, state: State, log: Log) -> Bounces:
    """What takes every report about an address, whoever brings it."""
    partners = tuple(nouns.partners.values())
    returns, bounds = state.store.returns, soft_bounds(settings)
    return Bounces(state.store.book, returns, nouns.streams, partners, bounds, state.clock, state.metrics, log)


def soft_bounds(settings: Settings) -> SoftBounds:
    """When temporary failures mean a dead mailbox."""
    given = settings.bounces
    return SoftBounds(given.soft_count, _span(given.soft_span), _span(given.soft_lapse))


def _span(text: str) -> timedelta:
    span = parse_duration(text)  # the setting was checked when it was loaded
    return span.after(_SOME_DAY) - _SOME_DAY if span else timedelta()


def make_events(settings: Settings, nouns: Nouns, state: State, way_back: WayBack, bounces: Bounces, log: Log) -> Events:
    """The door of providers; CannotStart where a key or a secret of one is unfit."""
    outside = Outward(ports=settings.outward.ports, ca_file=settings.outward.ca_file)
    advertisers = tuple(dict.fromkeys(stream.advertiser.name for stream in nouns.streams.values()))
    returns, identity = state.store.returns, state.identity
    events = ProviderEvents(bounces, returns, way_back, identity, advertisers, state.metrics, state.clock, log)
    rooms = {
        Source(name, given.advertisers): _room(name, given, state.compute, outside) for name, given in settings.provider.items()
    }
    return Events(events, rooms, state.clock)


def make_listing(name: str, given: GivenProvider, now: Callable[[], datetime]) -> Listing | None:
    """A provider's suppression list; None for a kind that has none, CannotStart without a usable key."""
    try:
        key = provider_api_key(name, given)
        if not key:
            raise CannotStart(f"[provider.{name}] needs an api_key_file or its environment variable.")
        return _listing(given, key, now)
    except (BadKey, MissingSecret) as fault:
        raise CannotStart(f"[provider.{name}]: {fault}.") from None


def _listing(given: GivenProvider, key: bytes, now: Callable[[], datetime]) -> Listing | None:
    match given.kind:
        case "ses":
            return SesList(given.api_url, key, Topic.region(given.topic), now)
        case "sendgrid":
            return SendGridList(given.api_url, key, given.list_name)
        case "postmark":
            return PostmarkList(given.api_url, key, given.list_name)
        case "mailgun":
            return MailgunList(given.api_url, key, given.list_name)
        case "brevo":
            return BrevoList(given.api_url, key, now)
        case "sparkpost":
            return SparkPostList(given.api_url, key)
        case "standard":
            return None
        case _:
            assert_never(given.kind)


def _room(name: str, given: GivenProvider, compute: Compute, outside: Outside) -> Room:
    try:
        return _make(given, provider_secret(name, given), compute, outside)
    except (BadKey, MissingSecret) as fault:
        raise CannotStart(f"[provider.{name}]: {fault}.") from None


def _make(given: GivenProvider, secret: bytes, compute: Compute, outside: Outside) -> Room:
    match given.kind:
        case "ses":
            return Ses(Topic(given.topic, outside, given.window), compute)
        case "sendgrid":
            return SendGrid(given.verification, compute, given.window)
        case "postmark":
            return Postmark(secret, compute)
        case "mailgun":
            return Mailgun(secret, compute, given.window)
        case "brevo":
            return Brevo(secret, compute)
        case "sparkpost":
            return SparkPost(secret, compute)
        case "standard":
            return Standard(secret, compute)
        case _:
            assert_never(given.kind)
