"""JSON lines on stderr, one an event; implements `ports.Log`. The last guard of R-DP-06: what looks like an address is masked.

Callers must not pass addresses, subjects or secrets in the first place; the guard only catches a slip.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import TextIO

import structlog

MASK = "[masked]"
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SIGNS = ("@", "%40", "\uff20")


class JsonLog:
    """Writes each line at once; a fact named like one of the line's own fields is a programming error."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._logger = structlog.wrap_logger(
            structlog.WriteLogger(out or sys.stderr),
            processors=[
                _mask,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
                structlog.processors.EventRenamer("what"),
                structlog.processors.JSONRenderer(serializer=_dump),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        ).bind()

    def say(self, what: str, **facts: str | int | float | bool) -> None:
        """Write the line."""
        self._logger.info(what, **facts)


class LibraryLog(logging.Handler):
    """Turns what libraries log (uvicorn, asyncio, aiosmtpd) into our lines: level, logger, words; of an exception only its type.

    Exception texts and tracebacks may quote mail, so they stay out.
    """

    def __init__(self, log: JsonLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one library record."""
        fault, where = "", ""
        if record.exc_info and record.exc_info[0]:
            fault = record.exc_info[0].__name__
            trace = record.exc_info[2]
            while trace and trace.tb_next:
                trace = trace.tb_next
            where = f"{trace.tb_frame.f_globals.get('__name__', '')}:{trace.tb_lineno}" if trace else ""
        words = str(record.msg).partition("\n")[0][:200]
        self._log.say("library", logger=record.name, level=record.levelname.lower(), words=words, fault=fault, where=where)


def adopt_libraries(log: JsonLog) -> None:
    """Send every library's warnings through our lines, and only there."""
    logging.basicConfig(handlers=[LibraryLog(log)], level=logging.WARNING, force=True)


def _mask(_: object, __: str, line: MutableMapping[str, object]) -> MutableMapping[str, object]:
    for name, value in line.items():
        if isinstance(value, str) and any(sign in value for sign in _SIGNS):
            line[name] = MASK
    return line


def _dump(line: object, **_: object) -> str:
    return _ENCODE(line)
