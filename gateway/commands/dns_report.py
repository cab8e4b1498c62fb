"""The DNS part of `gateway check`: one look at the sending domains as mailbox providers see them (R-MBX-06)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.commands.console import Quiet, out

if TYPE_CHECKING:
    from gateway.core.posture import Finding
    from gateway.settings import Settings


def look(settings: Settings) -> tuple[Finding, ...]:
    """Ask the configured name servers, or the system's, once."""
    from gateway.edges.dns import NameServers
    from gateway.flow.preflight import Preflight
    from gateway.settings.identity import plan

    servers = NameServers([(server.host, server.port) for server in settings.gateway.resolver])
    return asyncio.run(Preflight(servers, plan(settings), "warn", Quiet(), lambda _: None).once())


def as_words(findings: Sequence[Finding]) -> None:
    """One line a finding, and the record to publish under it."""
    out("\n# DNS of sending domains")
    for finding in findings:
        out(f"{finding.standing.value.upper():8}{finding.check} {finding.domain}: {finding.says}")
        if finding.remedy:
            out(f"        {finding.remedy}")


def as_json(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """The findings as JSON shows them."""
    return [
        {
            "check": finding.check,
            "domain": finding.domain,
            "standing": finding.standing.value,
            "says": finding.says,
            "remedy": finding.remedy,
        }
        for finding in findings
    ]
