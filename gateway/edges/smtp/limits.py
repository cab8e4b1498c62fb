"""Every bound of an SMTP listener with its default (reliability 4.3): the operator may change each, nothing else is unbounded."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one listener: octets, counts and seconds."""

    size: int = 25 * MIB
    """Largest message, announced as SIZE (RFC 1870)."""
    recipients: int = 100
    """Accepted recipients of one message (RFC 5321 4.5.3.1.8)."""
    recipients_refused: int = 1_000
    """Refused recipients of one message; beyond, nobody is asked any more."""
    body_line: int = 64 * KIB
    """Longest text line accepted, CRLF included."""
    command_line: int = 512
    """Longest command, CRLF included (RFC 5321 4.5.3.1.4)."""
    path_line: int = 1024
    """Longest MAIL or RCPT before their parameters' own allowance."""
    parameters: int = 528
    """What RET, ENVID, NOTIFY and ORCPT may add to MAIL and RCPT (RFC 3461 5.4)."""
    auth_answer: int = 1024
    """Longest base64 answer of an AUTH exchange."""
    local_part: int = 64
    domain: int = 255

    errors: int = 10
    """Faults of protocol in one session; addresses and content refused do not count."""
    unknown_commands: int = 5
    auth_failures: int = 3
    """Failed logins on one connection."""
    auth_failures_per_minute: int = 10
    """Failed logins of one account from one address, and of one account from all addresses that failed before."""
    auth_accounts_watched: int = 10_000
    idle_commands: int = 100
    """NOOP, RSET, VRFY, HELP, HELO and EHLO between two transactions."""
    messages: int = 1_000
    """Transactions of one session."""

    connections: int = 500
    """Sessions at once; under implicit TLS one begins with the end of its handshake, which `tls_handshake` bounds."""
    connections_per_address: int = 200

    session: float = 1_800.0
    """Longest session; a message being received or judged is finished first."""
    idle: float = 300.0
    """Wait for the next command (RFC 5321 4.5.3.2.7)."""
    idle_before_auth: float = 60.0
    command: float = 60.0
    """From a command's first octet to its CRLF, and between two BDAT."""
    data: float = 600.0
    """From 354 to the end of data."""
    data_grace: float = 30.0
    """How long a message may come as slowly as it likes; from then on `data_rate` holds."""
    data_rate: int = 500
    """Least octets per second, averaged over the message."""
    tls_handshake: float = 10.0
    proxy_header: float = 5.0
    """How long a balancer may take to say for whom it connects; a lost segment alone takes 3 s (proxy-protocol.txt 2)."""
    answer: float = 300.0
    """Longest wait for a desk's answer."""
    greeting_delay: float = 0.0
    """How long the greeting is held back to catch those who speak before it."""
    linger: float = 1.0
    """How long a connection is drained after a closing reply, so that the reply is not lost to a TCP reset."""

    large: int = 256 * KIB
    """From this size on a message needs one of the large-message slots."""
    large_slots: int = 4
    large_wait: float = 120.0
    """How long a large message waits for its slot before 452."""
