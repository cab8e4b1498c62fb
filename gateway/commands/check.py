"""`gateway check`: the effective configuration, and every fault with its line, before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, say, stop

if TYPE_CHECKING:
    from pydantic import BaseModel

    from gateway.core.posture import Finding
    from gateway.settings import ConfigurationError, Settings


def register(parent: typer.Typer) -> None:
    """Add this command."""
    parent.command("check")(check)


def check(
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
    dns: Annotated[bool, typer.Option("--dns", help="Also look up the sending domains, as mailbox providers do.")] = False,
) -> None:
    """Explain the effective configuration, and every fault with its line; exit 1 where there is one."""
    from gateway.commands.dns_report import as_words, look
    from gateway.commands.office import read_settings
    from gateway.settings import ConfigurationError

    try:
        settings = read_settings(config)
    except ConfigurationError as error:
        _tell_faults(error, json)
        raise typer.Exit(1) from None
    faults = [*_pack_faults(settings), *_key_faults(settings)]
    notes = list(_notes(settings))
    findings = look(settings) if dns and not faults else ()
    if json:
        _as_json(settings, faults, notes, findings)
    else:
        _as_words(config, settings, notes)
        if findings:
            as_words(findings)
    for fault in faults:
        say(fault)
    if faults:
        stop(f"{len(faults)} faults: the gateway would not start.")
    if any(finding.standing == "bad" for finding in findings):
        stop("No fault in the file, but mailbox providers will not trust this mail: see the DNS findings.")
    say("No fault.")


def _tell_faults(error: ConfigurationError, json: bool) -> None:
    from json import dumps

    from gateway.settings.loading import show_path

    if json:
        faults = [{"line": fault.line, "setting": show_path(fault.where), "fault": fault.sentence} for fault in error.faults]
        out(dumps({"faults": faults}, ensure_ascii=False))
    say(str(error))
    say(f"{len(error.faults)} faults: the gateway would not start.")


def _pack_faults(settings: Settings) -> Iterator[str]:
    from gateway.edges.files import FileFault, read_policy, read_templates
    from gateway.settings.identity import impostors

    for name in settings.gateway.policies:
        pack = read_policy(name, settings.gateway.policies_dir)
        if isinstance(pack, FileFault):
            yield str(pack)
        else:
            yield from impostors(settings, pack.free_mail_domains)
    for folder in ("notice", "pages", "mail"):
        templates = read_templates(folder, settings.gateway.templates_dir)
        if isinstance(templates, FileFault):
            yield str(templates)


def _key_faults(settings: Settings) -> Iterator[str]:
    from gateway.edges.keys import KeyFault, KeyRing, load_dkim
    from gateway.store_rooms import DATABASE, KEYS

    folder = settings.gateway.data_dir
    if (folder / DATABASE).exists():
        try:
            KeyRing.load(folder / KEYS)
        except KeyFault as error:
            yield str(error)
    for advertiser in settings.advertiser.values():
        for key in advertiser.dkim:
            try:
                load_dkim(key.key_file, advertiser.from_domains[0], key.selector)
            except KeyFault as error:
                yield str(error)


def _notes(settings: Settings) -> Iterator[str]:
    """What works, but not as well as it could."""
    from gateway.core.model import Category
    from gateway.settings import to_lines
    from gateway.settings.identity import astray, mixed
    from gateway.settings.values import is_loopback

    if not settings.stream:
        yield "No [stream.NAME] yet: no tool can send."
    if settings.inbound.listen is None:
        yield "No [inbound]: mails offer no mailto opt-out, only links."
    if not settings.web.listen.loopback:
        yield "[web] listens beyond loopback in clear: put a TLS proxy between it and the network."
    for name, upstream in settings.upstream.items():
        if not upstream.country and not is_loopback(upstream.host):
            yield f"[upstream.{name}] has no country: the record of processing cannot say where the mail goes (R-DP-25)."
    for name, line in to_lines(settings).items():
        if not line.connected:
            yield f"[partner.{name}] has no webhook or no secret: it is told of oppositions by hand (R-FR-38)."
    yield from mixed(settings)
    yield from astray(settings)
    for name, stream in settings.stream.items():
        advertiser = settings.advertiser[stream.advertiser]
        if stream.category is Category.MARKETING and not advertiser.dkim:
            yield f"[stream.{name}] has no dkim key in [advertiser.{stream.advertiser}]: its mail is refused (R-STD-46)."
        if stream.category is Category.MARKETING and not advertiser.privacy_url:
            yield f"[advertiser.{stream.advertiser}] has no privacy_url: mail due a first-contact notice is refused (R-FR-30)."
        if stream.refusal == "monitor":
            yield f"[stream.{name}] only watches: mail without grounds goes out, oppositions excepted."


def _as_json(settings: Settings, faults: list[str], notes: list[str], findings: Sequence[Finding]) -> None:
    from json import dumps

    from gateway.commands.dns_report import as_json

    told = {"settings": settings.model_dump(mode="json"), "faults": faults, "notes": notes}
    out(dumps(told | ({"dns": as_json(findings)} if findings else {}), ensure_ascii=False))


def _as_words(config: Path, settings: Settings, notes: list[str]) -> None:
    out(f"# {config}, with every default")
    for name in ("gateway", "submission", "inbound", "web", "delivery"):
        _table(name, getattr(settings, name))
    for name in ("upstream", "advertiser", "stream", "partner"):
        for key, table in getattr(settings, name).items():
            _table(f"{name}.{key}", table)
    for note in notes:
        say(f"Note: {note}")


def _table(name: str, table: BaseModel) -> None:
    """One table as TOML; what is not set shows as a comment."""
    shown = table.model_dump(mode="json")
    out(f"\n[{name}]")
    for key, value in shown.items():
        if isinstance(value, dict):
            continue
        out(f"# {key}" if value is None else f"{key} = {_toml(value)}")
    for key, value in table:
        if isinstance(shown[key], dict):
            _table(f"{name}.{key}", value)


def _toml(value: object) -> str:
    """A value as TOML writes it; JSON's spelling does for all but tables."""
    from json import dumps

    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return dumps(value, ensure_ascii=False)
