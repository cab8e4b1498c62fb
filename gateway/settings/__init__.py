"""Front desk: every setting, its default and its meaning; read from one TOML file, checked before anything starts.

Values reach the rooms below through constructors; nobody else reads the file, the environment or this package.
"""

from gateway.settings.loading import ConfigurationError, Fault, load
from gateway.settings.models import Settings
from gateway.settings.nouns import to_forms, to_partners, to_streams
from gateway.settings.partner_lines import shared_keys, to_lines
from gateway.settings.secrets import (
    MissingSecret,
    mailbox_password,
    provider_api_key,
    provider_secret,
    redis_password,
    upstream_password,
)

__all__ = [
    "ConfigurationError",
    "Fault",
    "MissingSecret",
    "Settings",
    "load",
    "mailbox_password",
    "provider_api_key",
    "provider_secret",
    "redis_password",
    "shared_keys",
    "to_forms",
    "to_lines",
    "to_partners",
    "to_streams",
    "upstream_password",
]
