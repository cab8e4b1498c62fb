"""The figures for Prometheus, in few and closed labels; implements `ports.Meter`. Never a person, an address or a tool's words.

Labelled children are looked up once and kept: a count costs about a microsecond on the hot path.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.core.complaint_rate import Rate
from gateway.core.posture import Finding, Standing

_MAIL_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_EFFECT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 5, 60, 600, 3600, 86400)


class Metrics:
    """One gateway process's figures, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._decisions = Counter(
            "gateway_decisions", "RCPT decisions by stream and reason", ["stream", "reason"], registry=registry
        )
        self._deliveries = Histogram(
            "gateway_delivery_seconds", "Attempts at a provider", ["upstream", "fate"], buckets=_MAIL_SECONDS, registry=registry
        )
        self._opt_outs = Histogram(
            "gateway_opt_out_seconds", "From a sign to its effect, by door", ["door"], buckets=_EFFECT_SECONDS, registry=registry
        )
        self._slowest = Gauge("gateway_opt_out_seconds_max", "The longest of them since the start", ["door"], registry=registry)
        self._answers = Histogram(
            "gateway_answer_seconds", "Ends of data answered, by code", ["code"], buckets=_MAIL_SECONDS, registry=registry
        )
        self._spool = Gauge("gateway_spool_depth", "Rows waiting in the spool", registry=registry)
        self._preflight = Gauge(
            "gateway_preflight", "DNS checks of sending domains, by how they ended", ["standing"], registry=registry
        )
        self._complaints = Gauge(
            "gateway_complaint_rate", "Complaints by deliveries of 24 hours", ["stream", "provider"], registry=registry
        )
        self._events = Counter("gateway_provider_events", "Events that providers reported", ["provider", "told"], registry=registry)
        self._told = Counter(
            "gateway_told", "What partners and tools were told of oppositions, by outcome", ["errand", "outcome"], registry=registry
        )
        self._mailboxes = Gauge("gateway_mailbox_read", "1 while a mailbox can be read", ["mailbox"], registry=registry)
        self._keeper = Gauge("gateway_keeper", "1 in the process that does the background jobs", registry=registry)
        self._backup = Gauge(
            "gateway_backup_begun_seconds", "When the newest backup was begun, in seconds since 1970", registry=registry
        )
        self._no_backup = Counter("gateway_backup_failures", "Backups that could not be made", registry=registry)
        self._restarts = Counter("gateway_worker_restarts", "How often this worker was started again", registry=registry)
        self._probe = Gauge("gateway_opt_out_healthy", "1 when the opt-out's self-test passes", registry=registry)
        self._decided: dict[tuple[str, str], Counter] = {}
        self._delivered: dict[tuple[str, str], Histogram] = {}
        self._opposed: dict[str, Histogram] = {}
        self._longest: dict[str, float] = {}
        self._answered: dict[int, Histogram] = {}

    def decided(self, stream: str, reason: str) -> None:
        """Count one RCPT decision; an allowed recipient counts as `allowed`."""
        child = self._decided.get((stream, reason))
        if child is None:
            child = self._decided[stream, reason] = self._decisions.labels(stream, reason or "allowed")
        child.inc()

    def delivered(self, upstream: str, fate: str, seconds: float) -> None:
        """Count and time one attempt at a provider."""
        child = self._delivered.get((upstream, fate))
        if child is None:
            child = self._delivered[upstream, fate] = self._deliveries.labels(upstream, fate)
        child.observe(seconds)

    def opposed(self, door: str, seconds: float) -> None:
        """Count and time one recorded opposition: from the person's sign to the moment it holds."""
        child = self._opposed.get(door)
        if child is None:
            child = self._opposed[door] = self._opt_outs.labels(door)
        child.observe(seconds)
        self._longest[door] = max(seconds, self._longest.get(door, 0.0))
        self._slowest.labels(door).set(self._longest[door])

    def answered(self, code: int, seconds: float) -> None:
        """Count and time one answer to the end of data."""
        child = self._answered.get(code)
        if child is None:
            child = self._answered[code] = self._answers.labels(str(code))
        child.observe(seconds)

    def spooled(self, depth: int) -> None:
        """Set how many rows wait."""
        self._spool.set(depth)

    def probed(self, healthy: bool) -> None:
        """Set the self-test's state."""
        self._probe.set(healthy)

    def looked(self, findings: Sequence[Finding]) -> None:
        """Set how many checks of sending domains ended in which way."""
        for standing in Standing:
            self._preflight.labels(standing.value).set(sum(finding.standing is standing for finding in findings))

    def complained(self, rates: Sequence[Rate]) -> None:
        """Set the complaint rates."""
        self._complaints.clear()
        for rate in rates:
            self._complaints.labels(rate.stream, rate.provider).set(rate.share)

    def reported(self, provider: str, told: str, many: int = 1) -> None:
        """Count what a provider reported."""
        if many:
            self._events.labels(provider, told).inc(many)

    def told(self, errand: str, outcome: str) -> None:
        """Count one try to tell a partner or a tool, and one alarm about it (R-FR-36)."""
        self._told.labels(errand, outcome).inc()

    def watched(self, mailbox: str, read: bool) -> None:
        """Set whether a mailbox that answers come to can be read."""
        self._mailboxes.labels(mailbox).set(read)

    def keeping(self, now: bool) -> None:
        """Set whether this process is the keeper; one that no longer is has nothing to say of what the keeper looks at."""
        self._keeper.set(now)
        if not now:
            self._backup.set(0)
            self._complaints.clear()
            self._mailboxes.clear()

    def backed_up(self, newest: datetime | None) -> None:
        """Set when the newest backup was begun; 0 where there is none."""
        self._backup.set(newest.timestamp() if newest else 0)

    def backup_failed(self) -> None:
        """Count a backup that could not be made."""
        self._no_backup.inc()

    def restarted(self, times: int) -> None:
        """Count what happened before this process began."""
        self._restarts.inc(times)

    def figures(self) -> tuple[str, bytes]:
        """Content type and body of `/metrics`."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)
