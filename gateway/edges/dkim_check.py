"""Verifies a sample of our own signatures with a stranger's verifier before they leave (R-STD-45); asks no DNS.

dkimpy does it, with our public records in place of DNS. Its relaxed body form is slow, and quadratic in runs of white space, so it
gets the whole message only where the body is small and has no long run; otherwise it verifies the header signature, and the body
hash is compared with ours, taken anew from the finished bytes. Run it off the loop.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence

import dkim

from gateway.core.relaxed import Chunk, body_hash
from gateway.core.sign import DkimKey, public_record

MAX_BODY = 256 * 1024
MAX_RUN = 64
MAX_HEADER = 512 * 1024
ALWAYS_FIRST = 100

_MAX_SIGNATURES = 8


class SelfCheck:
    """Due for the first `always_first` messages, then for `rate` of them; `records` are our public ones by (domain, selector)."""

    def __init__(self, records: Mapping[tuple[str, str], str], rate: float, always_first: int = ALWAYS_FIRST) -> None:
        self._records = {f"{selector}._domainkey.{domain}.".encode(): text.encode() for (domain, selector), text in records.items()}
        self._rate = rate
        self._first = always_first
        self._seen = 0

    @classmethod
    def of(cls, keys: Iterable[DkimKey], rate: float, always_first: int = ALWAYS_FIRST) -> SelfCheck:
        """A check that knows these keys."""
        return cls({(key.domain, key.selector): public_record(key) for key in keys}, rate, always_first)

    def due(self) -> bool:
        """Whether the next message is in the sample; counts it."""
        later = self._seen - self._first
        self._seen += 1
        return later < 0 or int((later + 1) * self._rate) > int(later * self._rate)

    def verify(self, message: Sequence[Chunk] | bytes) -> bool:
        """Whether the signatures on top are ours and valid; one further down under a name seen before is an earlier relay's."""
        chunks = [message] if isinstance(message, bytes) else list(message)
        header, body = _parted(chunks)
        if not header:
            return False
        small = sum(map(len, body)) <= MAX_BODY
        whole = b"".join((header, *body)) if small else header
        if b" " * MAX_RUN in whole.replace(b"\t", b" "):
            small, whole = False, header
        try:
            return self._verify_all(whole, None if small else body_hash(body))
        except (dkim.DKIMException, ValueError, IndexError):
            return False

    def _verify_all(self, message: bytes, digest: bytes | None) -> bool:
        parsed = dkim.DKIM(message)  # type: ignore[no-untyped-call]
        done: set[tuple[bytes, bytes]] = set()
        for index in range(_MAX_SIGNATURES):
            prepared = parsed.verify_headerprep(index)  # type: ignore[no-untyped-call]
            if not prepared:
                break
            tags, names, fields = prepared
            place = (tags[b"d"], tags[b"s"])
            if place in done or b"%b._domainkey.%b." % (tags[b"s"], tags[b"d"]) not in self._records:
                break
            done.add(place)
            if digest is not None and base64.b64decode(re.sub(rb"\s", b"", tags.pop(b"bh"))) != digest:
                return False
            if not parsed.verify_sig(tags, names, fields[index], self._ask):  # type: ignore[no-untyped-call]
                return False
        return bool(done)

    def _ask(self, name: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG002 (what dkimpy calls)
        return self._records.get(name)


def _parted(chunks: Sequence[Chunk]) -> tuple[bytes, list[Chunk]]:
    """The header block with its blank line, empty where there is none, and the pieces of the body: a large one is not copied."""
    begun = b""
    for number, chunk in enumerate(chunks, 1):
        begun += bytes(chunk[:MAX_HEADER])
        end = begun.find(b"\r\n\r\n") + 4
        if end >= 4:
            return begun[:end], [begun[end:], chunk[MAX_HEADER:], *chunks[number:]]
        if len(chunk) > MAX_HEADER:
            break
    return b"", []
