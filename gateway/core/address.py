"""Mailbox addresses: strict reading, one canonical spelling, and the keys under which a person is filed.

Every spelling of one mailbox must end in the same key or be refused, or an opposition could be walked around (reliability T8).
Nothing here stores, logs or prints an address; `mask` is the only form made for eyes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Literal

import idna

from gateway.core.model import PersonKey
from gateway.core.record import Who

MAX_LOCAL = 64
MAX_DOMAIN = 255
MAX_PATH = 254
KEY_BYTES = 16
PARENT_DOMAINS = 4

_ATEXT = r"A-Za-z0-9#$&'*+\-/=?^_`{|}~"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(rf"([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@((?:{_LABEL}\.)+{_LABEL})")
_HOST = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")
_DOT_STRING = re.compile(rf"[{_ATEXT}\x80-\U0010ffff]+(?:\.[{_ATEXT}\x80-\U0010ffff]+)*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ROUTING = frozenset("%!@")
_INVISIBLE_MARKS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_REFUSED_KINDS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})


class AddressFault(StrEnum):
    """Why a text is no address we deal with; never quotes it."""

    SYNTAX = "syntax"
    TOO_LONG = "too-long"
    CHARACTER = "character"
    ROUTING = "routing"
    LITERAL = "literal"
    NOT_QUALIFIED = "not-qualified"
    UTF8_NEEDED = "utf8-needed"


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox: `local` as given (unquoted where quotes were unneeded), `domain` in lower-case A-labels.

    `canonical` is the spelling that keys are made of: local part in NFC and case-folded, `@`, domain (R-FR-65).
    """

    local: str
    domain: str
    canonical: str

    @property
    def wire(self) -> str:
        """What goes into RCPT: the local part's case unchanged (R-STD-38), the domain in A-labels."""
        return f"{self.local}@{self.domain}"

    @property
    def utf8(self) -> bool:
        """Whether the next hop must speak SMTPUTF8."""
        return not self.local.isascii()

    @property
    def untagged(self) -> str:
        """The canonical spelling without a `+tag`, for installations that fold them (R-FR-65)."""
        local, plus, _ = self.canonical.rpartition("@")[0].partition("+")
        return f"{local}@{self.domain}" if plus and local and not local.startswith('"') else self.canonical

    @property
    def role(self) -> str:
        """The folded local part without a `+tag`: what lists of generic addresses are matched against (R-FR-12)."""
        return self.untagged.rpartition("@")[0]


def parse(text: str, smtputf8: bool = False) -> Address | AddressFault:
    """Read the mailbox of an SMTP path, angle brackets already gone (RFC 5321 4.1.2, RFC 6531 3.3)."""
    if len(text) > MAX_PATH:
        return AddressFault.TOO_LONG
    plain = _PLAIN.fullmatch(text)
    if plain is None:
        return _parse_rare(text, smtputf8)
    local = plain[1]
    domain = plain[2].lower()
    if len(local) > MAX_LOCAL:
        return AddressFault.TOO_LONG
    if "xn--" in domain or domain[-1].isdigit():
        checked = _domain(domain)
        if isinstance(checked, AddressFault):
            return checked
        domain = checked
    return Address(local, domain, f"{local.lower()}@{domain}")


def parse_typed(text: str) -> Address | AddressFault:
    """Read an address as people and exports write it in files and forms: surrounding white space and brackets are forgiven."""
    text = text.strip()
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1].strip()
    return parse(text, smtputf8=True)


def _parse_rare(text: str, smtputf8: bool) -> Address | AddressFault:
    """The careful way: quoted strings, internationalised addresses, and all that is refused."""
    fault = _character_fault(text, smtputf8)
    if fault:
        return fault
    given, at, host = text.rpartition("@")
    if not at:
        return AddressFault.NOT_QUALIFIED if _DOT_STRING.fullmatch(text) else AddressFault.SYNTAX
    local = _local(given)
    if isinstance(local, AddressFault):
        return local
    domain = _domain(host)
    if isinstance(domain, AddressFault):
        return domain
    if len(f"{local}@{domain}".encode()) > MAX_PATH:
        return AddressFault.TOO_LONG
    return Address(local, domain, f"{_fold(local)}@{domain}")


def _character_fault(text: str, smtputf8: bool) -> AddressFault | None:
    """Refuse what a reader cannot see or what another server may silently turn into something else."""
    if text.isascii():
        return None if text.isprintable() else AddressFault.CHARACTER
    if any(unicodedata.category(character) in _REFUSED_KINDS for character in text if character != " "):
        return AddressFault.CHARACTER
    if _INVISIBLE_MARKS.search(text) or unicodedata.normalize("NFKC", text) != unicodedata.normalize("NFC", text):
        return AddressFault.CHARACTER
    return None if smtputf8 else AddressFault.UTF8_NEEDED


