"""One transaction as it goes on the wire: the MAIL and RCPT lines, or the refusal that needs no next hop.

Pure: `still`, the journey's last word, is only carried. Nothing with a control character, and nothing the next hop did not
announce, ever becomes a command.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.model import Fate, Features, Outcome, Stage
from gateway.flow.ports import Addressee, Envelope, Still

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_XTEXT = re.compile("[!-~]*")


@dataclass(frozen=True, slots=True)
class Order:
    """One message for one recipient."""

    sender: str
    addressee: Addressee
    envelope: Envelope
    body: Sequence[bytes | memoryview]
    size: int
    still: Still | None = None

    def fault(self) -> Outcome | None:
        """Why this may be said to nobody: control characters in an address or a parameter."""
        if _unsafe(self.sender):
            return _refused(Stage.MAIL, 553, "5.1.7", "Control character in the sender address")
        if _unsafe(self.addressee.address) or not self.addressee.address:
            return _refused(Stage.RCPT, 553, "5.1.3", "Control character in the recipient address")
        given = (self.envelope.ret, self.envelope.envid, self.addressee.notify, self.addressee.orcpt)
        if any(given) and not all(_XTEXT.fullmatch(parameter) for parameter in given):
            return _refused(Stage.MAIL, 501, "5.5.4", "Malformed DSN parameter")
        return None

    def unfit(self, features: Features) -> Outcome | None:
        """Why this next hop cannot take it (R-STD-16, R-STD-17; RFC 1870 6)."""
        if not features.smtputf8:
            if not (self.sender.isascii() and self.addressee.address.isascii()):
                return _refused(Stage.RCPT, 553, "5.6.7", "Address needs SMTPUTF8, next hop lacks it")
            if self.envelope.smtputf8:
                return _refused(Stage.DATA, 554, "5.6.9", "Message needs SMTPUTF8, next hop lacks it")
        if features.size and self.size > features.size:
            return _refused(Stage.MAIL, 552, "5.3.4", "Message too big for the next hop")
        if not features.eight_bit and not all(bytes(chunk).isascii() for chunk in self.body):
            return _refused(Stage.DATA, 554, "5.6.3", "Message is 8-bit, next hop lacks 8BITMIME")
        return None

    def mail(self, features: Features) -> bytes:
        """The MAIL line; SIZE is the real size, announced wherever SIZE is (0 means no limit, RFC 1870 4)."""
        line = f"MAIL FROM:<{self.sender}>"
        if features.size:
            line += f" SIZE={self.size}"
        if features.eight_bit and self.envelope.eight_bit:
            line += " BODY=8BITMIME"
        if features.smtputf8 and self._international:
            line += " SMTPUTF8"
        if features.dsn:
            line += _parameter("RET", self.envelope.ret) + _parameter("ENVID", self.envelope.envid)
        return line.encode() + b"\r\n"

    def rcpt(self, features: Features) -> bytes:
        """The RCPT line; DSN parameters only to a DSN next hop (R-STD-55)."""
        line = f"RCPT TO:<{self.addressee.address}>"
        if features.dsn:
            line += _parameter("NOTIFY", self.addressee.notify) + _parameter("ORCPT", self.addressee.orcpt)
        return line.encode() + b"\r\n"

    @property
    def _international(self) -> bool:
        return self.envelope.smtputf8 or not (self.sender.isascii() and self.addressee.address.isascii())


def order(
    sender: str, addressee: Addressee, envelope: Envelope, body: Sequence[bytes | memoryview], still: Still | None = None
) -> Order:
    """The order with its size counted."""
    return Order(sender, addressee, envelope, body, sum(map(len, body)), still)


def _unsafe(address: str) -> bool:
    return not address.isprintable() and _UNSAFE.search(address) is not None  # nothing unsafe is printable


def _parameter(name: str, value: str) -> str:
    return f" {name}={value}" if value else ""


def _refused(stage: Stage, code: int, enhanced: str, text: str) -> Outcome:
    return Outcome(Fate.REFUSED, stage, code, enhanced, text)
