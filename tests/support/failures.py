"""Reports of failure as mail systems write them, for mail that came back to a return path of ours."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP


def report(
    to: str,
    recipient: str,
    status: str = "5.1.1",
    action: str = "failed",
    original: str = "",
    message_id: str = "",
    said: str = "smtp; 550 User unknown",
    others: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """A delivery status notification (RFC 3464); `others` are further recipients with their statuses."""
    groups = [(recipient, status), *others]
    fields = "\r\n\r\n".join(
        "\r\n".join(
            [
                *([f"Original-Recipient: rfc822;{original}"] if original and one == recipient else []),
                f"Final-Recipient: rfc822;{one}",
                f"Action: {action}",
                f"Status: {how}",
                f"Diagnostic-Code: {said}",
            ]
        )
        for one, how in groups
    )
    returned = f"From: Maison <news@maison.example>\r\nTo: {recipient}\r\nSubject: Septembre\r\n"
    returned += f"Message-ID: {message_id}\r\n" if message_id else ""
    parts = (
        ("text/plain", "This mail could not be delivered."),
        ("message/delivery-status", f"Reporting-MTA: dns; mx.example.org\r\n\r\n{fields}"),
        ("text/rfc822-headers", returned),
    )
    body = "".join(f"--=r\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts)
    head = _head(to, "Undelivered Mail Returned to Sender", 'multipart/report; report-type=delivery-status; boundary="=r"')
    return f"{head}\r\n{body}--=r--\r\n".encode()


def complaint(to: str, recipient: str) -> bytes:
    """A feedback report (RFC 5965)."""
    parts = (
        ("text/plain", "This is an email abuse report."),
        ("message/feedback-report", "Feedback-Type: abuse\r\nUser-Agent: FBL/1\r\nVersion: 1"),
        ("message/rfc822", f"From: news@maison.example\r\nTo: {recipient}\r\nMessage-ID: <x@maison.example>\r\n\r\nBonjour"),
    )
    body = "".join(f"--=r\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts)
    head = _head(to, "complaint", 'multipart/report; report-type=feedback-report; boundary="=r"')
    return f"{head}\r\n{body}--=r--\r\n".encode()


def vacation(to: str, author: str) -> bytes:
    """What answers by itself while somebody is away."""
    message = EmailMessage()
    for name, value in {"From": author, "To": to, "Subject": "Absence", "Auto-Submitted": "auto-replied"}.items():
        message[name] = value
    message.set_content("I am away until Monday.")
    return message.as_bytes(policy=SMTP)


def _head(to: str, subject: str, kind: str) -> str:
    fields = {
        "From": "Mail Delivery System <MAILER-DAEMON@mx.example.org>",
        "To": to,
        "Subject": subject,
        "Date": "Tue, 03 Mar 2026 09:00:00 +0000",
        "Message-ID": "<report.1@mx.example.org>",
        "Auto-Submitted": "auto-replied",
        "MIME-Version": "1.0",
        "Content-Type": kind,
    }
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())
