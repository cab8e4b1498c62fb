"""Plays a dialogue written down in `tests/dialogs/*.smtp` against a listener.

@ kind=inbound size=100      the listener's kind and limits, on the first lines
C: EHLO client.example       the client sends this line and CRLF; consecutive client lines go in one write
C= a\\x00b\\n                 the client sends these octets, Python's escapes undone, nothing added
S: 250 2.1.0                 the next reply line begins so
S* 250                       the rest of a reply: all its lines begin so
S.                           the server hangs up
> a line                     the message the desk got last holds this line
# a remark
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.terms import Kind
from tests.support.smtp import PLAIN, Client, Door, door


@dataclass
class Dialog:
    """One file, parsed."""

    kind: Kind = Kind.SUBMISSION
    limits: dict[str, Any] = field(default_factory=dict)
    steps: list[tuple[str, str]] = field(default_factory=list)


def parse(path: Path) -> Dialog:
    """Read a dialogue."""
    dialog = Dialog()
    for line in path.read_text(encoding="utf-8").splitlines():
        mark, text = line[:2], line[3:]
        match mark:
            case "@ ":
                for word in line[2:].split():
                    name, _, value = word.partition("=")
                    if name == "kind":
                        dialog.kind = Kind(value)
                    else:
                        dialog.limits[name] = type(getattr(Limits(), name))(value)
            case "C:" | "C=" | "S:" | "S*" | "S.":
                dialog.steps.append((mark, text.replace("{PLAIN}", PLAIN)))
            case "> ":
                dialog.steps.append((mark, line[2:]))
            case "" | "# " | "#":
                continue
            case _:
                raise ValueError(f"{path.name}: {line!r}")
    return dialog


async def play(path: Path) -> None:
    """Hold the dialogue; fails at the first line that differs."""
    dialog = parse(path)
    async with door(limits=Limits(**dialog.limits), kind=dialog.kind) as house:
        client = await house.client()
        outgoing = b""
        lines: list[str] = []
        for mark, text in dialog.steps:
            if mark in ("C:", "C="):
                outgoing += text.encode() + b"\r\n" if mark == "C:" else text.encode().decode("unicode_escape").encode("latin-1")
                continue
            if outgoing:
                client.send(outgoing)
                outgoing = b""
            lines = await _check(mark, text, lines, client, house)
        client.close()


async def _check(mark: str, text: str, lines: list[str], client: Client, house: Door) -> list[str]:
    if mark == "> ":
        data = house.desk.sent[-1].data or b""
        assert text.encode() in data.split(b"\r\n")
        return lines
    if mark == "S.":
        assert not lines
        assert await client.reply() == ""
        return lines
    lines = lines or (await client.reply()).split("\n")
    if mark == "S:":
        assert lines[0].startswith(text), (lines, text)
        return lines[1:]
    assert all(line.startswith(text) for line in lines), (lines, text)
    return []
