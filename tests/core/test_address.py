"""Addresses: every spelling of one mailbox gives one key or is refused (reliability T8, R-FR-65)."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.address import Address, AddressFault, Identity, mask, parse, parse_typed

IDENTITY = Identity(b"p" * 32)


def read(text: str, smtputf8: bool = True) -> Address:
    address = parse(text, smtputf8)
    assert isinstance(address, Address), address
    return address


VICTIM = IDENTITY.person(read("victim@example.com"))

SPELLINGS = [
    "victim@example.com",
    "VICTIM@example.com",
    "Victim@Example.COM",
    "victim@EXAMPLE.com",
    '"victim"@example.com',
    '"VICTIM"@example.com',
    '"vic\\tim"@example.com',
    '"\\v\\i\\c\\t\\i\\m"@Example.com',
    " victim@example.com",
    "victim@example.com ",
    "victim @example.com",
    "victim@ example.com",
    '" victim"@example.com',
    '"victim "@example.com',
    "\tvictim@example.com",
    "victim@example.com\r\n",
    "victim\r\n@example.com",
    "victim\r@example.com",
    "victim\n@example.com",
    "victim\x00@example.com",
    '"victim\x00"@example.com',
    "victim\x7f@example.com",
    "victim(comment)@example.com",
    "(comment)victim@example.com",
    "victim@(comment)example.com",
    "victim@example.com(comment)",
    "@relay.example:victim@example.com",
    "@a.example,@b.example:victim@example.com",
    "victim%example.com@relay.example",
    "relay.example!victim@example.com",
    '"victim@example.com"@relay.example',
    "victim@example.com@relay.example",
    "vic\u200btim@example.com",
    "vic\u00adtim@example.com",
    "\ufeffvictim@example.com",
    "victim\u2060@example.com",
    "\u202emitciv@example.com",
    "victim\u2028@example.com",
    "victim\ufe0f@example.com",
    "ｖictim@example.com",
    "𝐯ictim@example.com",
    "victim@ｅxample.com",
    "victim＠example.com",
    "victim@example．com",
    "victim@example。com",
    "victim@exam\u200dple.com",
    "victim@example.com.",
    ".victim@example.com",
    "victim.@example.com",
    "victim@[192.0.2.1]",
    "victim@example..com",
    "<victim@example.com>",
    "Victim <victim@example.com>",
    "victim",
    "victim@",
    "victim@localhost",
    "\ud800victim@example.com",
]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_every_spelling_of_a_mailbox_gives_its_key_or_is_refused(spelling: str) -> None:
    address = parse(spelling, smtputf8=True)
    if isinstance(address, Address):
        assert IDENTITY.person(address) == VICTIM
        assert address.wire.lower() == "victim@example.com"


def test_at_least_45_spellings_are_tried() -> None:
    assert len(set(SPELLINGS)) >= 45


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", AddressFault.SYNTAX),
        ("@example.com", AddressFault.SYNTAX),
        ("@relay.example:a@example.com", AddressFault.ROUTING),
        ('""@example.com', AddressFault.SYNTAX),
        ('"open@example.com', AddressFault.SYNTAX),
        ("a b@example.com", AddressFault.SYNTAX),
        ("victim", AddressFault.NOT_QUALIFIED),
        ("victim@localhost", AddressFault.NOT_QUALIFIED),
        ("victim@10.0.0.1", AddressFault.SYNTAX),
        ("victim@[10.0.0.1]", AddressFault.LITERAL),
        ("victim@[IPv6:::1]", AddressFault.LITERAL),
        ("victim@-a.example", AddressFault.SYNTAX),
        ("victim@a_b.example", AddressFault.SYNTAX),
        ("victim@xn--zzzz99999.example", AddressFault.SYNTAX),
        ("a%b@example.com", AddressFault.ROUTING),
        ("a!b@example.com", AddressFault.ROUTING),
        ("a" * 65 + "@example.com", AddressFault.TOO_LONG),
        ("a@" + "b" * 64 + ".example", AddressFault.SYNTAX),
        ("a" * 300, AddressFault.TOO_LONG),
        ("é" * 33 + "@example.com", AddressFault.TOO_LONG),
        ("a\u200b@example.com", AddressFault.CHARACTER),
    ],
)
def test_what_is_no_mailbox_is_refused_with_its_fault(text: str, fault: AddressFault) -> None:
    assert parse(text, smtputf8=True) is fault


@pytest.mark.parametrize("text", ["élodie@example.com", "elodie@bücher.example"])
def test_addresses_outside_ascii_need_smtputf8(text: str) -> None:
    assert parse(text) is AddressFault.UTF8_NEEDED
    assert isinstance(parse(text, smtputf8=True), Address)


def test_the_longest_legal_local_part_is_accepted() -> None:
    assert read("a" * 64 + "@example.com").local == "a" * 64


def test_case_of_the_local_part_is_kept_on_the_wire_only() -> None:
    address = read("Jean.Dupont@Example.COM")
    assert address.wire == "Jean.Dupont@example.com"
    assert address.canonical == "jean.dupont@example.com"


def test_needed_quotes_stay_and_unneeded_ones_go() -> None:
    assert read('"jean"@example.com').wire == "jean@example.com"
    assert read('"jean du\\pont"@example.com').wire == '"jean dupont"@example.com'
    assert read('"a\\"b\\\\c"@example.com').wire == '"a\\"b\\\\c"@example.com'


def test_u_labels_and_a_labels_are_one_domain() -> None:
    domains = {
        read(f"a@{host}").domain for host in ("bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "bu\u0308cher.example")
    }
    assert domains == {"xn--bcher-kva.example"}
    assert not read("a@bücher.example").utf8


def test_composed_and_decomposed_local_parts_are_one_person() -> None:
    one, other = read("ÉLODIE@example.com"), read("e\u0301lodie@example.com")
    assert IDENTITY.person(one) == IDENTITY.person(other)
    assert one.utf8


def test_tags_are_folded_only_where_asked() -> None:
    plain, tagged = read("a@example.com"), read("a+promo@example.com")
    assert IDENTITY.person(plain) != IDENTITY.person(tagged)
    folding = Identity(b"p" * 32, fold_tags=True)
    assert folding.person(plain) == folding.person(tagged)
    assert folding.person(read("+a@example.com")) != folding.person(read("+b@example.com"))
    assert tagged.wire == "a+promo@example.com"


def test_typed_addresses_forgive_white_space_and_brackets() -> None:
    assert parse_typed(" <Victim@Example.com>\t") == read("Victim@example.com")
    assert parse_typed("\u00a0élodie@bücher.example ") == read("élodie@bücher.example")


def test_keys_need_the_pepper_and_hold_no_plain_hash() -> None:
    address = read("victim@example.com")
    key = IDENTITY.person(address)
    assert len(key) == 16
    assert Identity(b"q" * 32).person(address) != key
    assert not hashlib.sha256(b"victim@example.com").digest().startswith(key)


def test_parent_domains_are_looked_up_and_bounded() -> None:
    who = IDENTITY.who(read("a@x.mail.example.com"), hashes=False)
    assert who.person == IDENTITY.person(read("a@x.mail.example.com"))
    assert who.also == tuple(IDENTITY.domain(name) for name in ("x.mail.example.com", "mail.example.com", "example.com"))
    deep = IDENTITY.who(read("a@1.2.3.4.5.6.example.com"), hashes=False).also
    assert len(deep) == 4
    assert IDENTITY.domain("1.2.3.4.5.6.example.com") in deep
    assert IDENTITY.domain("example.com") in deep


@pytest.mark.parametrize("spelling", ["Victim@Example.com", "victim@example.com", '"Victim"@example.com'])
def test_a_foreign_hash_finds_its_person(spelling: str) -> None:
    also = IDENTITY.who(read(spelling), hashes=True).also
    for algorithm in ("md5", "sha256"):
        digest = hashlib.new(algorithm, b"victim@example.com").hexdigest()
        assert IDENTITY.foreign(algorithm, digest.upper()) in also  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("marie@example.com", "m***@e***.com"), ("m@example.com", "***@e***.com"), ('"a b"@mail.example.org', "***@m***.org")],
)
def test_a_masked_address_shows_two_letters_at_most(text: str, shown: str) -> None:
    assert mask(read(text)) == shown


LOCALS = st.text(st.characters(codec="utf-8", exclude_characters="@"), min_size=1, max_size=20)


@given(st.one_of(st.text(max_size=80), st.builds("{}@{}.example".format, LOCALS, LOCALS)), st.booleans())
def test_canonical_form_is_its_own_canonical_form(text: str, smtputf8: bool) -> None:
    address = parse(text, smtputf8)
    if isinstance(address, Address):
        again = parse(address.canonical, smtputf8=True)
        assert isinstance(again, Address)
        assert again.canonical == address.canonical
        assert parse(address.wire, smtputf8=True) == address


@given(st.builds("{}@{}.example".format, LOCALS, LOCALS))
def test_what_is_accepted_is_fit_for_a_command_line(text: str) -> None:
    address = parse(text, smtputf8=True)
    if isinstance(address, Address):
        assert address.wire.isprintable()
        assert address.domain.isascii()
        assert len(address.wire.encode()) <= 254
