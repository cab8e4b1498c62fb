"""Proves who wrote a mail that came in: an aligned DKIM signature that verifies under the key in DNS. Implements `writer.Proof`.

Keys are asked for first, over `edges.dns`; dkimpy then verifies from what is known, off the loop. What cannot be proven for any
reason is not proven: nothing here refuses mail.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import partial

import dkim

from gateway.core.answered import Answer
from gateway.core.header import BlockFault, scan
from gateway.core.originator import a_label
from gateway.core.relaxed import body_hash
from gateway.flow.ports import Compute
from gateway.flow.preflight import Resolver

MOST_SIGNATURES = 4
MAX_HEADER = 64 * 1024
MAX_RUN = 64
_ALGORITHMS = (b"rsa-sha256", b"ed25519-sha256")
_TAG = re.compile(rb"(?:^|;)\s*([a-z]{1,10})\s*=\s*([^;]*)")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,250}[a-z0-9])?")
_BLANKS = re.compile(rb"\s+")
_TESTING = re.compile(r"(?:^|;)\s*t\s*=\s*[^;]*\by\b")


class AuthorCheck:
    """Who is proven to have written; asks the name servers it is given."""

    def __init__(self, resolver: Resolver, compute: Compute) -> None:
        self._resolver = resolver
        self._compute = compute

    async def author(self, answer: Answer) -> str:
        """The address in From where a signature of its domain covers From and To and verifies; empty otherwise."""
        domain = a_label(answer.author.rpartition("@")[2]) or ""
        if not domain or not _plain(answer.data, answer.body):
            return ""
        records: dict[bytes, bytes] = {}
        wanted: set[int] = set()
        for index, tags in enumerate(map(_tags, answer.values("dkim-signature")[:MOST_SIGNATURES])):
            name = _key_name(tags, domain)
            found = (await self._resolver.ask(name, "TXT")).records if name else ()
            if len(found) == 1 and not _TESTING.search(found[0]):
                records[f"{name}.".encode()] = found[0].encode("utf-8", "replace")
                wanted.add(index)
        if not wanted:
            return ""
        proven = await self._compute.apart(partial(_verified, answer, wanted, records))
        return answer.author if proven else ""


def _plain(data: bytes, body: int) -> bool:
    """Whether every parser reads this header alike, and none takes long for it."""
    header = data[:body]
    if body > MAX_HEADER or b" " * MAX_RUN in header.replace(b"\t", b" ") or not header.endswith(b"\r\n\r\n"):
        return False
    return not isinstance(scan(data, 0, body - 2), BlockFault)


def _tags(value: bytes) -> Mapping[bytes, bytes]:
    return {name: text.strip() for name, text in _TAG.findall(value)}


def _key_name(tags: Mapping[bytes, bytes], author: str) -> str:
    """Where the key is published; empty for a signature that proves nothing of this author.

    The signer must be the author's domain or one above it: a company's newsletter tool, which signs for a domain below, is not the
    person. A partial body (`l=`) or an unsigned To could be made to say something else.
    """
    signer = tags.get(b"d", b"").decode("ascii", "replace").lower()
    selector = tags.get(b"s", b"").decode("ascii", "replace").lower()
    signed = tags.get(b"h", b"").lower().replace(b" ", b"").replace(b"\t", b"").split(b":")
    aligned = "." in signer and (author == signer or author.endswith(f".{signer}"))
    sound = tags.get(b"a", b"").lower() in _ALGORITHMS and b"l" not in tags and b"from" in signed and b"to" in signed
    if not (aligned and sound and _NAME.fullmatch(selector) and _NAME.fullmatch(signer)):
        return ""
    return f"{selector}._domainkey.{signer}"


def _verified(answer: Answer, wanted: set[int], records: Mapping[bytes, bytes]) -> bool:
    """Whether one of these signatures verifies; slow, call it off the loop."""

    def known(name: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG001  what dkimpy calls
        return records.get(name.lower())

    header, body = answer.data[: answer.body], memoryview(answer.data)[answer.body :]
    try:
        parsed = dkim.DKIM(header)  # type: ignore[no-untyped-call]
        for index in sorted(wanted):
            prepared = parsed.verify_headerprep(index)  # type: ignore[no-untyped-call]
            if not prepared:
                return False
            tags, names, fields = prepared
            claimed = base64.b64decode(_BLANKS.sub(b"", tags.pop(b"bh")))
            if claimed == _hash(body, tags.get(b"c", b"simple/simple")) and parsed.verify_sig(tags, names, fields[index], known):  # type: ignore[no-untyped-call]
                return True
    except (dkim.DKIMException, ValueError, IndexError, KeyError):
        return False
    return False


def _hash(body: memoryview, canonical: bytes) -> bytes:
    """SHA-256 of the canonical body (RFC 6376 3.4.3, 3.4.4); one algorithm named alone is that of the header."""
    if canonical.partition(b"/")[2].strip().lower() == b"relaxed":
        return body_hash([body])
    plain = bytes(body)
    end = len(plain)
    while end >= 2 and plain[end - 2 : end] == b"\r\n":
        end -= 2
    return hashlib.sha256(plain[:end] + b"\r\n").digest()
