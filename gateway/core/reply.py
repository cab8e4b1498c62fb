"""The one table of everything the gateway says over SMTP (rules.md C6); `docs/replies.md` is generated from it.

Replies are ASCII, hold no address and no text of anybody else's choosing except a cleaned next-hop answer, and fit 512 octets.
Our own faults are 4xx; a 5xx is always about the message, the session's order, or a recorded decision.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import assert_never

from gateway.core.model import Fate, Outcome, Ref, Stage
from gateway.core.verdict import Reason

MAX_TEXT = 400
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP answer: `close` means the session ends after it; `when` says, for the docs, in which case it is given."""

    code: int
    enhanced: str
    text: str
    token: str = ""
    when: str = ""
    close: bool = False
    ref: Ref | None = None

    @property
    def positive(self) -> bool:
        """Whether the client may go on (2xx or 3xx)."""
        return self.code < 400

    def about(self, ref: Ref | None) -> Reply:
        """The same answer quoting a journal entry."""
        return Reply(self.code, self.enhanced, self.text, self.token, self.when, self.close, ref)

    def line(self) -> bytes:
        """The bytes on the wire, CRLF included; never more than 512 octets."""
        words = [str(self.code), self.enhanced, f"[{self.token}]" if self.token else "", clean(self.text)]
        if self.ref:
            words.append(f"ref={self.ref}")
        line = " ".join(word for word in words if word)
        return (line if " " in line else f"{line} ").encode("ascii") + b"\r\n"  # RFC 4954 4: `334 ` keeps its space


def clean(text: str) -> str:
    """Foreign text made safe to quote in a reply: printable ASCII on one line, cut short."""
    if not (text.isascii() and text.isprintable()):
        text = _UNPRINTABLE.sub(" ", text)
    return text.strip()[:MAX_TEXT]


ALL: list[Reply] = []


def _reply(code: int, enhanced: str, text: str, when: str, token: str = "", close: bool = False) -> Reply:
    reply = Reply(code, enhanced, text, token, when, close)
    ALL.append(reply)
    return reply


# Session
BYE = _reply(221, "2.0.0", "Bye", "QUIT", close=True)
RESET = _reply(250, "2.0.0", "Reset", "RSET")
NOTED = _reply(250, "2.0.0", "OK", "NOOP")
CANNOT_VERIFY = _reply(252, "2.5.0", "Cannot verify, send some mail and see", "VRFY")
HELP = _reply(214, "2.0.0", "See the gateway's documentation", "HELP")
START_TLS = _reply(220, "2.0.0", "Ready to start TLS", "STARTTLS")
SHUTTING_DOWN = _reply(421, "4.3.2", "Shutting down, try again", "the gateway stops", close=True)
TOO_BUSY = _reply(421, "4.3.2", "Too many connections, try again later", "connection limit reached", close=True)
TIMED_OUT = _reply(421, "4.4.2", "Timeout", "idle or too slow", close=True)
TOO_MANY_ERRORS = _reply(421, "4.7.0", "Too many errors", "10 errors in one session", close=True)
SESSION_OVER = _reply(421, "4.3.2", "Session limit reached, reconnect", "messages or time of one session", close=True)
NOT_SMTP = _reply(521, "5.7.0", "This is an SMTP server", "an HTTP request arrives", close=True)
TOO_EARLY = _reply(554, "5.5.0", "Client spoke too early", "bytes before the greeting, or across a boundary", close=True)
UNKNOWN_COMMAND = _reply(500, "5.5.2", "Command not recognized", "unknown verb")
LINE_TOO_LONG = _reply(500, "5.5.2", "Command line too long", "command over its limit")
BAD_LINE = _reply(500, "5.5.2", "Commands end with CRLF and are ASCII", "bare CR, LF or NUL in a command", close=True)
NOT_IMPLEMENTED = _reply(502, "5.5.1", "Command not implemented", "EXPN and the like")
BAD_SEQUENCE = _reply(503, "5.5.1", "Bad sequence of commands", "order of commands")
BAD_ARGUMENTS = _reply(501, "5.5.4", "Syntax error in arguments", "arguments do not parse")
UNKNOWN_PARAMETER = _reply(555, "5.5.4", "Parameter not recognized", "unknown MAIL or RCPT parameter")
INTERNAL = _reply(451, "4.3.0", "Local error, try again", "any fault of ours")

