"""Who wrote a mail, as far as the site's own mail server vouches for it: Authentication-Results (RFC 8601), and nobody else's.

Anybody can write such a field. Only one that bears the name of our own server counts, which must remove false ones as it takes mail
in (RFC 8601 5); where fields of that name contradict each other, or one cannot be read, nothing is proven (R-STD-72, T10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.core.answered import Answer

MOST_VALUE = 8192
MOST_RESULTS = 64

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_HEAD = re.compile(rf"\s*({_QUOTED}|[^\s;=\"]+)(?:\s+\d+)?\s*")
_RESULT = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*)(?:\s*/\s*\d+)?\s*=\s*([A-Za-z]+)(?=\s|$)")
_PROPERTY = re.compile(rf"([A-Za-z][A-Za-z0-9._-]*)\s*=\s*((?:{_QUOTED}|[^\s\"])+)|{_QUOTED}|[^\s\"]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})+")


@dataclass(frozen=True, slots=True)
class Result:
    """What one method found: `dkim`, `pass`, and of what (`header.d`)."""

    method: str
    value: str
    properties: tuple[tuple[str, str], ...]

    def says(self, name: str) -> str:
        """One property, empty where it is not told or told twice."""
        found = [value for known, value in self.properties if known == name]
        return found[0].lower() if len(found) == 1 else ""

    @property
    def signer(self) -> str:
        """The domain of a signature: told as `header.d`, or within `header.i`."""
        told = any(known == "header.d" for known, _ in self.properties)
        return self.says("header.d") if told else self.says("header.i").rpartition("@")[2]


def proven_author(answer: Answer, trusted: str) -> str:
    """The address in From where our server `trusted` says that its domain vouches for the mail; empty otherwise.

    DMARC decides where it was looked at; else a DKIM signature of the author's domain or of one above it.
    """
    domain = answer.author.rpartition("@")[2].lower()
    if not trusted or not domain:
        return ""
    results: list[Result] = []
    for value in answer.values("authentication-results"):
        text = value.decode("utf-8", "replace")
        found = read_results(text)
        if found is None and trusted.lower() in text.lower():
            return ""
        if found is not None and found[0] == trusted.lower():
            results += found[1]
    return answer.author if _vouched(results, domain) else ""


def _vouched(results: list[Result], domain: str) -> bool:
    dmarc = [one for one in results if one.method == "dmarc"]
    if dmarc:
        return all(one.value == "pass" and one.says("header.from") == domain for one in dmarc)
    signed = [one for one in results if one.method == "dkim" and one.value == "pass"]
    return any(aligned(one.signer, domain) for one in signed)


def aligned(signer: str, author: str) -> bool:
    """Whether a signing domain speaks for the author's: the same, or one above it that is more than a top level."""
    return _DOMAIN.fullmatch(signer) is not None and (author == signer or author.endswith(f".{signer}"))


def read_results(value: str) -> tuple[str, tuple[Result, ...]] | None:
    """The server's name in lower case and what it found; None for a field that cannot be read for sure."""
    if len(value) > MOST_VALUE or not (plain := _uncommented(value)):
        return None
    parts = list(_parts(plain))
    head = _HEAD.fullmatch(parts[0]) if parts and len(parts) <= MOST_RESULTS else None
    if head is None:
        return None
    results = [one for part in parts[1:] if (one := _result(part)) is not None]
    return _unquoted(head[1]).lower(), tuple(results)


def _result(part: str) -> Result | None:
    found = _RESULT.match(part)
    if found is None:
        return None
    properties = tuple((name.lower(), _unquoted(value)) for name, value in _PROPERTY.findall(part[found.end() :]) if name)
    return Result(found[1].lower(), found[2].lower(), properties)


def _uncommented(value: str) -> str:
    """The field without comments, each a blank; empty where quotes or brackets do not close."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in value:
        if escaped:
            escaped = False
        elif letter == "\\" and (quoted or depth):
            escaped = True
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter == "(" and not quoted:
            depth += 1
        elif letter == ")" and not quoted:
            depth -= 1
            if depth < 0:
                return ""
            if not depth:
                kept.append(" ")
            continue
        if not depth:
            kept.append(letter)
    return "" if depth or quoted or escaped else "".join(kept)


def _parts(plain: str) -> Iterator[str]:
    """What stands between the semicolons that are in no quotes."""
    start, quoted, escaped = 0, False, False
    for place, letter in enumerate(plain):
        if escaped:
            escaped = False
        elif letter == "\\" and quoted:
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter == ";" and not quoted:
            yield plain[start:place]
            start = place + 1
    yield plain[start:]


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') and word.endswith('"') and len(word) > 1 else word
