"""How a sending domain looks from outside: what its DNS records say, judged against our keys and needs (R-MBX-05, R-MBX-06).

Answers come in as text, findings go out as sentences with a remedy. Who asks, and what follows, is decided elsewhere.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.core.sign import DkimKey, public_record

ENOUGH_BITS, ADVISED_BITS = 1024, 2048


class Standing(StrEnum):
    """How a check ended; `unknown` where name servers did not answer."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the name servers said of one name and type: `records` as text, or `failed` with a word for why nobody knows."""

    records: tuple[str, ...] = ()
    exists: bool = True
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one domain, in a plain sentence, with what to do about it where something is to be done."""

    check: str
    domain: str
    standing: Standing
    says: str
    remedy: str = ""


def tags(record: str) -> dict[str, str]:
    """The `name=value` pairs of a DKIM or DMARC record, names in lower case, the first of each (RFC 6376 3.2)."""
    found: dict[str, str] = {}
    for pair in record.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def dkim(answer: Answer, key: DkimKey) -> Finding:
    """Whether the published key is the one we sign with (RFC 6376 3.6.1)."""
    name = f"{key.selector}._domainkey.{key.domain}"
    remedy = f'{name}. IN TXT "{public_record(key)}"'
    check = f"dkim {key.selector}"
    if answer.failed:
        return Finding(check, key.domain, Standing.UNKNOWN, f"{name} cannot be looked up: {answer.failed}.")
    published = [tags(record) for record in answer.records if "p=" in record.replace(" ", "")]
    if not published:
        return Finding(
            check, key.domain, Standing.BAD, f"No key is published at {name}: no signature of ours can be verified.", remedy
        )
    if len(published) > 1:
        return Finding(
            check, key.domain, Standing.BAD, f"{len(published)} keys are published at {name}: verifiers may take any.", remedy
        )
    found = published[0]
    letters = "".join(found["p"].split())
    if not letters:
        return Finding(check, key.domain, Standing.BAD, f"The key at {name} is revoked.", remedy)
    if letters != tags(public_record(key))["p"] and not _same(letters, key):
        return Finding(check, key.domain, Standing.BAD, f"The key at {name} is not the one we sign with.", remedy)
    return _fine_points(check, key, found, remedy)


def _fine_points(check: str, key: DkimKey, found: dict[str, str], remedy: str) -> Finding:
    """What a verifier may hold against the right key."""
    if found.get("k", "rsa").lower() != key.algorithm.value:
        return Finding(
            check, key.domain, Standing.BAD, f"The record says k={found.get('k', 'rsa')}, the key is {key.algorithm}.", remedy
        )
    if "h" in found and "sha256" not in found["h"].lower().split(":"):
        return Finding(check, key.domain, Standing.BAD, "The record does not allow SHA-256 (h=).", remedy)
    if "y" in found.get("t", "").lower().split(":"):
        return Finding(check, key.domain, Standing.WARN, "The record says that DKIM is being tested (t=y).", remedy)
    bits = key.private.key_size if isinstance(key.private, RSAPrivateKey) else ADVISED_BITS
    if bits < ENOUGH_BITS:
        return Finding(
            check, key.domain, Standing.BAD, f"The key has {bits} bits: mailbox providers take none below {ENOUGH_BITS}."
        )
    if bits < ADVISED_BITS:
        return Finding(check, key.domain, Standing.WARN, f"The key has {bits} bits: {ADVISED_BITS} are advised.")
    return Finding(check, key.domain, Standing.GOOD, "The published key is the one we sign with.")


def _same(letters: str, key: DkimKey) -> bool:
    """Whether base64 of another form (RSAPublicKey in SubjectPublicKeyInfo, RFC 8463 in DER) spells the same key."""
    try:
        octets = base64.b64decode(letters, validate=True)
        published = load_der_public_key(octets)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(published, RSAPublicKey) or not isinstance(key.private, RSAPrivateKey):
        return False
    return published.public_numbers() == key.private.public_key().public_numbers()


def dmarc(domain: str, found_at: str, answer: Answer) -> Finding:
    """Whether a DMARC policy is published and tells somebody about failures; `found_at` is the domain whose record it is."""
    remedy = f'_dmarc.{domain}. IN TXT "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"'
    if answer.failed:
        return Finding("dmarc", domain, Standing.UNKNOWN, f"_dmarc.{found_at} cannot be looked up: {answer.failed}.")
    policies = dmarc_policies(answer)
    if not policies:
        return Finding(
            "dmarc", domain, Standing.BAD, "No DMARC policy is published: large mailbox providers refuse such mail.", remedy
        )
    if len(policies) > 1:
        return Finding("dmarc", domain, Standing.BAD, f"{len(policies)} DMARC policies are published: none counts.", remedy)
    policy = tags(policies[0])
    if policy.get("p", "").lower() not in ("none", "quarantine", "reject"):
        return Finding("dmarc", domain, Standing.BAD, "The DMARC policy says no p=none, quarantine or reject.", remedy)
    if not policy.get("rua"):
        return Finding("dmarc", domain, Standing.WARN, "The DMARC policy names nobody to report to (rua).", remedy)
    return Finding("dmarc", domain, Standing.GOOD, f"DMARC policy p={policy['p'].lower()}, with reports.")


def dmarc_policies(answer: Answer) -> list[str]:
    """The records that are DMARC policies (RFC 7489 6.6.3)."""
    return [record for record in answer.records if record.replace(" ", "").lower().startswith("v=dmarc1")]


def mailable(domain: str, mx: Answer, addresses: Answer, check: str = "mail") -> Finding:
    """Whether mail can come back to a domain: an MX, or an address where there is none (RFC 5321 5.1, RFC 7505)."""
    remedy = f"{domain}. IN MX 10 mail.{domain}."
    if mx.failed or (not mx.records and addresses.failed):
        return Finding(check, domain, Standing.UNKNOWN, f"{domain} cannot be looked up: {mx.failed or addresses.failed}.")
    if is_null_mx(mx):
        return Finding(
            check, domain, Standing.BAD, f"{domain} declares that it takes no mail (null MX): nobody could answer.", remedy
        )
    if mx.records:
        return Finding(check, domain, Standing.GOOD, f"{domain} has a mail server.")
    if addresses.records:
        return Finding(check, domain, Standing.GOOD, f"{domain} has an address, and no MX.")
    why = "does not exist" if not mx.exists else "has neither MX nor address"
    return Finding(check, domain, Standing.BAD, f"{domain} {why}: mailbox providers refuse mail from it.", remedy)


def is_null_mx(mx: Answer) -> bool:
    """Whether the domain says that it takes no mail (RFC 7505 3)."""
    return len(mx.records) == 1 and mx.records[0].split()[-1:] == ["."]


def resolvable(check: str, host: str, addresses: Answer, for_what: str) -> Finding:
    """Whether a host name of ours leads anywhere."""
    if addresses.failed:
        return Finding(check, host, Standing.UNKNOWN, f"{host} cannot be looked up: {addresses.failed}.")
    if addresses.records:
        return Finding(check, host, Standing.GOOD, f"{host} has an address.")
    return Finding(check, host, Standing.BAD, f"{host} has no address: {for_what}.", f"{host}. IN A <address>")


def held(findings: Iterable[Finding]) -> frozenset[str]:
    """The From domains none of whose signatures can be verified: every key of theirs is surely unpublished (R-MBX-05)."""
    keys: dict[str, list[Standing]] = {}
    for finding in findings:
        if finding.check.startswith("dkim"):
            keys.setdefault(finding.domain, []).append(finding.standing)
    return frozenset(domain for domain, standings in keys.items() if all(standing is Standing.BAD for standing in standings))


def dead(findings: Sequence[Finding]) -> frozenset[str]:
    """The domains that surely take no mail (R-FR-73)."""
    return frozenset(finding.domain for finding in findings if finding.check == "mail" and finding.standing is Standing.BAD)
