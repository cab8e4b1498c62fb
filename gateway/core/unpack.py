"""Takes mail that came back apart, whatever its bytes: fields, parts, their text. Lenient and linear, never raises.

Reports are hostile content (R-STD-69): size, depth, number of parts and of fields are capped, nothing is fetched or rendered. The
strict reading of mail that goes out is `mime`; nothing here is ever written again.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.core.charset import charset
from gateway.core.subject import decoded

MOST = 1 << 20
MOST_HEAD = 1 << 16
MOST_FIELDS = 500
MOST_VALUE = 4096
MOST_TEXT = 1 << 16
MOST_CODED = 1 << 18
MOST_PARTS = 64
MOST_DEPTH = 8

_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]*:")
_PARAMETER = re.compile(r';\s*([!#-:<-~]{1,40})\s*=\s*("[^"]*"|[^;\s]*)')
_GUESS = re.compile(rb"\n--(\S[^\n]{2,69}?)[ \t]*\n[Cc]ontent-")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_BREAKS = re.compile(r"<\s*(?:br|/p|/div|/tr|/li|/h\d)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_BLANKS = re.compile(r"[^\S\n]+")

RETURNED = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
)
"""What a returned message, or its head, is called (RFC 2045, 6522, 6533)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a message: `kind` is its media type in lower case, `raw` its body as it travels."""

    kind: str
    parameters: dict[str, str]
    fields: tuple[tuple[str, str], ...]
    raw: bytes

    @property
    def content(self) -> bytes:
        """The body without its transfer encoding, as far as it can be read."""
        match first(self.fields, "content-transfer-encoding").strip().lower():
            case "base64":
                letters = _NOT_BASE64.sub(b"", self.raw[:MOST_CODED])
                letters = letters[:-1] if len(letters) % 4 == 1 else letters
                return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
            case "quoted-printable":
                return binascii.a2b_qp(self.raw[:MOST_CODED])
            case _:
                return self.raw

    @property
    def text(self) -> str:
        """The words, HTML without its tags, line ends as LF, at most 64 K characters."""
        words = worded(self.content[: MOST_TEXT * 2], self.parameters.get("charset", ""))
        return (plain(words) if self.kind == "text/html" else words)[:MOST_TEXT].replace("\r\n", "\n")

    @property
    def attached(self) -> bool:
        """Whether it is a file rather than words."""
        return first(self.fields, "content-disposition").lstrip().lower().startswith("attachment")


@dataclass(frozen=True, slots=True)
class Mail:
    """A message taken apart: its fields, its media type, its leaves in order; a returned message is one leaf."""

    fields: tuple[tuple[str, str], ...]
    kind: str
    parameters: dict[str, str]
    parts: tuple[Part, ...]
    cut: bool = False

    def one(self, name: str) -> str:
        """The first field of that lower-case name on one line, encoded words read; empty where there is none."""
        return readable(first(self.fields, name))


def unpack(data: bytes) -> Mail:
    """Take a message apart."""
    whole = data[:MOST].replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n")
    if whole.startswith((b"From ", b">From ")):  # the line an mbox puts before a message
        whole = whole.partition(b"\n")[2]
    fields, body = head_of(whole)
    kind, parameters = media_type(first(fields, "content-type"))
    budget = [MOST_PARTS]
    return Mail(fields, kind, parameters, tuple(_leaves(fields, body, 0, budget)), len(data) > MOST or budget[0] <= 0)


def head_of(block: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """The fields a block begins with and what follows them; a line that is no field ends the head."""
    found: list[tuple[str, list[bytes]]] = []
    at = 0
    while at < len(block) and at < MOST_HEAD and len(found) < MOST_FIELDS:
        end = block.find(b"\n", at)
        end = len(block) if end < 0 else end
        line = block[at:end]
        if not line.strip():
            at = end + 1
            break
        if line[:1] in b" \t" and found:
            found[-1][1].append(line.strip())
        elif name := _FIELD.match(line):
            found.append((name[1].decode("ascii").lower(), [line[name.end() :].strip()]))
        else:
            break
        at = end + 1
    return tuple((name, b" ".join(lines)[:MOST_VALUE].decode("utf-8", "replace")) for name, lines in found), block[at:]


def first(fields: tuple[tuple[str, str], ...], name: str) -> str:
    """The value of the first field of that lower-case name; empty where there is none."""
    return next((value for known, value in fields if known == name), "")


def readable(value: str) -> str:
    """A field's value with its encoded words read (RFC 2047)."""
    return decoded(value.encode("utf-8", "replace")) if "=?" in value else value


