"""Under which names the configuration lets mail leave: what is looked up about them, and which must not be (R-MBX-06, 07, 13)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from gateway.core.model import Category
from gateway.core.weblink import within
from gateway.edges.keys import load_dkim
from gateway.flow.preflight import Plan, Sending
from gateway.settings.models import Settings
from gateway.settings.values import is_loopback


def plan(settings: Settings) -> Plan:
    """What the preflight looks at; raises KeyFault where a signing key cannot be read."""
    sendings: list[Sending] = []
    for name, advertiser in settings.advertiser.items():
        hops = {settings.upstream[stream.upstream].host for stream in settings.stream.values() if stream.advertiser == name}
        for domain in advertiser.from_domains if hops else ():
            keys = tuple(load_dkim(key.key_file, domain, key.selector) for key in advertiser.dkim)
            sendings.append(Sending(domain, keys, tuple(sorted(hops))))
    host = urlsplit(settings.public_url).hostname or ""
    return Plan(tuple(sendings), "" if is_loopback(host) else host, settings.inbound.domain or "")


def impostors(settings: Settings, free_mail: Collection[str]) -> Iterator[str]:
    """From domains where anybody has a mailbox: mail under such a name is an impersonation, whoever sends it (R-MBX-07)."""
    domains = frozenset(free_mail)
    for name, advertiser in settings.advertiser.items():
        for domain in advertiser.from_domains:
            if within(domain, domains):
                yield (
                    f"[advertiser.{name}] from_domains: {domain} is a domain of everybody's mailboxes (R-FR-10 of the pack): no "
                    "company can send in its name (R-MBX-07)."
                )


def mixed(settings: Settings) -> Iterator[str]:
    """Advertisers whose marketing and service mail share From domain and key, and so their reputation (R-MBX-13)."""
    for name, advertiser in settings.advertiser.items():
        kinds = {stream.category for stream in settings.stream.values() if stream.advertiser == name}
        if advertiser.dkim and kinds == set(Category):
            yield (
                f"[advertiser.{name}] sends marketing and service mail from the same domains under the same keys: an advertiser of "
                "its own with another sub-domain for one of them keeps complaints about it from holding up the other (R-MBX-13)."
            )


def astray(settings: Settings) -> Iterator[str]:
    """Streams whose captured return path lies outside their From domains: SPF then says nothing for DMARC, DKIM alone does."""
    for name, stream in settings.stream.items():
        advertiser, domain = settings.advertiser.get(stream.advertiser), settings.inbound.domain
        if stream.bounces == "capture" and advertiser and domain and not within(domain, frozenset(advertiser.from_domains)):
            yield (
                f"[stream.{name}] bounces come back to {domain}, which is below no from_domain of "
                f"[advertiser.{stream.advertiser}]: SPF does not align, and DMARC rests on the DKIM signature alone (R-MBX-06). An "
                "inbound domain below one of them mends that."
            )
