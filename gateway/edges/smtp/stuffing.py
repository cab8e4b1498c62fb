"""Dot-stuffing for the way out (RFC 5321 4.5.2): the only change the body's bytes may see after signing.

Pure. Works chunk by chunk, right across their borders, in pieces small enough for the loop and for memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

STEP = 256 * 1024


def whole(body: Iterable[bytes | memoryview]) -> bytes:
    """A small message as it goes on the wire, up to and with the end of data."""
    plain = b"".join(body)
    end = b".\r\n" if plain.endswith(b"\r\n") or not plain else b"\r\n.\r\n"
    return (b"." if plain.startswith(b".") else b"") + plain.replace(b"\r\n.", b"\r\n..") + end


class Stuffer:
    """Turns body chunks into pieces to write: first all of `pieces()`, then `last()`, which ends with CRLF.CRLF."""

    __slots__ = ("_held", "_size", "_tail")

    def __init__(self) -> None:
        self._held: list[bytes | memoryview] = []
        self._size = 0
        self._tail = b"\r\n"  # a dot that begins the message begins a line

    def pieces(self, body: Iterable[bytes | memoryview]) -> Iterator[bytes]:
        """Pieces of about STEP bytes; what is left when the body ends stays for `last`."""
        for chunk in body:
            for start in range(0, len(chunk), STEP):
                piece = chunk if len(chunk) <= STEP else memoryview(chunk)[start : start + STEP]
                if self._size + len(piece) > STEP and self._held:
                    yield self._flush()
                self._hold(piece)

    def last(self) -> bytes:
        """The rest of the body and the end of data."""
        self._held.append(b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n")
        return self._flush()

    def _flush(self) -> bytes:
        piece = b"".join(self._held)
        self._held.clear()
        self._size = 0
        return piece

    def _hold(self, piece: bytes | memoryview) -> None:
        plain = bytes(piece)
        if b"." in plain:  # one memchr: base64 has no dots, and most of a large message is base64
            if plain[0] == 46 and self._tail == b"\r\n":
                self._held.append(b".")
            elif plain[:2] == b"\n." and self._tail[1:] == b"\r":
                self._held.append(b"\n.")
                plain = plain[1:]
            plain = plain.replace(b"\r\n.", b"\r\n..")
        self._held.append(plain)
        self._size += len(plain)
        self._tail = (self._tail + plain[-2:])[-2:]
