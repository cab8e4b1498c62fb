"""How each partner is reached, and what proves that it is the partner who speaks: webhook, secrets, the key for hashes."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.standard_webhook import LEAST, read_secrets
from gateway.flow.telling import Line
from gateway.settings.models import Settings
from gateway.settings.nouns import to_partners
from gateway.settings.secrets import MissingSecret, partner_hash_key, partner_secret


def to_lines(settings: Settings, environ: Mapping[str, str] | None = None) -> Mapping[str, Line]:
    """Every partner by its name; MissingSecret where a secret cannot be read, or is none."""
    hash_keys = shared_keys(settings, environ)
    lines: dict[str, Line] = {}
    for name, partner in to_partners(settings).items():
        given = settings.partner[name]
        keys = read_secrets(partner_secret(name, given, environ))
        if keys is None:
            raise MissingSecret(f"the secret of [partner.{name}] needs {LEAST} octets on each line, or whsec_ and their base64")
        lines[name] = Line(partner, given.webhook, keys, hash_keys.get(name, b""))
    return lines


def shared_keys(settings: Settings, environ: Mapping[str, str] | None = None) -> Mapping[str, bytes]:
    """The keys for hashes of addresses, of the partners that share one (R-DP-24)."""
    keys = {name: partner_hash_key(name, given, environ) for name, given in settings.partner.items()}
    for name, key in keys.items():
        if key and len(key) < LEAST:
            raise MissingSecret(f"the hash key of [partner.{name}] needs {LEAST} octets")
    return {name: key for name, key in keys.items() if key}