def _local(given: str) -> str | AddressFault:
    """A dot-string as it is; a quoted-string without its quotes where they were unneeded, else with the fewest escapes."""
    if given.startswith("@") or ":" in given.partition('"')[0]:
        return AddressFault.ROUTING
    content, quoted = given, given.startswith('"')
    if quoted:
        inside = _QUOTED.fullmatch(given)
        if inside is None:
            return AddressFault.SYNTAX
        content = re.sub(r"\\(.)", r"\1", inside[1])
    if _ROUTING.intersection(content):
        return AddressFault.ROUTING
    if not _DOT_STRING.fullmatch(content):
        if not quoted or not content or content != content.strip():
            return AddressFault.SYNTAX
        content = '"' + re.sub(r'(["\\])', r"\\\1", content) + '"'
    return content if len(content.encode()) <= MAX_LOCAL else AddressFault.TOO_LONG


@lru_cache(maxsize=4096)
def _domain(host: str) -> str | AddressFault:
    """A host name in lower-case A-labels, fully qualified (R-STD-23), valid under IDNA 2008 with UTS 46 mapping."""
    if host.startswith("["):
        return AddressFault.LITERAL
    if host.isascii() and "xn--" not in host.lower():
        domain = host.lower()
    else:
        try:
            domain = idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return AddressFault.SYNTAX
    if len(domain) > MAX_DOMAIN:
        return AddressFault.TOO_LONG
    if not _HOST.fullmatch(domain):
        return AddressFault.NOT_QUALIFIED if re.fullmatch(_LABEL, domain) else AddressFault.SYNTAX
    return AddressFault.SYNTAX if domain.rpartition(".")[2].isdigit() else domain


def _fold(text: str) -> str:
    """Canonical caseless form (Unicode D145), kept composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


class Identity:
    """Makes the keys people are filed under; `pepper` never leaves this object.

    `shared` are the keys that partners hash addresses with, by the partner's name (R-DP-24).
    """

    def __init__(self, pepper: bytes, fold_tags: bool = False, shared: Mapping[str, bytes] | None = None) -> None:
        self._pepper = pepper
        self._fold_tags = fold_tags
        self._shared = dict(shared or {})
        self._domains: Callable[[str], tuple[PersonKey, ...]] = lru_cache(maxsize=16384)(self._domain_keys)

    def person(self, address: Address) -> PersonKey:
        """The key of one mailbox."""
        return self._key(address.untagged if self._fold_tags else address.canonical)

    def domain(self, domain: str) -> PersonKey:
        """The key of everybody at a domain and below it (R-FR-66); `domain` in lower-case A-labels."""
        return self._key(f"@{domain}")

    def foreign(self, algorithm: Literal["md5", "sha256"], hexdigest: str) -> PersonKey:
        """The key of another list's hash, so that a dump never holds a guessable plain hash (R-DP-02)."""
        return self._key(f"{algorithm}:{hexdigest.strip().lower()}")

    def of_partner(self, partner: str, hexdigest: str) -> PersonKey:
        """The key of a partner's keyed hash: pseudonymous here too, though only the partner and we could make it."""
        return self._key(f"{partner}:{hexdigest.strip().lower()}")

    def of_partners(self, address: Address) -> dict[str, PersonKey]:
        """The keys of the hashes that partners may tell us of this address, by the name of each that shares a key."""
        return {name: self.of_partner(name, shared_hash(key, address.canonical)) for name, key in self._shared.items()}

    def shares(self, partner: str) -> bool:
        """Whether hashes of this partner can be recognised."""
        return partner in self._shared

    def who(self, address: Address, hashes: bool) -> Who:
        """Every key under which facts about this recipient may be filed; `hashes` where foreign ones are on record."""
        also = self._domains(address.domain)
        return Who(self.person(address), also + self._hash_keys(address) if hashes else also)

    def _key(self, name: str) -> PersonKey:
        return PersonKey(hmac.digest(self._pepper, name.encode(), "sha256")[:KEY_BYTES])

    def _domain_keys(self, domain: str) -> tuple[PersonKey, ...]:
        labels = domain.split(".")
        names = [".".join(labels[cut:]) for cut in range(len(labels) - 1)]
        return tuple(self.domain(name) for name in names[:1] + names[1:][-(PARENT_DOMAINS - 1) :])

    def _hash_keys(self, address: Address) -> tuple[PersonKey, ...]:
        """Keys of the hashes other lists may hold: of our canonical spelling and of the plainly lower-cased one."""
        keys: list[PersonKey] = []
        for spelling in dict.fromkeys((address.canonical, address.wire.lower())):
            spelled = spelling.encode()
            keys.append(self.foreign("md5", hashlib.md5(spelled, usedforsecurity=False).hexdigest()))
            keys.append(self.foreign("sha256", hashlib.sha256(spelled).hexdigest()))
        return (*keys, *self.of_partners(address).values())


def shared_hash(key: bytes, canonical: str) -> str:
    """The keyed hash two houses know an address by: HMAC-SHA-256 over its canonical spelling, hexadecimal (R-DP-24)."""
    return hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()


def mask(address: Address) -> str:
    """The address as a page may show it to somebody who should know it already: `m***@e***.com`."""
    first = address.local[0] if address.local[0].isalnum() and len(address.local) > 1 else ""
    return f"{first}***@{address.domain[0]}***.{address.domain.rpartition('.')[2]}"
