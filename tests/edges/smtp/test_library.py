"""What the session takes from aiosmtpd 1.4: fails when a release changes it, before a mail is lost to that."""

from __future__ import annotations

import asyncio
import inspect
import re

from aiosmtpd.smtp import SMTP

from gateway.edges.smtp.session import Session
from gateway.edges.smtp.stream import Stream


def test_connection_made_still_starts_the_client_loop_and_nothing_more() -> None:
    source = inspect.getsource(SMTP.connection_made)
    for call in (
        "self._set_rset_state()",
        "self._create_session()",
        "self._reset_timeout()",
        "self.loop.create_task(",
        "self._handle_client()",
    ):
        assert source.count(call) == 1, call
    assert set(re.findall(r"self\.(\w+)", source)) <= {
        "_set_rset_state",
        "session",
        "_create_session",
        "_reset_timeout",
        "_original_transport",
        "transport",
        "_reader",
        "_writer",
        "_tls_protocol",
        "_tls_handshake_okay",
        "_handle_hooks",
        "_handler_coroutine",
        "_handle_client",
        "envelope",
        "loop",
    }


def test_the_second_life_of_connection_made_is_unreachable() -> None:
    source = inspect.getsource(SMTP.connection_made)
    assert "seen_starttls = (self._original_transport is not None)" in source  # ours stays None: STARTTLS is asyncio's start_tls


def test_every_callback_of_the_transport_is_ours() -> None:
    for name in (
        "data_received",
        "eof_received",
        "connection_lost",
        "pause_writing",
        "resume_writing",
        "_reset_timeout",
        "_set_rset_state",
    ):
        assert name in vars(Stream), name
    assert Session._handle_client is not SMTP._handle_client


def test_no_verb_of_the_library_can_be_reached() -> None:
    source = inspect.getsource(inspect.getmodule(Session) or Session)
    assert "smtp_" not in source.replace("aiosmtpd", "")
    assert "_smtp_methods" not in source


async def test_the_task_that_serves_a_client_is_kept_by_the_library() -> None:
    assert "self._handler_coroutine = self.loop.create_task(" in inspect.getsource(SMTP.connection_made)
    assert issubclass(SMTP, asyncio.StreamReaderProtocol)
