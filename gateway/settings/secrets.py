"""Secrets, from files of mode 0600 or from `GATEWAY_*` variables; read when needed, never kept in the settings."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from gateway.settings.archive import CREDENTIALS
from gateway.settings.back import Mailbox, ProviderEvents
from gateway.settings.models import Partner, Upstream
from gateway.settings.shared import Redis

_REDIS_PASSWORD = "GATEWAY_REDIS_PASSWORD"  # noqa: S105 a variable's name
_OWN = ("GATEWAY_CONFIG", "GATEWAY_CORPORA", "GATEWAY_RESTARTS", CREDENTIALS, _REDIS_PASSWORD)
"""The configuration file's path, the test corpora's folder, what the supervisor tells a worker, what opens the
archive's bucket, the shared store's password."""


class MissingSecret(Exception):
    """A secret cannot be read; the text says which, never its value."""


def upstream_password(name: str, upstream: Upstream, environ: Mapping[str, str] | None = None) -> bytes:
    """The password of an upstream, from the environment first; empty when it needs none."""
    return _secret(_variable("UPSTREAM", name, "PASSWORD"), upstream.password_file, environ)


def redis_password(redis: Redis, environ: Mapping[str, str] | None = None) -> bytes:
    """The password of the shared store; empty when there is none."""
    return _secret(_REDIS_PASSWORD, redis.password_file, environ)


def partner_secret(name: str, partner: Partner, environ: Mapping[str, str] | None = None) -> bytes:
    """The secret shared with a partner; empty when there is none."""
    return _secret(_variable("PARTNER", name, "SECRET"), partner.secret_file, environ)


def provider_secret(name: str, provider: ProviderEvents, environ: Mapping[str, str] | None = None) -> bytes:
    """What proves a provider's calls; empty when there is none."""
    return _secret(_variable("PROVIDER", name, "SECRET"), provider.secret_file, environ)


def provider_api_key(name: str, provider: ProviderEvents, environ: Mapping[str, str] | None = None) -> bytes:
    """What a provider's API is asked with; empty when there is none."""
    return _secret(_variable("PROVIDER", name, "API_KEY"), provider.api_key_file, environ)


def has_provider_secret(name: str, provider: ProviderEvents, environ: Mapping[str, str] | None = None) -> bool:
    """Whether it is configured, without reading it."""
    variables = os.environ if environ is None else environ
    return provider.secret_file is not None or _variable("PROVIDER", name, "SECRET") in variables


def partner_hash_key(name: str, partner: Partner, environ: Mapping[str, str] | None = None) -> bytes:
    """The key for hashes of addresses that is shared with a partner; empty when there is none (R-DP-24)."""
    return _secret(_variable("PARTNER", name, "HASH_KEY"), partner.hash_key_file, environ)


def mailbox_password(name: str, mailbox: Mailbox, environ: Mapping[str, str] | None = None) -> bytes:
    """The password of a mailbox; empty when there is none."""
    return _secret(_variable("MAILBOX", name, "PASSWORD"), mailbox.password_file, environ)


def has_mailbox_password(name: str, mailbox: Mailbox, environ: Mapping[str, str] | None = None) -> bool:
    """Whether it is configured, without reading it."""
    variables = os.environ if environ is None else environ
    return mailbox.password_file is not None or _variable("MAILBOX", name, "PASSWORD") in variables


def has_password(name: str, upstream: Upstream, environ: Mapping[str, str] | None = None) -> bool:
    """Whether a password is configured, without reading it."""
    variables = os.environ if environ is None else environ
    return upstream.password_file is not None or _variable("UPSTREAM", name, "PASSWORD") in variables


def unknown_variables(environ: Mapping[str, str], tables: Mapping[str, object]) -> list[tuple[str, str]]:
    """`GATEWAY_*` variables that mean nothing here, each with a hint or an empty text."""
    known = [
        *_OWN,
        *_names(tables, "upstream", "PASSWORD"),
        *_names(tables, "partner", "SECRET"),
        *_names(tables, "partner", "HASH_KEY"),
        *_names(tables, "provider", "SECRET"),
        *_names(tables, "provider", "API_KEY"),
        *_names(tables, "mailbox", "PASSWORD"),
    ]
    strays = sorted(name for name in environ if name.startswith("GATEWAY_") and name not in known)
    return [(name, _hint(name, known)) for name in strays]


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}" if near else ""


def _names(tables: Mapping[str, object], table: str, what: str) -> list[str]:
    named = tables.get(table)
    return [_variable(table.upper(), name, what) for name in named] if isinstance(named, dict) else []


def _variable(table: str, name: str, what: str) -> str:
    return f"GATEWAY_{table}_{re.sub(r'[^A-Z0-9]', '_', name.upper())}_{what}"


def _secret(variable: str, file: Path | None, environ: Mapping[str, str] | None) -> bytes:
    value = (os.environ if environ is None else environ).get(variable)
    if value is not None:
        return value.encode()
    if file is None:
        return b""
    try:
        return file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise MissingSecret(f"{file} cannot be read: {error.strerror}") from None
