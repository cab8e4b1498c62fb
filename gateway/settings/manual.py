"""Writes docs/configuration.md from the models: `python -m gateway.settings.manual`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.settings.loading import models_in
from gateway.settings.models import Settings
from gateway.settings.values import Listen, write_duration

_BEFORE = """\
# Configuration

One TOML file, `gateway.toml` in the working directory, or the one named by `--config` or `GATEWAY_CONFIG`.
`gateway.example.toml` shows every table. `gateway check` prints the effective configuration and every fault with its line; an
unknown key, a wrong value or an unknown `GATEWAY_*` variable refuses to start. Relative paths start at the file's own folder.
Durations are seconds, or `"90s"`, `"5m"`, `"24h"`, `"2d"`. NAME is lower-case letters, digits, `.`, `_` and `-`.

This page is generated from the models in `gateway/settings/models.py` and `back.py`: change it there, then run `make docs`.
"""

_AFTER = """
## Secrets

Secrets never stand in the file. They are files of mode 0600 (a secret that others can read refuses to start), or variables,
which win:

| variable | meaning |
|---|---|
| `GATEWAY_CONFIG` | the configuration file |
| `GATEWAY_UPSTREAM_<NAME>_PASSWORD` | password of `[upstream.NAME]` |
| `GATEWAY_PARTNER_<NAME>_SECRET` | secret shared with `[partner.NAME]` |
| `GATEWAY_PARTNER_<NAME>_HASH_KEY` | key for hashes of addresses, shared with `[partner.NAME]` |
| `GATEWAY_PROVIDER_<NAME>_SECRET` | what proves the calls of `[provider.NAME]` |
| `GATEWAY_PROVIDER_<NAME>_API_KEY` | what its API is asked with |
| `GATEWAY_MAILBOX_<NAME>_PASSWORD` | password of `[mailbox.NAME]` |
| `GATEWAY_REDIS_PASSWORD` | password of the store, of `[redis] username` |
| `GATEWAY_ARCHIVE_CREDENTIALS` | `ACCESS_KEY_ID:SECRET` of the bucket of `[archive]` |

`<NAME>` is the table's name in upper case, everything but letters and digits written `_`.

## The data folder

| in `data_dir` | what it is |
|---|---|
| `gateway.db` | people by key, oppositions, the register of consents, the evidence |
| `gateway.protected.db` | every opposition, withdrawal and erasure again, for an old backup to learn: leave it where it is |
| `node.db` | the same on a machine with a shared store, in the place of both: leave it where it is |
| `spool-*.db`, `spool-*.bodies/` | mail this machine owns until it is delivered |
| `letters.db`, `letters.bodies/` | mail that commands wrote, until the running gateway has delivered it |
| `keys/` | pepper, token keys, vault keys: made with the first database and never again |
| `cli.lock`, `import.lock` | held by a command while it writes |
| `archive.lock` | held while a command archives the journal |
| `restore.db` | a backup that is being proven, or put back into an emptied shared store |
| `daily.lock` | held while the daily job runs, with the last day that was done |

**Back `keys/` up, apart from the database**: without it nobody who opposed is known any more, and the gateway refuses to start.

Commands work beside a running gateway, on the same store. Each process that writes evidence has a chain of its own: the gateway
under `[gateway] node` and its worker's number, commands under `cli`, imports under `import`, the daily job by hand under `daily`,
archiving by hand under `archive`; with a shared store also under the machine's name: `cli.a`, `import.a`.
The lock files see to it that only one command at a time writes under such a name; another one waits up to 30 seconds. A long import
keeps no other command waiting.

## Files to import

`gateway consent import FILE` wants a header with the columns `address`, `advertiser`, `purpose`, `audience`, `basis`, `source`,
`collected_at`, `action`, `wording`; [consents.md](consents.md) says what each means, and which others a file may have.

`gateway oppose import FILE` wants a column `address` (or `email`...), `hash` or `domain`, or no header at all; addresses, MD5
and SHA-256 hashes and `@domain` may be mixed. `scope`, `advertiser`, `stream` and `at` are read where they are there.

Delimiter (`;`, `,` or tab) and encoding (UTF-8, or Windows-1252) are found out. Rejected rows go to `FILE.rejects.csv` with
line and reason; corrected there, that file can be imported as it is. What is recorded already changes nothing, so a file may be
imported again; `--resume` goes on where an import stopped. Nobody who opposed is mailed again because of an import.
"""


def manual() -> str:
    """The whole page."""
    return "".join([_BEFORE, *_tables(Settings, ""), _AFTER])


def _tables(model: type[BaseModel], inside: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        table = next(iter(models_in(field.annotation)), None)
        if table is None or field.is_required() or get_origin(field.annotation) is tuple:
            continue
        named = get_origin(field.annotation) is dict
        path = f"{inside}{name}{'.NAME' if named else ''}"
        yield f"\n## [{path}]\n\n{table.__doc__}\n\n| key | default | meaning |\n|---|---|---|\n"
        inner = [key for key, one in table.model_fields.items() if _is_table(one)]
        yield from (_row(key, one) for key, one in table.model_fields.items() if key not in inner)
        yield from _tables(table, f"{path}.")


def _is_table(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _row(key: str, field: FieldInfo) -> str:
    default = "**required**" if field.is_required() else _default(field.get_default(call_default_factory=True))
    return f"| `{key}` | {default} | {(field.description or '').replace('|', chr(92) + '|')} |\n"


def _default(value: object) -> str:
    return "" if value is None else f"`{json.dumps(_plain(value), ensure_ascii=False)}`"


def _plain(value: object) -> object:
    match value:
        case timedelta():
            return write_duration(value)
        case Listen() | Path() | IPv4Network() | IPv6Network():
            return str(value)
        case tuple():
            return [_plain(part) for part in value]
        case _:
            return value


if __name__ == "__main__":
    print(manual(), end="")
