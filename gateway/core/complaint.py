"""Reads complaints: feedback reports (ARF, RFC 5965) and what mailbox providers send instead; reports about authentication apart.

Who complained is looked for in the returned message first, then in the report's fields, never in its words (R-STD-65). A report
that is not whole changes nothing.
"""

from __future__ import annotations

import re

from gateway.core.delivery_report import address_in
from gateway.core.provider_of import OTHER, UNKNOWN, provider_of
from gateway.core.returned import Fields, Returned, tokens_in
from gateway.core.signal import Effect, Reported, Signal, Told
from gateway.core.unpack import RETURNED, Mail, Part, first, head_of

FEEDBACK = "message/feedback-report"
MOST_FIELDS = 8_192

_OPT_OUT = frozenset({"opt-out", "opt-out-list", "optout", "unsubscribe"})
_AUTHENTICATION = frozenset({"auth-failure", "dkim", "dmarc", "spf"})
_CONTENT = frozenset({"not-spam", "miscategorized"})
_AGGREGATE = re.compile(r"report[ -]domain:.{1,300}(?:submitter:|report[ -]id:)", re.IGNORECASE)
_PACKED = re.compile(r"(?:application|text)/(?:(?:x-)?(?:zip|gzip)(?:-compressed)?|xml|tlsrpt\+(?:gzip|json)|octet-stream)")
_FIELDS = re.compile(rb"^feedback-type:", re.IGNORECASE | re.MULTILINE)
_JUNK_REPORT = re.compile(r"complaint about message from |(?:email|e-mail) (?:feedback|abuse) report|abuse report", re.IGNORECASE)
_WHO = ("original-rcpt-to", "removal-recipient", "redacted-address")
_WHO_RETURNED = ("x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "x-apparently-to", "to")


def complaint(mail: Mail, back: Returned) -> Signal | None:
    """The signal of a report by a recipient or a mailbox provider; None for any other mail."""
    if _about_authentication(mail):
        return _nothing(Told.AUTH_FAILURE_REPORT, "report about authentication")
    report = next((part for part in mail.parts if part.kind == FEEDBACK), None)
    if report is None and any(part.kind in RETURNED for part in mail.parts):
        report = next(
            (part for part in mail.parts if part.kind not in RETURNED and _FIELDS.search(part.content[:MOST_FIELDS])), None
        )
    if report is not None or mail.parameters.get("report-type", "").lower() == "feedback-report":
        return _feedback(mail, report, back)
    if first(back.fields, "x-hmxmroriginalrecipient") or (
        _JUNK_REPORT.match(mail.one("subject")) and any(part.kind in RETURNED for part in mail.parts)
    ):
        return _complained(mail, back, (), "junk report with the message it is about")
    return None


def _feedback(mail: Mail, report: Part | None, back: Returned) -> Signal:
    """RFC 5965 2: three parts, the second of fields, the third the message or its head."""
    if report is None:
        return _nothing(Told.MALFORMED, "feedback report without its fields")
    fields = head_of(_block(report))[0]
    kind = first(fields, "feedback-type").strip().lower()
    if not kind:
        return _nothing(Told.MALFORMED, "feedback report of no type")
    if kind in _AUTHENTICATION or first(fields, "auth-failure"):
        return _nothing(Told.AUTH_FAILURE_REPORT, f"feedback-type {kind if kind in _AUTHENTICATION else 'auth-failure'}")
    if not back.fields and not any(part.kind in RETURNED for part in mail.parts):
        return _nothing(Told.MALFORMED, "feedback report without the message it is about")
    if kind in _CONTENT:
        return _nothing(Told.RECEIPT, f"feedback-type {kind}")
    if kind in _OPT_OUT:
        return _complained(mail, back, fields, "feedback-type opt-out", Told.OPT_OUT)
    known = kind if kind in ("abuse", "fraud", "virus", "other") else "other"
    return _complained(mail, back, fields, f"feedback-type {known}")


def _block(report: Part) -> bytes:
    """The fields of a report; where a part has them below other words, from the empty line before them."""
    content = report.content.replace(b"\r\n", b"\n").lstrip(b"\n")
    found = None if report.kind == FEEDBACK else _FIELDS.search(content)
    return content[content.rfind(b"\n\n", 0, found.start()) + 2 :] if found and b"\n\n" in content[: found.start()] else content


def _about_authentication(mail: Mail) -> bool:
    """DMARC and TLS aggregate reports (RFC 7489 7.2.1.1, 8460 5.3)."""
    if mail.parameters.get("report-type", "").lower() == "tlsrpt" or first(mail.fields, "tls-report-domain"):
        return True
    return bool(_AGGREGATE.search(mail.one("subject"))) and (len(mail.parts) > 1 or _PACKED.fullmatch(mail.kind) is not None)


def _complained(mail: Mail, back: Returned, fields: Fields, why: str, told: Told = Told.COMPLAINT) -> Signal:
    who = [address_in(value) for name in _WHO_RETURNED[:1] for known, value in back.fields if known == name]
    who += [address_in(value) for name in _WHO for known, value in fields if known == name]
    who += [_mailbox(value) for name in _WHO_RETURNED[1:] for known, value in back.fields if known == name]
    address = next((one for one in who if "@" in one and not one.startswith("redacted")), "")
    tokens = tuple(dict.fromkeys((*back.tokens, *tokens_in(value for _, value in fields))))
    reported = (Reported(address, hard=None, original=address),) if address else ()
    return Signal(
        told,
        Effect.SUPPRESS,
        why,
        reported=reported,
        tokens=tokens,
        provider=_provider(mail, address),
        message_id=back.message_id,
        machine=True,
    )


def _mailbox(value: str) -> str:
    found = re.search(r"[^\s<>,;:\"()@]{1,128}@[^\s<>,;:\"()@]{1,255}", value)
    return found[0] if found else ""


def _provider(mail: Mail, address: str) -> str:
    """The complainer's provider, else the reporter's own domain, else unknown."""
    for domain in (address.rpartition("@")[2].lower(), _mailbox(mail.one("from")).rpartition("@")[2].lower()):
        labels = domain.split(".")
        for at in range(max(len(labels) - 1, 0)):
            if (name := provider_of(".".join(labels[at:]))) != OTHER:
                return name
    return OTHER if address else UNKNOWN


def _nothing(told: Told, why: str) -> Signal:
    return Signal(told, Effect.NONE, why, machine=True)
