"""Brings what a person wrote, and what is for people to answer, to the advertiser's own people (R-FR-57, R-FR-73).

To the mailbox of the stream, else where the tool's message asked for answers, else to the advertiser; never back into a gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from gateway.core.address import Address, AddressFault, parse
from gateway.core.answered import Answer
from gateway.core.model import PersonKey, Stream
from gateway.core.reply_to import contact_address
from gateway.core.routes import read_routes
from gateway.flow.back_ports import Returns
from gateway.flow.own_mail import CannotWrite, OwnMail
from gateway.flow.ports import Log, Unavailable, Vault

NOBODY_DEAD: frozenset[str] = frozenset()


class PassingOn:
    """Passes mail on; `inbound` is the domain that leads back to us."""

    def __init__(self, own_mail: OwnMail, returns: Returns, vault: Vault, inbound: Set[str], log: Log) -> None:
        self._own_mail = own_mail
        self._returns = returns
        self._vault = vault
        self._inbound = inbound
        self._log = log

    async def pass_on(self, stream: Stream, person: PersonKey, answer: Answer, once: str) -> bool:
        """Whether the mail is on its way; the same `once` is delivered once. Unavailable where it could not be kept."""
        to = next(self._places(stream, await self._routes(stream, person)), None)
        if to is None:
            self._log.say("nowhere to pass on to", stream=stream.name)
            return False
        try:
            ref = await self._own_mail.pass_on(stream, person, answer, to, once)
        except CannotWrite:
            self._log.say("cannot be passed on", stream=stream.name)
            return False
        self._log.say("passed on", ref=ref, stream=stream.name)
        return True

    async def _routes(self, stream: Stream, person: PersonKey) -> tuple[str, ...]:
        """Where the tool's message asked for answers, as far as it is still known."""
        sealed = await self._returns.routes(person, stream.name)
        if sealed is None:
            return ()
        try:
            return read_routes(self._vault.open(sealed)).reply_to
        except Unavailable:
            return ()  # sealed with a key that is gone: the advertiser's own address still leads to people

    def _places(self, stream: Stream, routes: tuple[str, ...]) -> Iterator[Address]:
        contact = contact_address(stream.advertiser.contact, NOBODY_DEAD)
        for text in (stream.mailbox, *routes, contact, stream.advertiser.sender):
            address = parse(text, smtputf8=True)
            if not isinstance(address, AddressFault) and address.domain not in self._inbound:
                yield address
