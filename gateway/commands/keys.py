"""`gateway keys`: DKIM keys to sign with, and the keys of opt-out tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_rows, stop

app = typer.Typer(help="Keys for DKIM and for opt-out tokens.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="keys")


@app.command()
def new(
    domain: Annotated[str, typer.Argument(help="The domain that signs, as in From.")],
    selector: Annotated[str, typer.Option(help="The selector; one that was never used before.")],
    file: Annotated[
        Path | None, typer.Option(help="Where to write the key; without it, SELECTOR.pem here.", dir_okay=False)
    ] = None,
    ed25519: Annotated[bool, typer.Option("--ed25519", help="Ed25519 instead of RSA-2048; use it beside RSA, not alone.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave a key file that is there as it is, and print its record.")] = False,
) -> None:
    """Make a DKIM key, mode 0600, and print the DNS record to publish."""
    from gateway.core.sign import Algorithm
    from gateway.edges.keys import KeyFault, dns_record, load_dkim, write_dkim_key

    path, folded = file or Path(f"{selector}.pem"), _domain(domain)
    try:
        if keep and path.exists():
            record = dns_record(load_dkim(path, folded, selector))
        else:
            record = write_dkim_key(path, Algorithm.ED25519 if ed25519 else Algorithm.RSA, folded, selector)
    except KeyFault as error:
        stop(str(error))
    for line in record.lines():
        typer.echo(line)
    say(f"Key: {path} (keep it secret). Publish the record, then add to the advertiser:")
    say(f'dkim = [{{ selector = "{selector}", key_file = "{path}" }}]')


def _domain(text: str) -> str:
    from gateway.settings.values import fold_domain

    try:
        return fold_domain(text)
    except ValueError as error:
        stop(f"{error}.", 2)


@app.command("list")
def list_(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List token keys by id, and DKIM keys with the record each needs."""
    run(_list(config, json))


async def _list(config: Path, json: bool) -> None:
    from gateway.commands.office import read_settings
    from gateway.edges.keys import KeyRing, dns_record, load_dkim
    from gateway.store_rooms import KEYS

    settings = read_settings(config)
    rows: list[tuple[str, str, str, str]] = []
    folder = settings.gateway.data_dir / KEYS
    if folder.is_dir():
        tokens = KeyRing.load(folder).token_keys
        rows += [
            ("token", str(number), "in use" if number == tokens.current else "verifies", "") for number in sorted(tokens.secrets)
        ]
    for advertiser in settings.advertiser.values():
        for key in advertiser.dkim:
            for domain in advertiser.from_domains:
                record = dns_record(load_dkim(key.key_file, domain, key.selector))
                rows.append(("dkim", record.name, "signs", record.value))
    show_rows(("key", "name", "state", "record"), rows, json)


@app.command()
def rotate(config: Config = DEFAULT_CONFIG) -> None:
    """Add a token key: new links use it after the next start, links already sent keep working."""
    run(_rotate(config))


async def _rotate(config: Path) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.edges.keys import rotate_token
    from gateway.store_rooms import KEYS

    async with open_office(config, Writing.ACT) as office:
        number = rotate_token(office.settings.gateway.data_dir / KEYS)
        await office.administer.record_rotation(number)
    say(f"Token key {number} is there; restart the gateway to use it. Back the keys folder up.")