# AUTH
AUTH_OK = _reply(235, "2.7.0", "Authentication successful", "AUTH")
TLS_REQUIRED = _reply(530, "5.7.0", "Issue STARTTLS first", "AUTH or MAIL in clear", "TLS-REQUIRED")
AUTH_REQUIRED = _reply(530, "5.7.0", "Authenticate first", "MAIL before AUTH", "AUTH-REQUIRED")
AUTH_EMPTY_CHALLENGE = _reply(334, "", "", "AUTH PLAIN without initial response")
AUTH_USERNAME = _reply(334, "", "VXNlcm5hbWU6", "AUTH LOGIN asks for the login")
AUTH_PASSWORD = _reply(334, "", "UGFzc3dvcmQ6", "AUTH LOGIN asks for the secret")
AUTH_BAD = _reply(535, "5.7.8", "Credentials invalid", "wrong tool name or secret")
AUTH_TOO_MANY = _reply(
    421, "4.7.0", "Too many failed logins, try again later", "3 failures on one connection, or throttled", close=True
)
AUTH_MECHANISM = _reply(504, "5.5.4", "Mechanism not supported", "AUTH with another mechanism")
AUTH_ABORTED = _reply(501, "5.7.0", "Authentication cancelled", "client sent *")
AUTH_DECODING = _reply(501, "5.5.2", "Cannot decode the credentials", "bad base64, or over-long answer")
AUTH_DOWN = _reply(454, "4.7.0", "Cannot check credentials now", "the store of tools cannot be read")
TOOL_DISABLED = _reply(525, "5.7.13", "This credential is revoked", "a revoked tool logs in")

# MAIL and RCPT
SENDER_OK = _reply(250, "2.1.0", "Sender OK", "MAIL")
RECIPIENT_OK = _reply(250, "2.1.5", "Recipient OK", "RCPT allowed, or withheld")
BAD_SENDER = _reply(501, "5.1.7", "Sender address does not parse", "MAIL syntax")
BAD_RECIPIENT = _reply(501, "5.1.3", "Recipient address does not parse", "RCPT syntax")
NOT_QUALIFIED = _reply(550, "5.1.2", "Domain is not fully qualified", "RCPT or MAIL without a full domain (R-STD-23)")
UTF8_NEEDED = _reply(553, "5.6.7", "Address needs SMTPUTF8", "non-ASCII address without SMTPUTF8, or next hop lacks it")
NOT_YOURS = _reply(
    550, "5.7.1", "Sender does not belong to the advertiser", "MAIL or From outside the advertiser's domains", "IDENTITY"
)
TOO_MANY_RECIPIENTS = _reply(452, "4.5.3", "Too many recipients", "more than the limit per message")
TOO_BIG = _reply(552, "5.3.4", "Message too big", "SIZE or real size over the limit")
NO_SPACE = _reply(452, "4.3.1", "Not enough room, try again later", "disk or memory is short")
STORE_DOWN = _reply(451, "4.4.3", "Recipient's status cannot be read, try again", "consent store unreadable", "STORE-DOWN")
EVIDENCE_DOWN = _reply(451, "4.3.0", "Decision cannot be recorded, try again", "journal not writable (R-FR-91)", "EVIDENCE-DOWN")
OPTOUT_DOWN = _reply(451, "4.3.0", "Opt-out endpoint does not answer, marketing waits", "self-test fails (R-FR-52)", "OPTOUT-DOWN")

