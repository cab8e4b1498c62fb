"""Looks hourly at our sending domains as mailbox providers do: keys, policy, SPF, a way back (R-MBX-05, R-MBX-06).

It warns, and may hold marketing mail of a domain whose signatures nobody could verify; silent name servers stop nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.core.mime import Message
from gateway.core.posture import Answer, Finding, Standing, dead, dkim, dmarc, dmarc_policies, held, mailable, resolvable
from gateway.core.sign import DkimKey
from gateway.flow.ports import Log
from gateway.flow.spf import Address, Permit, Spf

EVERY = 3600.0
LIMIT = 120.0
"""Seconds one round may take in all."""
_INSIDE = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
"""Where a next hop is a relay of one's own: what the world sees is another address (RFC 1918, 4193, 6598)."""


class Resolver(Protocol):
    """Name servers; a look-up that fails is an `Answer` that says so, never an exception."""

    async def ask(self, name: str, kind: str) -> Answer:
        """The records of one type: TXT as text, MX as `preference host`, A and AAAA as addresses."""


class Posture(Protocol):
    """What the last look found, as far as single messages are concerned."""

    @property
    def dead(self) -> frozenset[str]:
        """Domains of ours that take no mail (R-FR-73)."""

    def holds(self, message: Message) -> bool:
        """Whether marketing mail of this author must not leave: nobody could verify its signature (R-MBX-05)."""


class NotLooked:
    """The posture of a gateway that never looks: nothing is known, nothing is held."""

    dead: frozenset[str] = frozenset()

    def holds(self, message: Message) -> bool:  # noqa: ARG002  the question of `Posture`
        """Nothing is."""
        return False


@dataclass(frozen=True, slots=True)
class Sending:
    """One From domain: the keys that sign for it, and the hosts its mail goes to next."""

    domain: str
    keys: tuple[DkimKey, ...]
    next_hops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is looked at; empty hosts are not configured."""

    sendings: tuple[Sending, ...]
    public_host: str = ""
    inbound_domain: str = ""


class Preflight:
    """The last round's findings, and what follows from them."""

    def __init__(
        self,
        resolver: Resolver,
        plan: Plan,
        mode: Literal["warn", "hold", "off"],
        log: Log,
        show: Callable[[Sequence[Finding]], None],
        every: float = EVERY,
    ) -> None:
        self._resolver = resolver
        self._plan = plan
        self._mode = mode
        self._log = log
        self._show = show
        self._every = every
        self.findings: tuple[Finding, ...] = ()
        self.dead: frozenset[str] = frozenset()
        """Domains of ours that take no mail."""
        self._held: frozenset[str] = frozenset()

    def holds(self, message: Message) -> bool:
        """See `Posture`."""
        return self._mode == "hold" and message.from_domain in self._held

    async def run(self) -> None:
        """Look at start and every hour; never returns."""
        while True:
            await self.once()
            await asyncio.sleep(self._every)

    async def once(self) -> tuple[Finding, ...]:
        """One round; what it found stays until the next one."""
        try:
            async with asyncio.timeout(LIMIT):
                found = [await self._domain(sending) for sending in self._plan.sendings]
                ours = await self._ours()
        except TimeoutError:
            self._log.say("preflight-too-slow")
            return self.findings
        self.findings = (*(finding for findings in found for finding in findings), *ours)
        self.dead, self._held = dead(self.findings), held(self.findings)
        for finding in self.findings:
            if finding.standing in (Standing.WARN, Standing.BAD):
                self._log.say(
                    "preflight", check=finding.check, domain=finding.domain, standing=finding.standing.value, says=finding.says
                )
        self._show(self.findings)
        return self.findings

    async def _domain(self, sending: Sending) -> list[Finding]:
        domain, ask = sending.domain, self._resolver.ask
        found = [dkim(await ask(f"{key.selector}._domainkey.{key.domain}", "TXT"), key) for key in sending.keys]
        found.append(await self._dmarc(domain))
        found.append(await self._spf(sending))
        found.append(mailable(domain, await ask(domain, "MX"), await self._addresses(domain)))
        return found

    async def _dmarc(self, domain: str) -> Finding:
        """The policy of the domain, or of the nearest one above it that has any."""
        labels = domain.split(".")
        for up in range(len(labels) - 1):
            above = ".".join(labels[up:])
            answer = await self._resolver.ask(f"_dmarc.{above}", "TXT")
            if answer.failed or dmarc_policies(answer):
                return dmarc(domain, above, answer)
        return dmarc(domain, domain, Answer())

    async def _spf(self, sending: Sending) -> Finding:
        """Whether the record covers where our mail goes: what a provider sends from is its own business, so this only warns."""
        domain = sending.domain
        addresses = [one for host in sending.next_hops for one in await self._of_host(host)]
        beyond = [one for one in addresses if not any(one in network for network in _INSIDE)]
        if not beyond:
            return await self._spf_exists(domain)
        said = {one: await Spf(self._resolver.ask, one).permits(domain) for one in beyond}
        if Permit.UNKNOWN in said.values():
            return Finding("spf", domain, Standing.UNKNOWN, f"The SPF record of {domain} cannot be followed to its end.")
        missing = [str(one) for one, permit in said.items() if permit is not Permit.YES]
        if not missing:
            return Finding("spf", domain, Standing.GOOD, "The SPF record covers the next hop.")
        mechanisms = " ".join(f"ip{ipaddress.ip_address(one).version}:{one}" for one in missing)
        if Permit.MISSING in said.values():
            says = "No SPF record is published."
        elif Permit.ERROR in said.values():
            says = "The SPF record is in error, and so permits nobody."
        else:
            says = f"The SPF record does not cover the next hop ({', '.join(missing)}); what your provider sends from may differ."
        remedy = f'{domain}. IN TXT "v=spf1 {mechanisms} -all", or the include: your provider names'
        return Finding("spf", domain, Standing.WARN, says, remedy)

    async def _spf_exists(self, domain: str) -> Finding:
        """Where mail goes over this machine or network first, only whether there is a sound record."""
        said = await Spf(self._resolver.ask, ipaddress.ip_address("192.0.2.1")).permits(domain)
        if said in (Permit.MISSING, Permit.ERROR):
            word = "No SPF record is published." if said is Permit.MISSING else "The SPF record is in error, and so permits nobody."
            return Finding("spf", domain, Standing.WARN, word, f'{domain}. IN TXT "v=spf1 include:<your provider> -all"')
        return Finding(
            "spf", domain, Standing.UNKNOWN, "The next hop is inside this network: what it sends from is not known here."
        )

    async def _of_host(self, host: str) -> list[Address]:
        """The addresses of a next hop, named or numbered."""
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            answer = await self._addresses(host)
            return [ipaddress.ip_address(record) for record in answer.records]

    async def _addresses(self, host: str) -> Answer:
        """Both families as one answer; failed only where nothing is known of either."""
        four, six = await self._resolver.ask(host, "A"), await self._resolver.ask(host, "AAAA")
        records = (*four.records, *six.records)
        return Answer(records, four.exists or six.exists, "" if records else four.failed or six.failed)

    async def _ours(self) -> list[Finding]:
        """Whether the pages and the inbound domain can be reached."""
        found: list[Finding] = []
        if self._plan.public_host:
            answer = await self._addresses(self._plan.public_host)
            found.append(resolvable("pages", self._plan.public_host, answer, "nobody could open an opt-out link"))
        if domain := self._plan.inbound_domain:
            mx = await self._resolver.ask(domain, "MX")
            found.append(mailable(domain, mx, await self._addresses(domain), "inbound"))
        return found
