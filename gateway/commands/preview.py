"""`gateway preview`: the exact bytes that would leave for one person now, on stdout; or why none would, on stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, run, stop

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.core.model import Stream
    from gateway.core.reply import Reply


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("preview")(preview)


def preview(
    file: Annotated[Path, typer.Argument(help="A message as a tool would send it.", dir_okay=False, exists=True)],
    stream: Annotated[str, typer.Option("--stream", help="The stream it would be sent into.")],
    to: Annotated[str, typer.Option("--to", help="The recipient.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print the exact bytes that would leave; exit 1 with the refusal when none would. Nothing is sent or recorded."""
    run(_preview(file.read_bytes(), stream, to, config))


async def _preview(raw: bytes, stream: str, to: str, config: Path) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.NOTHING) as office:
        if stream not in office.streams:
            stop(f"There is no stream {stream}.", 2)
        sys.stdout.buffer.write(await _bytes(office, office.streams[stream], raw, to))


async def _bytes(office: Office, stream: Stream, raw: bytes, to: str) -> bytes:
    from gateway.core import reply as replies
    from gateway.core.address import AddressFault, parse_typed
    from gateway.core.compose import Stamp, compose
    from gateway.core.mime import Malformed, parse
    from gateway.core.reply import Reply
    from gateway.core.verdict import Allow
    from gateway.flow.attempt import copy_of
    from gateway.flow.judge import Judge
    from gateway.rooms import load_nouns, make_letterheads

    address = parse_typed(to)
    if isinstance(address, AddressFault):
        stop(f"The address does not parse: {address.value}.", 2)
    nouns = load_nouns(office.settings)
    judge = Judge(office.store.book, office.identity, nouns.policies, nouns.partners, office.clock)
    judgement = await judge.judge(stream, address)
    verdict = judgement.verdict
    if not isinstance(verdict, Allow):
        stop(f"{_line(replies.REFUSALS[verdict.reason])} ({', '.join(verdict.rules)})")
    message = parse(crlf(raw))
    if isinstance(message, Malformed):
        stop(f"{_line(replies.MALFORMED)} ({message.fault.value})")
    if message.from_domain not in stream.advertiser.from_domains:
        stop(_line(replies.NOT_YOURS))
    head = make_letterheads(office.settings, nouns, office.keys.token_keys, office.settings.public_url)[stream.name]
    copy = copy_of(judge, stream, judgement)
    stamp = Stamp(office.clock.now(), "tool.invalid", "ESMTPSA", "", "preview")
    finished = compose(message, head, copy, stamp, eight_bit=True)
    if isinstance(finished, Reply):
        stop(_line(finished))
    return b"".join(finished.chunks)


def crlf(raw: bytes) -> bytes:
    """A file's line ends as SMTP would carry them."""
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _line(reply: Reply) -> str:
    return reply.line().decode("ascii").strip()
