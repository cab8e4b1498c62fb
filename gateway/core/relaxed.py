"""The relaxed canonical form of DKIM (RFC 6376 3.4.2, 3.4.4): header fields, and the hash of a body of any size.

Linear in the input whatever it holds: trailing white space goes by `bytes.replace` once runs are single spaces, never by a regular
expression. Bodies are taken in steps, so that a thread which hashes one never keeps the interpreter to itself for long.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

STEP = 128 * 1024
_RUNS = re.compile(rb"  +")  # nothing follows the run, so nothing is ever tried twice
_LOOSE = re.compile(rb" (?: |\r\n)")  # one search is faster than two for the strings themselves
_LINE_ENDS = b"\r\n" * 4096

Chunk = bytes | memoryview


def blocks(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The same bytes in pieces of at most `STEP`; nothing is copied."""
    for chunk in chunks:
        if len(chunk) <= STEP:
            yield chunk
            continue
        view = memoryview(chunk)
        for start in range(0, len(view), STEP):
            yield view[start : start + STEP]


def collapse(text: bytes) -> bytes:
    """Each run of spaces and tabs as one space."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    if b"  " in text:
        text = _RUNS.sub(b" ", text)
    return text


def fields(block: bytes) -> list[bytes]:
    """The header fields of a block, each on one line, collapsed; white space around the colon is for the caller to take off."""
    return collapse(block.replace(b"\t", b" ").replace(b"\r\n ", b" ")).split(b"\r\n")


def body_hash(chunks: Iterable[Chunk]) -> bytes:
    """SHA-256 of the relaxed body; how the body is cut into chunks makes no difference.

    Between blocks three things are carried over: white space or a CR whose meaning depends on what follows, and the number of
    line ends seen, which count only when text follows. A missing last CRLF is hashed as the CRLF that the wire will add.
    """
    pieces = list(chunks)
    if sum(map(len, pieces)) <= STEP:
        return hashlib.sha256(_relaxed(b"".join(pieces))).digest()
    digest = hashlib.sha256()
    held, line_ends, begun = b"", 0, False
    for block in blocks(pieces):
        text = _tight(b"".join((held, block)) if held else bytes(block))
        held = _undecided(text)
        solid = _solid(text, len(text) - len(held))
        if solid:
            _put_line_ends(digest, line_ends)
            digest.update(memoryview(text)[:solid])
            line_ends, begun = 0, True
        line_ends += (len(text) - len(held) - solid) // 2
    if held.endswith(b"\r"):  # a lone CR is text like any other
        _put_line_ends(digest, line_ends)
        digest.update(held)
        begun = True
    if begun:
        digest.update(b"\r\n")
    return digest.digest()


def _relaxed(text: bytes) -> bytes:
    """A whole body in its canonical form."""
    text = _tight(text).removesuffix(b" ")
    solid = _solid(text, len(text))
    if not solid:
        return b""
    return text if solid + 2 == len(text) else text[:solid] + b"\r\n"


def _tight(text: bytes) -> bytes:
    """Runs of white space as one space, and none before a line end."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    return _RUNS.sub(b" ", text).replace(b" \r\n", b"\r\n") if _LOOSE.search(text) else text


def _undecided(text: bytes) -> bytes:
    """The end of a collapsed block that the next one may still change."""
    for end in (b" \r", b"\r", b" "):
        if text.endswith(end):
            return end
    return b""


def _solid(text: bytes, end: int) -> int:
    """The length of `text[:end]` without the CRLFs it ends with."""
    if text[end - 2 : end] != b"\r\n":
        return end
    kept = len(text[:end].rstrip(b"\r\n"))
    tail = text[kept:end]
    odd = 1 + max(tail.rfind(b"\n\n"), tail.rfind(b"\r\r"))  # behind a lone CR or LF only pairs are left
    return kept + odd + (tail[odd : odd + 1] == b"\n")


def _put_line_ends(digest: hashlib._Hash, count: int) -> None:
    whole, rest = divmod(count, len(_LINE_ENDS) // 2)
    for _ in range(whole):
        digest.update(_LINE_ENDS)
    digest.update(_LINE_ENDS[: rest * 2])