# DATA
GO_AHEAD = _reply(354, "", "End data with <CR><LF>.<CR><LF>", "DATA")
CHUNK_OK = _reply(250, "2.0.0", "Chunk received", "BDAT before LAST")
RELAYED = _reply(250, "2.0.0", "Accepted by the next hop", "one recipient, provider said 2xx")
QUEUED = _reply(250, "2.0.0", "Accepted for delivery", "kept durably, delivered in the background")
WITHHELD = _reply(250, "2.0.0", "Accepted", "every recipient withheld")
ALREADY = _reply(250, "2.0.0", "Already accepted", "a resend within 24 h")
NO_VALID_RECIPIENTS = _reply(554, "5.5.1", "No valid recipients", "DATA after every RCPT was refused")
NO_RECIPIENTS_NOW = _reply(
    451, "4.5.1", "No recipient can be taken now, try again", "DATA after every RCPT was refused, some only for now"
)
BARE_NEWLINE = _reply(
    554, "5.6.0", "Bare CR, LF or NUL in message", "anything but CRLF line ends (R-STD-03)", "BARE-LF", close=True
)
MALFORMED = _reply(550, "5.6.0", "Message is malformed", "header syntax, duplicate fields, limits", "MALFORMED")
LOOP = _reply(554, "5.4.6", "Mail loop", "too many Received, or our own stamp")
SUBJECT = _reply(550, "5.7.1", "Subject is empty, or pretends to answer", "marketing mail (R-FR-72)", "SUBJECT")
REPLY_TO = _reply(550, "5.7.1", "Nobody could answer this message", "no reply address that is read (R-FR-73)", "REPLY-TO")
TRACKER = _reply(550, "5.7.1", "Message holds an open tracker", "the pack refuses them (R-FR-75)", "TRACKER")
ALIGNMENT = _reply(
    550, "5.7.1", "From domain cannot be authenticated, see gateway check --dns", "preflight holds mail (R-MBX-05)", "ALIGNMENT"
)
NOT_ORIGINATED = _reply(
    550, "5.7.1", "Forwarded mail is not taken here", "mail of others passing through (R-MBX-18)", "NOT-ORIGINATED"
)
SIGNED_CONTENT = _reply(554, "5.6.2", "Signed or encrypted content cannot carry the notice due", "R-STD-35", "SIGNED-CONTENT")
NO_TEXT_PART = _reply(554, "5.6.2", "No text part can carry the notice due", "only attachments or opaque parts", "NO-TEXT-PART")
LINES_TOO_LONG = _reply(550, "5.6.0", "Lines over 998 octets in a part that cannot be re-encoded", "R-STD-36", "MALFORMED")
NEEDS_8BIT = _reply(554, "5.6.3", "Signed 8-bit content, next hop lacks 8BITMIME", "R-STD-16")
NOTICE_FAULT = _reply(451, "4.3.5", "Notice cannot be composed, try again", "template missing or broken", "NOTICE")
NO_DKIM_KEY = _reply(550, "5.7.1", "No DKIM key for the From domain", "R-STD-46", "NO-DKIM-KEY")
DKIM_FAULT = _reply(451, "4.3.5", "Signature cannot be made, try again", "key unreadable or self-check failed", "DKIM")
CONTENT_UTF8 = _reply(554, "5.6.9", "Message needs SMTPUTF8, next hop lacks it", "R-STD-17")
NEXT_HOP_DOWN = _reply(451, "4.4.1", "Next hop does not answer, try again", "provider unreachable")
NEXT_HOP_OURS = _reply(451, "4.3.5", "Next hop refuses this gateway, its admin has been told", "5xx at greeting, EHLO or AUTH")
NEXT_HOP_TLS = _reply(451, "4.7.5", "Next hop offers no valid TLS", "TLS required and not to be had")
ALL_REFUSED = _reply(550, "5.7.1", "Every recipient is refused now", "decided anew at DATA")
DROPPED_OPPOSED = _reply(550, "5.7.1", "Dropped: recipient opposed it meanwhile", "DSN for kept mail (R-STD-52)", "DROPPED-OPPOSED")
EXPIRED = _reply(554, "5.4.7", "Delivery time expired", "DSN for kept mail at the end of its life")
INBOUND_UNKNOWN = _reply(550, "5.1.1", "No such mailbox", "inbound listener, address without valid token")
INBOUND_OK = _reply(250, "2.0.0", "Received and recorded", "inbound mail, after the durable commit")

