"""What one table alone cannot know: names that must exist, listeners that need TLS, files that must be private."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from gateway.core.model import Category
from gateway.core.standard_webhook import LEAST, read_secrets
from gateway.core.token import stream_number
from gateway.edges.store.redis.location import Layout, Location, NoLocation, read_location
from gateway.settings.archive import complaints
from gateway.settings.backup import complaints as backup_complaints
from gateway.settings.models import Settings
from gateway.settings.secrets import (
    MissingSecret,
    has_mailbox_password,
    has_password,
    has_provider_secret,
    partner_hash_key,
    partner_secret,
)
from gateway.settings.shared import Redis
from gateway.settings.values import is_address, is_loopback, no_folder

_COMMAND_LINE = ("archive", "cli", "daily", "import", "reader")

_REMEMBERED = timedelta(days=90)
"""A mail that was taken is known again for 100 days; a little less leaves room."""

Complaint = tuple[tuple[str, ...], str]
"""The path of a setting and what is wrong with it."""


def crossings(settings: Settings, environ: Mapping[str, str]) -> list[Complaint]:
    """Every fault between settings, and between settings, the disk and the environment."""
    checks = (_gateway, _listeners, _upstreams, _advertisers, _partners, _streams, _forms, _returns, _mailboxes, _numbers)
    found = (complaint for check in checks for complaint in check(settings))
    return [
        *found,
        *_logins(settings, environ),
        *_providers(settings, environ),
        *_entries(settings, environ),
        *_secrets(settings, environ),
        *complaints(settings.archive, environ),
        *_private(("archive", "credentials_file"), settings.archive.credentials_file),
        *backup_complaints(settings.backup, settings.gateway.data_dir),
    ]


def _gateway(settings: Settings) -> Iterator[Complaint]:
    gateway = settings.gateway
    url = urlsplit(settings.public_url)
    if url.scheme != "https" and not is_loopback(url.hostname or ""):
        yield ("gateway", "public_url"), "must begin with https:// unless it is on loopback (RFC 8058)."
    if url.query or url.fragment:
        yield ("gateway", "public_url"), "must have no query and no fragment."
    yield from _store(settings)
    for server in gateway.resolver:
        if not is_address(server.host):
            yield ("gateway", "resolver"), f"{server.host} must be an address: a name server cannot be found by name."
    if gateway.node in _COMMAND_LINE:
        yield ("gateway", "node"), f'"{gateway.node}" is the command line\'s own name in the evidence; choose another.'
    for key, folder in (("policies_dir", gateway.policies_dir), ("templates_dir", gateway.templates_dir)):
        if folder is not None and not folder.is_dir():
            yield ("gateway", key), f"{folder} is not a folder."
    if sentence := _unwritable(gateway.data_dir):
        yield ("gateway", "data_dir"), sentence


def _store(settings: Settings) -> Iterator[Complaint]:
    """A shared store is named in full; what never goes over a network in clear is a password beyond loopback."""
    if settings.gateway.store == "sqlite":
        return
    place = read_location(settings.gateway.store)
    if isinstance(place, NoLocation):
        yield ("gateway", "store"), f'{place.why} Or "sqlite".'
        return
    if sentence := in_clear(place, settings.redis):
        yield ("gateway", "store"), f"{sentence}."
    if place.layout is not Layout.SINGLE and settings.redis.replicas == 0:
        yield (
            ("redis", "replicas"),
            "must be 1 or more: where another server may take over, one that was voted out would still be believed.",
        )
    if find_spec("redis") is None or find_spec("msgpack") is None:
        yield ("gateway", "store"), "needs the extra redis: pip install 'compliance-gateway[redis]'."
    if settings.redis.ca_file is not None and not settings.redis.ca_file.is_file():
        yield ("redis", "ca_file"), f"{settings.redis.ca_file} does not exist."
    yield from _private(("redis", "password_file"), settings.redis.password_file)


def in_clear(place: Location, redis: Redis) -> str:
    """Why that store must not be talked to; empty where nobody else can listen."""
    if place.tls or redis.network == "private" or all(is_loopback(host) for host, _ in place.hosts):
        return ""
    return 'crosses the network in clear: rediss:// beyond loopback, unless [redis] network = "private"'


def _unwritable(folder: Path) -> str:
    """Why the folder could not be written, or made; empty when it can."""
    if sentence := no_folder(folder):
        return sentence
    place = next(one for one in (folder, *folder.parents) if one.exists())
    return "" if os.access(place, os.W_OK | os.X_OK) else f"{place} is not writable."


def _listeners(settings: Settings) -> Iterator[Complaint]:
    submission, inbound = settings.submission, settings.inbound
    has_tls = submission.tls_cert is not None and submission.tls_key is not None
    if (submission.tls_cert is None) != (submission.tls_key is None):
        missing = "tls_key" if submission.tls_key is None else "tls_cert"
        yield ("submission",), f"{missing} is missing: a certificate needs its key."
    if not submission.listen.loopback and not has_tls:
        yield ("submission", "listen"), "listens beyond loopback, so tls_cert and tls_key are required."
    if submission.tls_listen is not None and not has_tls:
        yield ("submission", "tls_listen"), "needs tls_cert and tls_key."
    if submission.proxy_from and not has_tls:
        yield ("submission", "proxy_from"), "needs tls_cert and tls_key: who comes by a balancer logs in under TLS only."
    if submission.tls_cert is not None and not submission.tls_cert.is_file():
        yield ("submission", "tls_cert"), f"{submission.tls_cert} does not exist."
    yield from _private(("submission", "tls_key"), submission.tls_key)
    if (inbound.listen is None) != (inbound.domain is None):
        yield ("inbound",), "listen and domain come together: mail to the domain arrives at the listener."


def _private(where: tuple[str, ...], file: Path | None) -> Iterator[Complaint]:
    """A secret file must be there, and nobody else's to read (T21)."""
    if file is None:
        return
    if not file.is_file():
        yield where, f"{file} does not exist."
    elif file.stat().st_mode & 0o077:
        yield where, f"{file} can be read by others: chmod 600."
    elif not os.access(file, os.R_OK):
        yield where, f"{file} cannot be read."


