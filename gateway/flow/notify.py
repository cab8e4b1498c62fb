"""Tells a tool, by delivery status notification, what became of mail it no longer waits for (RFC 3464, R-STD-57).

Only for mail we took; never for a null return path; at most one for a message and recipient; headers only, no content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from gateway.core.dsn import Action, Failure, report, wants_failure, wants_success
from gateway.core.model import Ref, Stream
from gateway.core.reply import Reply
from gateway.flow.ports import Addressee, Clock, Envelope, Spool

OWN_MAIL = ""
"""The tool name on envelopes of our own reports."""

LIFE = timedelta(days=1)


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
        body = report(failure, now, self._random())
        own = Envelope(OWN_MAIL, stream.name, "", smtputf8=not body.isascii(), eight_bit=not body.isascii())
        to = ((Addressee(envelope.sender, notify="NEVER"), Ref("")),)
        await self._spool.keep(own, body, to, now, now + LIFE)
        self._wake()