_TEXTS: dict[Reason, tuple[int, str, str]] = {
    Reason.OPPOSED: (550, "5.7.1", "Recipient has opposed this mail"),
    Reason.COMPLAINED: (550, "5.7.1", "Recipient has complained about this sender"),
    Reason.RESTRICTED: (550, "5.7.1", "Processing of this recipient's data is restricted"),
    Reason.BOUNCED: (550, "5.1.1", "Recipient's mailbox was reported dead"),
    Reason.PENDING: (550, "5.7.1", "Recipient answered and a person must read the answer first"),
    Reason.MINOR: (550, "5.7.1", "Recipient is a minor without parental consent"),
    Reason.NO_CONSENT: (550, "5.7.1", "No valid consent or other basis on record"),
    Reason.CONSENT_WITHDRAWN: (550, "5.7.1", "Recipient has withdrawn consent"),
    Reason.CONSENT_UNPROVEN: (550, "5.7.1", "Consent on record lacks proof"),
    Reason.IMPLIED_EXPIRED: (550, "5.7.1", "Implied consent has expired"),
    Reason.DOI_PENDING: (550, "5.7.1", "Double opt-in is not confirmed"),
    Reason.PURPOSE: (550, "5.7.1", "Consent was given for another purpose"),
    Reason.SENSITIVE: (550, "5.7.1", "Sensitive data need explicit consent"),
    Reason.B2B_RELEVANCE: (550, "5.7.1", "Professional function not recorded or not concerned"),
    Reason.UNKNOWN_RECIPIENT: (550, "5.7.1", "No record of this recipient"),
    Reason.SOURCE_MISSING: (550, "5.7.1", "Source of the address is not recorded"),
    Reason.PARTNER_NOT_NAMED: (550, "5.7.1", "Consent does not name this advertiser as partner"),
    Reason.TRANSFER_BEFORE_CONSENT: (550, "5.7.1", "Address was passed on before consent was given"),
    Reason.NOTICE_OVERDUE: (550, "5.7.1", "First-contact notice is overdue"),
    Reason.NOTICE_INCOMPLETE: (550, "5.7.1", "First-contact notice lacks a mandatory field"),
    Reason.INACTIVE: (550, "5.7.1", "Recipient has been inactive too long"),
    Reason.POSTAL_ADDRESS: (550, "5.7.1", "Advertiser's postal address is not configured"),
    Reason.IDENTITY: (550, "5.7.1", "Sender does not belong to the advertiser"),
    Reason.CATEGORY: (550, "5.7.1", "Tool may not send this category"),
    Reason.STREAM_PAUSED: (451, "4.7.0", "Stream is paused, its admin knows why"),
    Reason.STORE_DOWN: (451, "4.4.3", "Recipient's status cannot be read, try again"),
}

REFUSALS: dict[Reason, Reply] = {
    reason: _reply(code, enhanced, text, f"decision: {reason.value}", reason.value)
    for reason, (code, enhanced, text) in _TEXTS.items()
    if reason is not Reason.STORE_DOWN and reason is not Reason.IDENTITY
} | {Reason.STORE_DOWN: STORE_DOWN, Reason.IDENTITY: NOT_YOURS}


def for_outcome(outcome: Outcome) -> Reply:
    """What the tool hears of the provider's verdict on a single recipient (reliability 1.3)."""
    match outcome.fate:
        case Fate.DELIVERED:
            return RELAYED
        case Fate.REFUSED | Fate.DEFERRED:
            # Passed on, 421 would promise that we hang up (RFC 5321 3.8): it is the next hop that does.
            code = 451 if outcome.code == 421 else outcome.code
            classed = _ENHANCED.fullmatch(outcome.enhanced) and outcome.enhanced[0] == str(code)[0]
            enhanced = outcome.enhanced if classed else f"{code // 100}.0.0"
            return Reply(code, enhanced, f"next-hop: {clean(outcome.text)}")
        case Fate.UNREACHABLE | Fate.AMBIGUOUS:
            return NEXT_HOP_TLS if outcome.stage is Stage.TLS else NEXT_HOP_DOWN
        case Fate.OURS:
            return NEXT_HOP_OURS
        case Fate.WITHDRAWN:
            return ALL_REFUSED
        case _:
            assert_never(outcome.fate)