def _upstreams(settings: Settings) -> Iterator[Complaint]:
    for name, upstream in settings.upstream.items():
        where = ("upstream", name)
        if upstream.tls == "none" and not is_loopback(upstream.host):
            yield (*where, "tls"), '"none" is for loopback only: mail would cross the network in clear.'
        if upstream.username and upstream.tls == "opportunistic" and not is_loopback(upstream.host):
            yield (*where, "tls"), 'must be "required" where a password is sent.'
        if upstream.ca_file is not None and not upstream.ca_file.is_file():
            yield (*where, "ca_file"), f"{upstream.ca_file} does not exist."
        yield from _private((*where, "password_file"), upstream.password_file)


def _logins(settings: Settings, environ: Mapping[str, str]) -> Iterator[Complaint]:
    for name, upstream in settings.upstream.items():
        if upstream.username and not has_password(name, upstream, environ):
            yield ("upstream", name, "username"), "needs a password_file or its environment variable."


def _advertisers(settings: Settings) -> Iterator[Complaint]:
    for name, advertiser in settings.advertiser.items():
        for key in advertiser.dkim:
            yield from _private(("advertiser", name, "dkim"), key.key_file)
        if advertiser.sender and advertiser.sender.rpartition("@")[2] not in advertiser.from_domains:
            yield ("advertiser", name, "sender"), "must be in one of its from_domains."


def _forms(settings: Settings) -> Iterator[Complaint]:
    """A sign-up page must say what it asks, and its confirmation must be able to leave (R-FR-40, R-FR-43)."""
    for name, stream in settings.stream.items():
        advertiser, where = settings.advertiser.get(stream.advertiser), ("stream", name, "form")
        if not stream.form.enabled or advertiser is None:
            continue
        spoken = {language: words for language in ("fr", "en") if (words := getattr(stream.form, language)).wording_own}
        if not spoken:
            yield where, f"needs a wording_own in one language at least: [stream.{name}.form.fr] or [stream.{name}.form.en]."
        for language, words in spoken.items():
            if not words.purposes:
                yield (*where, language), "purposes are required: people must know what they agree to (R-FR-40)."
        if stream.category is not Category.MARKETING:
            yield where, "is for marketing streams: service mail needs no consent."
        if not advertiser.privacy_url:
            yield ("advertiser", stream.advertiser), f'privacy_url is required: the form of stream "{name}" shows it (GDPR 13).'
        if not advertiser.dkim:
            yield ("advertiser", stream.advertiser), f'dkim is required: confirmations of stream "{name}" are signed (R-STD-46).'


def _partners(settings: Settings) -> Iterator[Complaint]:
    for name, partner in settings.partner.items():
        if urlsplit(partner.webhook).scheme == "http" and not is_loopback(urlsplit(partner.webhook).hostname or ""):
            yield ("partner", name, "webhook"), "must begin with https:// unless it is on loopback."
        yield from _private(("partner", name, "secret_file"), partner.secret_file)
        yield from _private(("partner", name, "hash_key_file"), partner.hash_key_file)
    if settings.outward.ca_file is not None and not settings.outward.ca_file.is_file():
        yield ("outward", "ca_file"), f"{settings.outward.ca_file} does not exist."


def _secrets(settings: Settings, environ: Mapping[str, str]) -> Iterator[Complaint]:
    """A secret shared with a partner must be long enough to be one."""
    for name, partner in settings.partner.items():
        try:
            keys = read_secrets(partner_secret(name, partner, environ))
            hash_key = partner_hash_key(name, partner, environ)
        except MissingSecret:
            continue  # said already: the file is not there, or not ours
        if keys is None:
            yield ("partner", name, "secret_file"), f"needs {LEAST} octets on each line, or whsec_ and their base64."
        if 0 < len(hash_key) < LEAST:
            yield ("partner", name, "hash_key_file"), f"needs {LEAST} octets."


