"""The lists that packs share: clean, of hosts where they say so, and prudent about what they call advertising or a tracker."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.address import Address
from gateway.core.address import parse as parse_address
from gateway.core.policy import Policy
from gateway.edges.files import policy_names, read_policy, shipped

LISTS = sorted((shipped("policies") / "lists").glob("*.txt"))


def read(name: str) -> Policy:
    policy = read_policy(name)
    assert isinstance(policy, Policy), policy
    return policy


FR = read("fr")


def entries(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_a_list_is_lower_case_trimmed_and_without_duplicates(path: Path) -> None:
    found = entries(path)
    assert len(set(found)) == len(found)
    assert [one for one in found if one != one.strip() or one != one.lower()] == []
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("name", ["tracker-hosts", "click-hosts", "free-mail"])
def test_a_list_of_hosts_holds_hosts(name: str) -> None:
    for host in entries(shipped("policies") / "lists" / f"{name}.txt"):
        address = parse_address(f"a@{host}")
        assert isinstance(address, Address), host
        assert "." in host


@pytest.mark.parametrize(
    "host", ["list-manage.com", "mandrillapp.com", "ct.sendgrid.net", "awstrack.me", "mailtrack.io", "emltrk.com"]
)
def test_common_trackers_are_known(host: str) -> None:
    """R-FR-75."""
    assert all(host in read(name).book.trackers.hosts for name in policy_names())


@pytest.mark.parametrize(
    "host", ["mcusercontent.com", "mjt.lu", "img.bh.d.sendibt3.com", "media.beehiiv.com", "image.s10.exct.net"]
)
def test_hosts_that_keep_pictures_are_no_trackers(host: str) -> None:
    """R-FR-75: a picture that belongs to the message must not be removed."""
    hosts = FR.book.trackers.hosts
    assert [one for one in hosts if host == one or host.endswith(f".{one}")] == []


SERVICE = [
    "Your order 4711 is confirmed. Subtotal 40.00. Promo code WELCOME: -10% off. Coupon -4.00. Free delivery. Total 32.00.",
    "Votre commande est confirmée. Code promo : -5 €. Bon de réduction appliqué. Promotion. Livraison offerte. Total TTC 32 €.",
    "Ihre Bestellung ist bestätigt. Gutschein -5 €, Rabattcode WILLKOMMEN, versandkostenfrei. Sie sparen 5 €. Ihr Angebot 12.",
    "Su pedido está confirmado. Código de descuento -5 €. Envío gratis. Oferta aplicada. Total 32 €.",
    "Il suo ordine è confermato. Codice sconto -5 €. Spedizione gratuita. Offerta applicata. Saldo 32 €. Totale 32 €.",
    "Facture : remise exceptionnelle de 5 %, solde restant dû 12 €. Dernière échéance.",
    "Your password was changed. If this was not you, reset it now: this is your last chance to keep the old one.",
    "Erinnerung an Ihren Termin morgen um 10 Uhr. Ihr Restguthaben beträgt 5 €.",
]


@pytest.mark.parametrize("text", SERVICE)
def test_a_service_message_holds_no_word_of_advertising(text: str) -> None:
    """R-FR-16: a word that an order confirmation may hold must not make it advertising."""
    assert [word for word in FR.book.category_guard.promotional if word in text.casefold()] == []


@pytest.mark.parametrize(
    "text", ["Soldes d'été : profitez-en vite", "BLACK FRIDAY", "Nur heute!", "Rebajas de verano", "Saldi estivi"]
)
def test_plain_advertising_holds_one(text: str) -> None:
    """R-FR-16."""
    assert [word for word in FR.book.category_guard.promotional if word in text.casefold()]


def test_a_business_card_is_one_in_five_languages() -> None:
    """R-FR-42."""
    sources = FR.book.double_optin.sources
    assert {"business-card", "carte-de-visite", "visitenkarte", "tarjeta-de-visita", "biglietto-da-visita"} <= set(sources)
