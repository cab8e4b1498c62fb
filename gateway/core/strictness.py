"""How strict a pack is, computed from its parameters: where nobody says which law applies, the strictest does (R-PACK-01)."""

from __future__ import annotations

from gateway.core.rulebook import RuleBook, RuleTable

_TRACKERS = {"allow": 0, "strip": 1, "refuse": 2}


def strictness(book: RuleBook) -> tuple[int, ...]:
    """Compared in this order: consent of private people, of professionals, its confirmation, then exceptions and smaller rules."""
    strict_b2b = book.business_mode.enabled and book.business_mode.b2b_mode == "strict"
    return (
        book.consumer_consent.consumer == "opt-in",
        strict_b2b or not book.professional.enabled,
        book.double_optin.enabled and book.double_optin.double_optin == "required",
        not book.implied.enabled,
        -len(book.existing_customer.relations) if book.existing_customer.enabled else 1,
        not book.role_addresses.enabled,
        not book.nonprofit.enabled,
        len(book.business_mode.individuals) if book.business_mode.enabled else 0,
        book.partner_named.enabled,
        book.new_partner.new_partner_requires == "consent",
        book.first_contact.enabled,
        _TRACKERS[book.trackers.then] if book.trackers.enabled else 0,
        book.minors.age if book.minors.enabled else 0,
        _applied(book),
    )


def _applied(book: RuleBook) -> int:
    """How many rules the pack applies at all."""
    return sum(isinstance(rule, RuleTable) and rule.enabled for _, rule in book)