def _providers(settings: Settings, environ: Mapping[str, str]) -> Iterator[Complaint]:
    """A provider is believed only by what proves its calls, and speaks for advertisers that exist."""
    for name, provider in settings.provider.items():
        where = ("provider", name)
        match provider.kind:
            case "ses" if not provider.topic:
                yield (*where, "topic"), "is required: messages of any other SNS topic are refused."
            case "sendgrid" if not provider.verification:
                yield (*where, "verification"), "is required: it is shown where its signed event webhook is switched on."
            case "postmark" | "mailgun" | "brevo" | "sparkpost" | "standard" if not has_provider_secret(name, provider, environ):
                yield where, "needs a secret_file or its environment variable."
        for advertiser in provider.advertisers:
            if advertiser not in settings.advertiser:
                yield (*where, "advertisers"), f'"{advertiser}" is not in any [advertiser.NAME].'
        if provider.kind == "mailgun" and provider.api_key_file is not None and not provider.list_name:
            yield (*where, "list_name"), "is required beside api_key_file: the domain whose suppressions are synchronised."
        if urlsplit(provider.api_url).scheme == "http" and not is_loopback(urlsplit(provider.api_url).hostname or ""):
            yield (*where, "api_url"), "must begin with https:// unless it is on loopback."
        yield from _private((*where, "secret_file"), provider.secret_file)
        yield from _private((*where, "api_key_file"), provider.api_key_file)


def _streams(settings: Settings) -> Iterator[Complaint]:
    for name, stream in settings.stream.items():
        where = ("stream", name)
        yield from _named((*where, "advertiser"), stream.advertiser, settings.advertiser)
        yield from _named((*where, "upstream"), stream.upstream, settings.upstream)
        if stream.policy:
            yield from _named((*where, "policy"), stream.policy, settings.gateway.policies)
        advertiser = settings.advertiser.get(stream.advertiser)
        if advertiser is None or stream.category is not Category.MARKETING:
            continue
        for key in ("postal_address", "contact"):
            if not getattr(advertiser, key):
                yield (
                    ("advertiser", stream.advertiser),
                    f'{key} is required: marketing stream "{name}" must say who writes (R-FR-71).',
                )


def _named(where: tuple[str, ...], name: str, known: Iterable[str]) -> Iterator[Complaint]:
    names = list(known)
    if name in names:
        return
    table = "[gateway] policies" if where[-1] == "policy" else f"any [{where[-1]}.NAME]"
    near = difflib.get_close_matches(name, names, n=1)
    yield where, f'"{name}" is not in {table}{f"; did you mean {chr(34)}{near[0]}{chr(34)}?" if near else "."}'


def _returns(settings: Settings) -> Iterator[Complaint]:
    for name, stream in settings.stream.items():
        if settings.inbound.domain is None:
            for key, value in (("replies", stream.replies), ("bounces", stream.bounces)):
                if value == "capture":
                    yield ("stream", name, key), '"capture" needs [inbound] domain: that is where the mail comes back.'


def _mailboxes(settings: Settings) -> Iterator[Complaint]:
    """A mailbox is one advertiser's, and a stream that is answered there says so."""
    for name, mailbox in settings.mailbox.items():
        where = ("mailbox", name)
        if mailbox.tls == "none" and not is_loopback(mailbox.host):
            yield (*where, "tls"), '"none" is for loopback only: a password and mail would cross the network in clear.'
        if mailbox.ca_file is not None and not mailbox.ca_file.is_file():
            yield (*where, "ca_file"), f"{mailbox.ca_file} does not exist."
        if mailbox.look_back > _REMEMBERED:
            yield (*where, "look_back"), f"must be {_REMEMBERED.days} days at most: so long is mail that was read known again."
        if mailbox.every < timedelta(seconds=1):
            yield (*where, "every"), "must be a second at least."
        for one in mailbox.streams:
            if one not in settings.stream:
                yield (*where, "streams"), f'"{one}" is not in any [stream.NAME].'
            elif settings.stream[one].replies != "mailbox":
                yield (*where, "streams"), f'stream "{one}" must say replies = "mailbox".'
        if len({settings.stream[one].advertiser for one in mailbox.streams if one in settings.stream}) > 1:
            yield (*where, "streams"), "must be of one advertiser: nobody reads another one's mail."
        yield from _private((*where, "password_file"), mailbox.password_file)
    watched = {one for mailbox in settings.mailbox.values() for one in mailbox.streams}
    for name, stream in settings.stream.items():
        if stream.replies == "mailbox" and name not in watched:
            yield ("stream", name, "replies"), '"mailbox" needs a [mailbox.NAME] that names this stream.'


def _entries(settings: Settings, environ: Mapping[str, str]) -> Iterator[Complaint]:
    for name, mailbox in settings.mailbox.items():
        if not has_mailbox_password(name, mailbox, environ):
            yield ("mailbox", name, "username"), "needs a password_file or its environment variable."


def _numbers(settings: Settings) -> Iterator[Complaint]:
    """Opt-out tokens name a stream by a number made from its name: two streams must not share one."""
    taken: dict[int, str] = {}
    for name in settings.stream:
        other = taken.setdefault(stream_number(name), name)
        if other != name:
            yield ("stream", name), f'shares its token number with stream "{other}": rename the newer of the two.'
