"""The envelope a copy leaves in: the tool's own, or one whose failures come back to us first (R-STD-56).

What the tool had asked for is remembered with the routes, so that it still hears of every failure; nothing is sent from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.core.compose import Letterhead
from gateway.core.dsn import wants_failure
from gateway.core.mime import Message
from gateway.core.model import PersonKey
from gateway.core.return_path import captures_failures, return_path
from gateway.core.routes import Routes, routes_of
from gateway.flow.ports import Addressee, Envelope


@dataclass(frozen=True, slots=True)
class Cover:
    """What the provider is told: `ours` says that its reports come to us."""

    sender: str
    addressee: Addressee
    envelope: Envelope
    ours: bool


def cover(head: Letterhead, person: PersonKey, envelope: Envelope, addressee: Addressee) -> Cover:
    """The envelope of one copy; mail that wants no report, from the null sender, gets none (RFC 5321 4.5.5).

    Reports to us are asked for failures only and without content: what the tool wants to hear, we tell it.
    """
    if not captures_failures(head) or not envelope.sender:
        return Cover(envelope.sender, addressee, envelope, ours=False)
    sender = return_path(head, person)
    return Cover(sender, replace(addressee, notify="FAILURE"), replace(envelope, ret="HDRS"), ours=True)


def routes(head: Letterhead, message: Message, envelope: Envelope, addressee: Addressee) -> Routes:
    """Where answers to this copy and its failures go; no return path where the tool asked not to hear of failures (NOTIFY)."""
    told = captures_failures(head) and wants_failure(addressee.notify)
    return routes_of(message, envelope.sender, envelope.envid) if told else routes_of(message)
