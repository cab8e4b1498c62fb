"""Finds the one place in an HTML document where words are read: before the last real `</body>`. Changes nothing.

A tokenizer, not a parser: it walks comments (Outlook conditionals included), tags with their quoted attributes and raw-text
elements as a browser does, in time linear in the input; possessive patterns never look back.
"""

from __future__ import annotations

import re


def _any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


_RAW_TEXT = ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
_RAW = "|".join(map(_any_case, _RAW_TEXT))
_CLOSERS = f"{_any_case('body')}|{_any_case('html')}"
_ATTRIBUTES = r"""(?>(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+|(?!["'])))*)>"""
_COMMENT = r"<!--(?:-?>|[^-]*+(?>(?:-(?!-!?>)[^-]*+)*)--!?>)"
_BOGUS = r"<(?:!(?!--)|\?|/(?![A-Za-z]))[^>]*+>"
_TAG = rf"<(?!(?:{_RAW})[\s/>]|/(?:{_CLOSERS})[\s/>])/?[A-Za-z]{_ATTRIBUTES}"
_SKIP = re.compile(rf"(?>(?:[^<]++|{_TAG}|{_COMMENT}|<(?=[^A-Za-z!/?])|{_BOGUS})*)".encode())
_ONE = re.compile(rf"{_TAG}|{_BOGUS}|<(?![A-Za-z!/?])".encode())
_STEP = 1 << 18
# Their first three letters, in the one shape the engine finds five times faster; `_OPEN` looks closer.
_RAW_START = re.compile(f"<[sStTxXiInN](?:{'|'.join(sorted({_any_case(name[1:3]) for name in _RAW_TEXT}))})".encode())
_FEW = 50
_AFTER_TAG = re.compile(rb"[<\"']")
_OPEN = re.compile(rf"<({_RAW})(?=[\s/>]){_ATTRIBUTES}".encode())
_CLOSE = re.compile(rf"</({_CLOSERS})(?=[\s/>]){_ATTRIBUTES}".encode())
_RAW_END = {name.encode(): re.compile(rf"</{_any_case(name)}(?=[\s/>]){_ATTRIBUTES}".encode()) for name in _RAW_TEXT}


def insertion_point(page: bytes) -> int:
    """The offset before the last real `</body>`, else the last real `</html>`, else the end.

    Where the document breaks off inside a comment, tag, script or style, the end is before it: nothing after is ever shown.
    The charset must be ASCII-like.
    """
    at = page.rfind(b"</body")
    return at if at >= 0 and _surely_real(page, at) else walked(page)


def walked(page: bytes) -> int:
    """The same offset by walking the whole document: always right, four times slower.

    In steps, because one match holds the interpreter: other threads get their turn between two.
    """
    at, size = 0, len(page)
    body = html = -1
    while at < size:
        after = _skipped(page, at)
        if after == at:
            if close := _CLOSE.match(page, at):
                body, html = (at, html) if close[1].lower() == b"body" else (body, at)
                after = close.end()
            elif (after := _past_raw_text(page, at)) < 0:
                break
        at = after
    if body >= 0:
        return body
    return html if html >= 0 else at


def _skipped(page: bytes, at: int) -> int:
    """The offset after plain tokens from here on; the same offset where none begins here."""
    step = _SKIP.match(page, at, at + _STEP)
    if step and step.end() > at:
        return step.end()
    if page.startswith(b"<!--", at):
        return _past_comment(page, at)
    whole = _ONE.match(page, at)
    return whole.end() if whole else at


def _past_comment(page: bytes, at: int) -> int:
    """The offset after a comment longer than a step; the same offset where it never ends."""
    usual = page.find(b"-->", at + 2)
    odd = page.find(b"--!>", at + 4, usual if usual >= 0 else len(page))
    if odd >= 0:
        return odd + 4
    return usual + 3 if usual >= 0 else at


def _surely_real(page: bytes, at: int) -> bool:
    """Whether the last `</body` can be proven real by what stands nearest before it; False means "walk and see".

    Outside a tag: the last `>` has no quote and no `<` after it. Outside a quoted attribute: the last quote of each kind does not
    follow `=` or a blank. Outside a comment or raw text: the last opener of each kind is closed again.
    """
    close = _CLOSE.match(page, at)
    if close is None or b"</body" in page[close.end() :].lower():
        return False
    if _AFTER_TAG.search(page, page.rfind(b">", 0, at) + 1, at):
        return False
    for quote in (b'"', b"'"):
        opened = page.rfind(quote, 0, at)
        if opened > 0 and page[opened - 1 : opened] in b"= \t\r\n\f":
            return False
    comment = page.rfind(b"<!--", 0, at)
    if comment >= 0 and page.find(b"-->", comment + 4, at) < 0:
        return False
    last: dict[bytes, int] = {}
    for number, found in enumerate(_RAW_START.finditer(page, 0, at)):
        opened_tag = _OPEN.match(page, found.start(), at)
        if opened_tag is None or number > _FEW:
            return False
        name = opened_tag[1].lower()
        last[name] = max(opened_tag.end(), last.get(name, 0))
    return all(_RAW_END[name].search(page, after, at) for name, after in last.items())


def _past_raw_text(page: bytes, at: int) -> int:
    """The offset after the raw-text element that opens here; -1 when it, or the tag itself, never ends."""
    opened = _OPEN.match(page, at)
    if opened is None:
        return -1
    closed = _RAW_END[opened[1].lower()].search(page, opened.end())
    return closed.end() if closed else -1
