"""Content-Type, -Disposition and -Transfer-Encoding, read over their raw field so that a parameter can be replaced in place.

Tolerant where MIME is sloppy in practice, linear always; knows nothing of messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

_TOKEN = rb"[^\s()<>@,;:\\\"/\[\]?=\x00-\x20]++"
_KIND = re.compile(rb"[^:]++:\s*+(" + _TOKEN + rb")(?:\s*+/\s*+(" + _TOKEN + rb"))?")
_PARAM = re.compile(rb";\s*+([^\s=;]++)\s*+=\s*+(\"(?>(?:[^\"\\]|\\.)*)\"|[^\s;(\"][^\s;(]*+|)", re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ContentType:
    """A media type: `kind` is `type/subtype` in lower case; offsets count from the field's first byte, -1 where not written."""

    kind: str
    params: tuple[tuple[str, str], ...] = ()
    kind_end: int = -1
    charset_start: int = -1
    charset_end: int = -1

    def param(self, name: str) -> str:
        """A parameter's value, empty where absent."""
        for key, value in self.params:
            if key == name:
                return value
        return ""


TEXT_PLAIN = ContentType("text/plain")
MESSAGE = ContentType("message/rfc822")
_OPAQUE = "application/octet-stream"


@lru_cache(maxsize=256)
def content_type(field: bytes) -> ContentType:
    """Read a whole Content-Type field, name and folds included; nonsense is opaque, a bare `text` is text/plain (RFC 2045 5.2)."""
    found = _KIND.match(field)
    if found is None:
        return ContentType(_OPAQUE)
    major, minor = found[1].lower(), found[2]
    if minor is None:
        return ContentType("text/plain" if major == b"text" else _OPAQUE, kind_end=found.end())
    params, (start, end) = _params(field, found.end())
    return ContentType(f"{major.decode('latin-1')}/{minor.lower().decode('latin-1')}", params, found.end(), start, end)


@lru_cache(maxsize=256)
def disposition(field: bytes) -> tuple[str, bool]:
    """(lower-case disposition, whether it names a file) of a whole Content-Disposition field."""
    found = _KIND.match(field)
    if found is None:
        return "attachment", False
    params, _ = _params(field, found.end())
    return found[1].lower().decode("latin-1"), any(name == "filename" for name, _ in params)


@lru_cache(maxsize=256)
def transfer_encoding(value: bytes) -> str:
    """A Content-Transfer-Encoding in lower case, without comment or parameter."""
    return value.partition(b";")[0].partition(b"(")[0].strip().lower().decode("latin-1")


def _params(field: bytes, at: int) -> tuple[tuple[tuple[str, str], ...], tuple[int, int]]:
    """The parameters, RFC 2231 pieces joined, the first of a name winning; and the span of the plain charset value."""
    whole: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, bytes]]] = {}
    charset = (-1, -1)
    for found in _PARAM.finditer(field, at):
        name = found[1].lower().decode("latin-1")
        value = found[2]
        if value.startswith(b'"'):
            value = _QUOTED_PAIR.sub(rb"\1", value[1:-1].replace(b"\r\n", b""))
        if "*" in name:
            base, _, rest = name.partition("*")
            number = rest.rstrip("*")
            order = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0
            pieces.setdefault(base, []).append((order, name.endswith("*"), value))
        elif name not in whole:
            whole[name] = value.decode("latin-1")
            if name == "charset":
                charset = found.span(2)
    for base, parts in pieces.items():
        whole.setdefault(base, _joined(parts))
    return tuple(whole.items()), charset


def _joined(pieces: list[tuple[int, bool, bytes]]) -> str:
    """The value of an RFC 2231 continued or extended parameter."""
    value = b""
    for number, extended, piece in sorted(pieces, key=lambda one: one[0]):
        if extended:
            piece = unquote_to_bytes(piece.split(b"'", 2)[-1] if number == 0 else piece)
        value += piece
    return value.decode("latin-1")
