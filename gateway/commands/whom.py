"""Reads whom a command is about: an address, `@domain`, a hash, or `-` for a line of stdin; and for which advertiser.

With `-` no address stays in the shell's history or in the list of processes.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import stop

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.core.address import Address, Identity
    from gateway.flow.subject import Algorithm, Subject


class Hash(StrEnum):
    """Hashes that other lists use."""

    MD5 = "md5"
    SHA256 = "sha256"


Whom = Annotated[str, typer.Argument(help="An address, @domain, or an MD5 or SHA-256 hash; - reads it from stdin.", metavar="WHOM")]
AddressText = Annotated[str, typer.Argument(help="An address; - reads it from stdin.", metavar="ADDRESS")]


def read_subject(identity: Identity, text: str) -> Subject:
    """The person, domain or hash meant; anything else is misuse."""
    from gateway.core.address import AddressFault
    from gateway.flow.subject import detect

    subject = detect(identity, _given(text))
    if isinstance(subject, AddressFault):
        stop(f"Neither an address nor @domain nor a hash ({subject.value}).", 2)
    return subject


def read_address(text: str) -> Address:
    """The address meant; anything else is misuse."""
    from gateway.core.address import AddressFault, parse_typed

    address = parse_typed(_given(text))
    if isinstance(address, AddressFault):
        stop(f"Not an address ({address.value}).", 2)
    return address


def algorithm_of(hash_: Hash | None) -> Algorithm | None:
    """The hash as the flow names it."""
    match hash_:
        case Hash.MD5:
            return "md5"
        case Hash.SHA256:
            return "sha256"
        case None:
            return None


def _given(text: str) -> str:
    return sys.stdin.readline().strip() if text == "-" else text


def only_advertiser(office: Office, named: str) -> str:
    """The advertiser that was named, or the only one there is."""
    if not named and len(office.settings.advertiser) == 1:
        return next(iter(office.settings.advertiser))
    if named not in office.settings.advertiser:
        stop(f"There is no advertiser {named}." if named else "Say which advertiser: --advertiser.", 2)
    return named