def media_type(value: str) -> tuple[str, dict[str, str]]:
    """Type and parameters, names in lower case; text/plain where nothing sensible is said (RFC 2045 5.2)."""
    kind = value.partition(";")[0].strip().lower()
    parameters = {found[1].lower(): found[2].strip('"') for found in _PARAMETER.finditer(value[:MOST_VALUE])}
    return (kind if "/" in kind else "text/plain"), parameters


def worded(content: bytes, named: str) -> str:
    """Bytes as text: what is named, else UTF-8, else Latin-1, which reads anything."""
    codec = charset(named)[1] if named else "utf-8"
    for candidate in (codec if codec != "ascii" else "utf-8", "latin-1"):
        try:
            return content.decode(candidate)
        except (UnicodeError, LookupError):
            continue
    return content.decode("latin-1")


def plain(markup: str) -> str:
    """The words of HTML, roughly: enough to look for phrases, never shown to anybody."""
    lines = _TAG.sub(" ", _BREAKS.sub("\n", _without(_without(markup, "style"), "script")))
    return _BLANKS.sub(" ", html.unescape(lines))


def _without(markup: str, tag: str) -> str:
    """The markup without what stands between `<tag` and `</tag`, in one pass."""
    low, kept, at = markup.lower(), [], 0
    if len(low) != len(markup):
        return markup
    while (start := low.find(f"<{tag}", at)) >= 0 and (end := low.find(f"</{tag}", start)) >= 0:
        kept.append(markup[at:start])
        at = end
    return "".join([*kept, markup[at:]])


def _leaves(fields: tuple[tuple[str, str], ...], body: bytes, depth: int, budget: list[int]) -> Iterator[Part]:
    kind, parameters = media_type(first(fields, "content-type"))
    if kind.startswith("multipart/") and depth < MOST_DEPTH:
        boundary = parameters.get("boundary", "").encode("utf-8", "replace") or _guess(body)
        pieces = _pieces(body, boundary, budget[0]) if boundary else []
        if not pieces and (guessed := _guess(body)):
            pieces = _pieces(body, guessed, budget[0])
        for piece in pieces:
            yield from _leaves(*head_of(piece), depth + 1, budget)
        if pieces:
            return
    if budget[0] > 0:
        budget[0] -= 1
        yield Part(kind, parameters, fields, body)


def _pieces(body: bytes, boundary: bytes, most: int) -> list[bytes]:
    """What stands between the boundary lines; without a closing one, to the end."""
    found: list[bytes] = []
    block, mark, begun = b"\n" + body, b"\n--" + boundary, -1
    at = block.find(mark)
    while at >= 0 and len(found) < most:
        after = at + len(mark)
        if (closing := block.startswith(b"--", after)) or block[after : after + 1] in (b"\n", b" ", b"\t", b""):
            if begun >= 0:
                found.append(block[begun:at])
            line = block.find(b"\n", after)
            begun = -1 if closing or line < 0 else line + 1
            if begun < 0:
                break
        at = block.find(mark, after)
    if begun >= 0 and len(found) < most:
        found.append(block[begun:])
    return found


def _guess(body: bytes) -> bytes:
    """The boundary of a multipart that does not name the one it uses."""
    found = _GUESS.search(b"\n" + body[:MOST_HEAD])
    return found[1] if found else b""
