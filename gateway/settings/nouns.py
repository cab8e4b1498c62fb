"""Turns settings into the words of the house: streams with their advertisers, and partners."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from gateway.core import model
from gateway.core.enrol import Form, FormWords
from gateway.core.token import stream_number
from gateway.settings.models import Advertiser, Settings, Stream
from gateway.settings.values import Sender


def to_streams(settings: Settings) -> Mapping[str, model.Stream]:
    """Every stream by its name."""
    advertisers = {name: _advertiser(name, given) for name, given in settings.advertiser.items()}
    answers = settings.inbound.domain is not None
    return {name: _stream(name, given, advertisers[given.advertiser], answers) for name, given in settings.stream.items()}


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


def to_forms(settings: Settings) -> Mapping[str, Form]:
    """Every sign-up form there is, by the name of its stream."""
    streams = to_streams(settings)
    return {name: _form(given, streams[name]) for name, given in settings.stream.items() if given.form.enabled}


def _form(given: Stream, stream: model.Stream) -> Form:
    languages = {"fr": given.form.fr, "en": given.form.en}
    words = {
        language: FormWords(one.wording_own, one.wording_partners, one.wording_tracking, one.purposes)
        for language, one in languages.items()
        if one.wording_own
    }
    return Form(stream, given.form.wording_id, words)


def sender_of(given: Advertiser) -> str:
    """The address its own mail comes from."""
    if given.sender:
        return given.sender
    try:
        contact = TypeAdapter(Sender).validate_python(given.contact)
    except ValidationError:
        contact = ""
    return contact if contact.rpartition("@")[2] in given.from_domains else f"contact@{given.from_domains[0]}"


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
        sender=sender_of(given),
    )


def _stream(name: str, given: Stream, advertiser: model.Advertiser, answers: bool) -> model.Stream:
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
        replies=model.Replies(given.replies) if given.replies else _replies(given, answers),
        capture_bounces=given.bounces == "capture",
        mailbox=given.mailbox,
    )


def _replies(given: Stream, answers: bool) -> model.Replies:
    """Where nothing is said, answers to marketing are read as soon as they can reach us (R-FR-57)."""
    return model.Replies.CAPTURE if answers and given.category is model.Category.MARKETING else model.Replies.OFF
