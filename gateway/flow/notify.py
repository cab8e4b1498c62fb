"""Tells a tool, by delivery status notification, what became of mail it no longer waits for (RFC 3464, R-STD-57).

Only for mail we took; never for a null return path; at most one for a message and recipient; headers only, no content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.dsn import Action, Failure, report, wants_failure, wants_success
from gateway.core.model import Fate, Outcome, Ref, Stage, Stream
from gateway.core.reply import Reply, for_outcome
from gateway.core.routes import Routes
from gateway.flow.ports import Addressee, Clock, Envelope, Spool

OWN_MAIL = ""
"""The tool name on envelopes of our own reports."""

LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CameBack:
    """A failure of one person's mail that came back to us: what the tool had asked for, and what we know of the mail for sure.

    `header` holds fields of the mail, `arrived` is when we had it. The same `once` makes the same report: a second copy of it,
    after a crash, is known as one by its Message-ID.
    """

    stream: Stream
    routes: Routes
    recipient: str
    orcpt: str
    status: str
    header: bytes
    arrived: datetime
    once: str


class Notifications:
    """Writes reports into the spool, to be sent from `<>` like any other kept mail."""

    def __init__(
        self,
        spool: Spool,
        streams: Mapping[str, Stream],
        hostname: str,
        random: Callable[[], str],
        wake: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._spool = spool
        self._streams = streams
        self._hostname = hostname
        self._random = random
        self._wake = wake
        self._clock = clock

    async def failed(self, envelope: Envelope, addressee: Addressee, message: bytes, why: Reply, arrived: datetime) -> None:
        """Report one recipient who did not and will not get the mail, unless the tool asked not to hear."""
        if wants_failure(addressee.notify):
            await self._report(envelope, addressee, message, why, arrived, Action.FAILED)

    async def relayed(self, envelope: Envelope, addressee: Addressee, message: bytes, answer: Reply, arrived: datetime) -> None:
        """Report a delivery that a next hop without DSN will not confirm, where the tool asked for it (RFC 3461 5.2.2)."""
        if wants_success(addressee.notify):
            await self._report(envelope, addressee, message, answer, arrived, Action.RELAYED)

    async def _report(
        self, envelope: Envelope, addressee: Addressee, message: bytes, why: Reply, arrived: datetime, action: Action
    ) -> None:
        stream = self._streams.get(envelope.stream)
        if not envelope.sender or stream is None:
            return
        now = self._clock.now()
        failure = Failure(
            reporting_mta=self._hostname,
            return_path=envelope.sender,
            recipient=addressee.address,
            action=action,
            status=why.enhanced,
            diagnostic=why.line().decode("ascii").strip(),
            arrived_at=arrived,
            last_attempt_at=now,
            header=message[: message.find(b"\r\n\r\n") + 4],
            message_id=f"<{self._random()}@{self._hostname}>",
            language=stream.language,
            envelope_id=envelope.envid,
            orcpt=addressee.orcpt,
            smtputf8=envelope.smtputf8,
        )
        await self._keep(stream, failure, now)

    async def returned(self, back: CameBack) -> None:
        """Report a failure that a mail system further on reported to us, after we had handed the mail over (R-STD-56)."""
        code = 450 if back.status.startswith("4") else 550
        why = for_outcome(Outcome(Fate.REFUSED, Stage.END, code, back.status, "reported by a mail system behind it"))
        now = self._clock.now()
        failure = Failure(
            reporting_mta=self._hostname,
            return_path=back.routes.return_path,
            recipient=back.recipient,
            action=Action.FAILED,
            status=why.enhanced,
            diagnostic=why.line().decode("ascii").strip(),
            arrived_at=back.arrived,
            last_attempt_at=now,
            header=back.header,
            message_id=f"<{back.once}@{self._hostname}>",
            language=back.stream.language,
            envelope_id=back.routes.envid,
            orcpt=back.orcpt,
            smtputf8=not back.recipient.isascii(),
        )
        await self._keep(back.stream, failure, now)

    async def _keep(self, stream: Stream, failure: Failure, now: datetime) -> None:
        body = report(failure, now, self._random())
        own = Envelope(OWN_MAIL, stream.name, "", smtputf8=not body.isascii(), eight_bit=not body.isascii())
        to = ((Addressee(failure.return_path, notify="NEVER"), Ref("")),)
        await self._spool.keep(own, body, to, now, now + LIFE)
        self._wake()
