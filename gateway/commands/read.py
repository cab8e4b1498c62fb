"""`gateway read`: what the gateway understands of mail that came back, one JSON line a file or a row. Records and sends nothing."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, out, say, stop

if TYPE_CHECKING:
    from gateway.core.intent import Understanding
    from gateway.core.signal import Signals

MOST_BYTES = 64 << 20
_NAME = re.compile(r"[!-9;-~]{1,80}")
_OURS = frozenset({"content-transfer-encoding", "mime-version", "subject", "content-length"})


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("read")(read)


def read(
    files: Annotated[
        list[str] | None, typer.Argument(help="Messages as they arrived; `-` reads JSON lines from standard input.")
    ] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read {"id", "subject", "text", "headers"} a line from standard input.')
    ] = False,
    config: Config = DEFAULT_CONFIG,  # noqa: ARG001  taken as every command takes it; nothing of it is needed
) -> None:
    """Print what each message tells: its kind, of whom, which rights it invokes, what would follow, how sure, and why."""
    if not files and not jsonl:
        stop("Name a file, or read rows with --jsonl.", 2)
    from gateway.edges.intent_file import load_understanding

    understanding = load_understanding()
    unread = 0
    for name in files or []:
        unread += _rows(understanding) if name == "-" else _file(name, understanding)
    if jsonl and "-" not in (files or []):
        unread += _rows(understanding)
    if unread:
        raise typer.Exit(1)


def _file(name: str, understanding: Understanding) -> int:
    """One line about one file; 1 where it cannot be read."""
    try:
        with Path(name).open("rb") as stream:
            data = stream.read(MOST_BYTES)
    except OSError as failure:
        say(f"{name}: {failure.strerror or 'cannot be read'}.")
        return 1
    _tell({"file": name}, data, understanding)
    return 0


def _rows(understanding: Understanding) -> int:
    """One line about each row of standard input; how many were none."""
    unread = 0
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        row = _row(line)
        if row is None:
            say(f"Line {number}: not a JSON object.")
            unread += 1
            continue
        _tell({"id": row.get("id")}, message_of(row), understanding)
    return unread


def _row(line: bytes) -> dict[str, object] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def message_of(row: Mapping[str, object]) -> bytes:
    """The message a row stands for: its headers, a mapping or a list of pairs, its subject and its text."""
    lines: list[str] = []
    kind = "text/plain; charset=utf-8"
    for name, value in _pairs(row.get("headers")):
        if name.lower() == "content-type":
            kind = value if value.lower().startswith("multipart/report") else kind
        elif name.lower() not in _OURS or (name.lower() == "subject" and row.get("subject") is None):
            lines.append(f"{name}: {value}")
    if row.get("subject") is not None:
        lines.append(f"Subject: {_one_line(row['subject'])}")
    text = row.get("text")
    head = "\r\n".join([*lines, f"Content-Type: {kind}", "", ""])
    return (head + (text if isinstance(text, str) else "")).encode("utf-8", "replace")


def _pairs(headers: object) -> Iterator[tuple[str, str]]:
    listed: Sequence[object] = list(headers.items()) if isinstance(headers, dict) else headers if isinstance(headers, list) else []
    for pair in listed:
        match pair:
            case [str(name), list(values)] | (str(name), list(values)):
                found = [(name, value) for value in values]
            case [str(name), value] | (str(name), value):
                found = [(name, value)]
            case {"name": str(name), "value": value}:
                found = [(name, value)]
            case _:
                found = []
        yield from ((name, _one_line(value)) for name, value in found if _NAME.fullmatch(name))


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _tell(what: dict[str, object], data: bytes, understanding: Understanding) -> None:
    from gateway.core.incoming import read_mail

    out(json.dumps(what | told(read_mail(data, None, understanding)), ensure_ascii=False))
    sys.stdout.flush()


def told(signals: Signals) -> dict[str, object]:
    """What a message tells as the command says it: the strongest effect, and the rights and recipients of every signal.

    A rights request gives its name to the whole, whatever else is asked beside it: a person must see it (R-FR-59).
    """
    from gateway.core.signal import Effect, Told

    weights = list(Effect)
    strongest = min(signals, key=lambda signal: weights.index(signal.effect))
    request = next((signal for signal in signals if signal.told is Told.RIGHTS_REQUEST), None)
    reported = [one for signal in signals for one in signal.reported]
    return {
        "kind": (request or signals[0]).told.value,
        "recipients": [{"address": one.original or one.address, "status": one.status, "hard": one.hard} for one in reported],
        "rights": list(dict.fromkeys(right.value for signal in signals for right in signal.rights)),
        "effect": strongest.effect.value,
        "confidence": round(strongest.confidence, 3),
        "why": "; ".join(dict.fromkeys(signal.why for signal in signals)),
    }
