"""Turns the other tables' rows into the words of the house and back: tools, keys, rulings, sign-ups, transfers, counts, tasks."""

from __future__ import annotations

import json
from datetime import datetime

from gateway.core.model import PersonKey, RefusalMode, Tool
from gateway.core.record import ApiKey, Enrolment, Ruling, Transfer
from gateway.core.record_json import consents_text, parse_consents, parse_words, words_text
from gateway.core.task import Task, TaskKind
from gateway.edges.store.database import Row
from gateway.edges.store.instant import instant, micros, parsed, text
from gateway.edges.store.rows import sound
from gateway.flow.ports import Tally

TOOL = "SELECT name, secret_sha256, streams, refusal, created_at, revoked_at FROM tool"
API_KEY = "SELECT name, secret_sha256, may, advertisers, created_at, expires_at, revoked_at FROM api_key"
RULING = "SELECT kind, name, label, text, at, author, reason FROM ruling"
ENROLMENT = """
    SELECT id, person, stream, consents, sealed_address, asked_at, expires_at, reminded_at, confirmed_at FROM enrolment
"""
TRANSFER = "SELECT person, collector, partner, purpose, list_version, at, id FROM transfer"
TALLY = "SELECT stream, provider, what, hour, count FROM tally"
TASK = """
    SELECT id, kind, person, advertiser, stream, asks, note, closed_by, outcome, sealed, opened_at, due_at, reminded_at, told_at,
        closed_at
    FROM task
"""
"""What each reader below expects; a query adds its WHERE."""


def tool(row: Row) -> Tool:
    """A row of `TOOL`."""
    name, secret, streams, refusal, created, revoked = row
    mode = None if refusal is None else RefusalMode(refusal)
    return Tool(name, secret, tuple(json.loads(streams)), mode, datetime.fromisoformat(created), parsed(revoked))


def api_key(row: Row) -> ApiKey:
    """A row of `API_KEY`."""
    name, secret, may, advertisers, created, expires, revoked = row
    rights, owners = sound(parse_words(may)), sound(parse_words(advertisers))
    return ApiKey(name, secret, rights, owners, datetime.fromisoformat(created), parsed(expires), parsed(revoked))


def ruling(row: Row) -> Ruling:
    """A row of `RULING`."""
    kind, name, label, text, at, author, reason = row
    return Ruling(kind, name, label, text, datetime.fromisoformat(at), author, reason)


def enrolment(row: Row) -> Enrolment:
    """A row of `ENROLMENT`."""
    digest, person, stream, consents, sealed, asked, expires, reminded, confirmed = row
    return Enrolment(
        id=digest,
        person=PersonKey(person),
        stream=stream,
        consents=sound(parse_consents(consents)),
        sealed_address=sealed,
        asked_at=instant(asked),
        expires_at=instant(expires),
        reminded_at=None if reminded is None else instant(reminded),
        confirmed_at=None if confirmed is None else instant(confirmed),
    )


def transfer(row: Row) -> Transfer:
    """A row of `TRANSFER`, its number left alone."""
    person, collector, partner, purpose, version, at, _ = row
    return Transfer(PersonKey(person), collector, partner, purpose, version, instant(at))


def tally(row: Row) -> Tally:
    """A row of `TALLY`."""
    stream, provider, what, hour, count = row
    return Tally(stream, provider, what, instant(hour), count)


def task(row: Row) -> Task:
    """A row of `TASK`."""
    number, kind, person, advertiser, stream, asks, note, closed_by, outcome, sealed, opened, due, *times = row
    reminded, told, closed = (None if at is None else instant(at) for at in times)
    return Task(
        id=number,
        kind=TaskKind(kind),
        person=PersonKey(person),
        advertiser=advertiser,
        stream=stream,
        asks=sound(parse_words(asks)),
        note=note,
        opened_at=instant(opened),
        due_at=instant(due),
        sealed=sealed,
        reminded_at=reminded,
        told_at=told,
        closed_at=closed,
        closed_by=closed_by,
        outcome=outcome,
    )


def enrolment_row(one: Enrolment) -> tuple[str | bytes | int | None, ...]:
    """The columns of `ENROLMENT`."""
    times = [None if at is None else micros(at) for at in (one.asked_at, one.expires_at, one.reminded_at, one.confirmed_at)]
    return (one.id, one.person, one.stream, consents_text(one.consents), one.sealed_address, *times)


def ruling_row(one: Ruling) -> tuple[str | None, ...]:
    """The columns of `RULING`."""
    return (one.kind, one.name, one.label, one.text, text(one.at), one.author, one.reason)


def api_key_row(one: ApiKey) -> tuple[str | bytes | None, ...]:
    """The columns of `API_KEY`."""
    times = [text(at) for at in (one.created_at, one.expires_at, one.revoked_at)]
    return (one.name, one.secret_sha256, words_text(one.may), words_text(one.advertisers), *times)


def tool_row(one: Tool) -> tuple[str | bytes | None, ...]:
    """The columns of `TOOL`."""
    refusal = None if one.refusal is None else one.refusal.value
    return (one.name, one.secret_sha256, json.dumps(one.streams), refusal, text(one.created_at), text(one.revoked_at))


def task_row(one: Task) -> tuple[str | bytes | int | None, ...]:
    """The columns as the table has them from `id` on, `forgotten` left out: times before how it was closed and its text."""
    names = (one.id, one.kind.value, one.person, one.advertiser, one.stream, words_text(one.asks), one.note)
    times = (one.opened_at, one.due_at, one.reminded_at, one.told_at, one.closed_at)
    return (*names, *(None if at is None else micros(at) for at in times), one.closed_by, one.outcome, one.sealed)
