"""Reads the one mailbox of From and Sender, strictly: what two parsers could read differently is not read at all (T3).

Not a general address parser; it says who claims to have written, or that nobody can tell.
"""

from __future__ import annotations

import re
from functools import lru_cache

import idna

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u00a0-\U0010ffff]++"
_QUOTED = r'"(?>(?:[^"\\]|\\.)*)"'
_LOCAL = rf"(?:{_ATOM}(?>(?:\.{_ATOM})*)|{_QUOTED})"
_LABEL = r"[A-Za-z0-9_\u00a0-\U0010ffff](?:[A-Za-z0-9_\-\u00a0-\U0010ffff]*+)"
_SPEC = rf"({_LOCAL})@({_LABEL}(?>(?:\.{_LABEL})*))"
_PHRASE = rf'(?>(?:[^<>()@,;:\\"\[\]]|{_QUOTED})*)'
_MAILBOX = re.compile(rf"\s*+(?:{_PHRASE}<\s*+{_SPEC}\s*+>|{_SPEC})\s*+")
_COMMENT_TOKEN = re.compile(r'"(?>(?:[^"\\]|\\.)*)"|\\.|[()]')


@lru_cache(maxsize=128)
def mailbox(value: bytes) -> tuple[str, str] | None:
    """(address as written, lower-case A-label domain) when the value is exactly one mailbox; None otherwise.

    Groups, lists, routes, domain literals, blanks round `@` and an unquoted `@` in the display name are all "not one mailbox".
    """
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    plain = _without_comments(text) if "(" in text else text
    found = _MAILBOX.fullmatch(plain) if plain is not None else None
    if found is None:
        return None
    local, domain = (found[1], found[2]) if found[1] is not None else (found[3], found[4])
    wire = a_label(domain)
    return None if wire is None or len(local) > 64 else (f"{local}@{domain}", wire)


def a_label(domain: str) -> str | None:
    """The domain in lower case, in A-labels; None when it has no such form (RFC 5891, UTS 46)."""
    if domain.isascii():
        return domain.lower() if len(domain) <= 255 else None
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        return None


def _without_comments(text: str) -> str | None:
    """The text with each (nested) comment turned into a blank; None when the brackets do not balance."""
    kept: list[str] = []
    depth = at = 0
    for token in _COMMENT_TOKEN.finditer(text):
        mark = token[0]
        if mark == "(":
            if depth == 0:
                kept.append(text[at : token.start()])
            depth += 1
        elif mark == ")":
            depth -= 1
            if depth < 0:
                return None
            if depth == 0:
                at = token.end()
    return " ".join([*kept, text[at:]]) if depth == 0 else None
