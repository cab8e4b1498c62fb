"""Turns settings into the words of the house: streams with their advertisers, and partners."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core import model
from gateway.core.token import stream_number
from gateway.settings.models import Advertiser, Settings, Stream


def to_streams(settings: Settings) -> Mapping[str, model.Stream]:
    """Every stream by its name."""
    advertisers = {name: _advertiser(name, given) for name, given in settings.advertiser.items()}
    return {name: _stream(name, given, advertisers[given.advertiser]) for name, given in settings.stream.items()}


def to_partners(settings: Settings) -> Mapping[str, model.Partner]:
    """Every partner by its name."""
    return {
        name: model.Partner(
            name=name,
            legal_name=given.legal_name,
            privacy_url=given.privacy_url,
            contact=given.contact,
            provides=given.role in ("provides", "both"),
            receives=given.role in ("receives", "both"),
        )
        for name, given in settings.partner.items()
    }


def _advertiser(name: str, given: Advertiser) -> model.Advertiser:
    return model.Advertiser(
        name=name,
        legal_name=given.legal_name,
        postal_address=given.postal_address,
        contact=given.contact,
        privacy_url=given.privacy_url,
        dpo=given.dpo,
        from_domains=given.from_domains,
        nonprofit=given.nonprofit,
    )


def _stream(name: str, given: Stream, advertiser: model.Advertiser) -> model.Stream:
    return model.Stream(
        name=name,
        number=stream_number(name),
        advertiser=advertiser,
        category=given.category,
        purpose=given.purpose or name,
        policy=given.policy,
        upstream=given.upstream,
        refusal=given.refusal,
        language=given.language,
        relates_to=tuple(function.lower() for function in given.relates_to),
        product_families=tuple(family.lower() for family in given.product_families),
        sensitive=given.sensitive,
        double_optin=given.double_optin,
    )
