"""Finds places in an HTML document: where words are read, before the last real `</body>`; where tags really begin. Changes nothing.

A tokenizer, not a parser: it walks comments (Outlook conditionals included), tags with their quoted attributes and raw-text
elements as a browser does, in time linear in the input; possessive patterns never look back. In steps, because one match holds
the interpreter: other threads get their turn between two.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from gateway.core.steps import find

STEP = 1 << 16


def _any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


_RAW_TEXT = ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
_RAW = "|".join(map(_any_case, _RAW_TEXT))
_CLOSERS = f"{_any_case('body')}|{_any_case('html')}"
_ITEM = r"""[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+|(?!["']))"""
_ATTRIBUTES = rf"(?>(?:{_ITEM})*)>"
_COMMENT = r"<!--(?:-?>|[^-]*+(?>(?:-(?!-!?>)[^-]*+)*)--!?>)"
_BOGUS = r"<(?:!(?!--)|\?|/(?![A-Za-z]))"
_TAG = rf"<(?!(?:{_RAW})[\s/>]|/(?:{_CLOSERS})[\s/>])/?[A-Za-z][^\s/>]*+"
_TOKEN = rf"[^<]++|{_TAG}{_ATTRIBUTES}|{_COMMENT}|<(?=[^A-Za-z!/?])|{_BOGUS}[^>]*+>"
_SKIP, _ONE = re.compile(rf"(?>(?:{_TOKEN})*)".encode()), re.compile(_TOKEN.encode())
_CONDITIONAL = re.compile(rf"<!--\s{{0,9}}\[{_any_case('if')}[^\]]{{0,200}}\]>".encode())
_START = re.compile(rf"({_TAG})|({_BOGUS})|<(?![A-Za-z!/?])".encode())
_ITEMS = re.compile(rf"(?>(?:({_ITEM})*))".encode())
_BLANKS, _UNQUOTED = re.compile(rb"\s*+"), re.compile(rb"[^\s>]*+")
# Their first three letters, in the one shape the engine finds five times faster; `_OPEN` looks closer.
_RAW_START = re.compile(f"<[sStTxXiInN](?:{'|'.join(sorted({_any_case(name[1:3]) for name in _RAW_TEXT}))})".encode())
_FEW, _SHORT = 50, 4096
_AFTER_TAG = re.compile(rb"[<\"']")
_OPEN = re.compile(rf"<({_RAW})(?=[\s/>])".encode())
_CLOSE = re.compile(rf"</({_CLOSERS})(?=[\s/>])".encode())
_OPEN_TAG, _CLOSE_TAG = (re.compile(tag.pattern + _ATTRIBUTES.encode()) for tag in (_OPEN, _CLOSE))
_RAW_END = {name.encode(): re.compile(rf"</{_any_case(name)}(?=[\s/>])".encode()) for name in _RAW_TEXT}
_REST = re.compile(_ATTRIBUTES.encode())
_SCRIPT = re.compile(rf"<!--|-->|</?{_any_case('script')}(?=[\s/>])".encode())
_SCRIPT_LONGEST = len("</script>")


def insertion_point(page: bytes) -> int:
    """The offset before the last real `</body>`, else the last real `</html>`, else the end.

    Where the document breaks off inside a comment, tag, script or style, the end is before it: nothing after is ever shown.
    The charset must be ASCII-like.
    """
    at = page.rfind(b"</body")
    return at if at >= 0 and _surely_real(page, at) else walked(page)


def walked(page: bytes) -> int:
    """The same offset by walking the whole document: always right, four times slower."""
    at, size = 0, len(page)
    body = html = -1
    while at < size:
        after = _skipped(page, at)
        if after == at:
            close = _CLOSE.match(page, at)
            after = _past_tag(page, close.end(), size) if close else _past_raw_text(page, at)
            if after < 0:
                break
            if close:
                body, html = (at, html) if close[1].lower() == b"body" else (body, at)
        at = after
    if body >= 0:
        return body
    return html if html >= 0 else at


def real(page: bytes, places: Sequence[int]) -> list[int]:
    """Those of these places, in order and each at a `<`, where a tag begins for a browser, or for Outlook in its own comments."""
    return _real(page, places, 0, len(page))


def _real(page: bytes, places: Sequence[int], at: int, end: int) -> list[int]:
    """`real` of places in `page[at:end]`; what only Outlook reads stands in a conditional comment."""
    found: list[int] = []
    number = 0
    while number < len(places) and 0 <= at < end:
        place = places[number]
        if at >= place:
            found += [place] * (at == place)
            number += 1
            continue
        step = _SKIP.match(page, at, min(at + STEP, place))
        if step and step.end() > at:
            at = step.end()
            continue
        after, inside = _past_token(page, at), _CONDITIONAL.match(page, at)
        if inside and after >= 0:
            among = places[number : bisect_left(places, after, number)]
            found += _real(page, among, inside.end(), after)
            number += len(among)
        at = after
    return found


def tag_end(page: bytes, at: int) -> int:
    """The offset after the tag whose name ends here; -1 where it does not end."""
    return _past_tag(page, at, len(page))


def _past_token(page: bytes, at: int) -> int:
    """The offset after the one token that begins here; -1 where it never ends."""
    if one := _ONE.match(page, at, at + STEP):
        return one.end()
    if close := _CLOSE.match(page, at):
        return _past_tag(page, close.end(), len(page))
    after = _past_long(page, at)
    return after if after > at else _past_raw_text(page, at)


def _skipped(page: bytes, at: int) -> int:
    """The offset after plain tokens from here on; the same offset where none begins here."""
    step = _SKIP.match(page, at, at + STEP)
    return step.end() if step and step.end() > at else _past_long(page, at)


def _past_long(page: bytes, at: int) -> int:
    """The offset after a plain token longer than a step; the same offset where none begins here."""
    if page.startswith(b"<!--", at):
        return _past_comment(page, at)
    start = _START.match(page, at)
    if start is None:
        return at
    if start[1]:
        return max(at, _past_tag(page, start.end(), len(page)))
    if start[2]:
        return page.find(b">", start.end()) + 1 or at
    return start.end()


def _past_comment(page: bytes, at: int) -> int:
    """The offset after a comment longer than a step; the same offset where it never ends."""
    usual = find(page, b"-->", at + 2, len(page))
    odd = find(page, b"--!>", at + 4, usual if usual >= 0 else len(page))
    if odd >= 0:
        return odd + 4
    return usual + 3 if usual >= 0 else at


def _past_tag(page: bytes, at: int, end: int) -> int:
    """The offset after the tag whose attributes begin here; -1 where it does not end."""
    if whole := _REST.match(page, at, min(at + STEP, end)):
        return whole.end()
    if end - at <= STEP:
        return -1
    while at < end:
        limit = min(at + STEP, end)
        items = _ITEMS.match(page, at, limit)
        at = items.end() if items else at
        if at < limit and page.startswith(b">", at):
            return at + 1
        if items and at == limit:
            if limit == end or not page.startswith(b"=", items.start(1)):
                continue
            at = items.start(1)  # the step may have cut it
        at = _past_value(page, at, end)
        if at < 0:
            return -1
    return -1


def _past_value(page: bytes, at: int, end: int) -> int:
    """The offset after one `=` and the value it gives; -1 where its quote is never closed."""
    at = _run(_BLANKS, page, at + 1, end)
    quote = page[at : min(at + 1, end)]
    if quote in (b'"', b"'"):
        return page.find(quote, at + 1, end) + 1 or -1
    return _run(_UNQUOTED, page, at, end)


def _run(octets: re.Pattern[bytes], page: bytes, at: int, end: int) -> int:
    """The offset after a run of these octets."""
    while at < end:
        limit = min(at + STEP, end)
        found = octets.match(page, at, limit)
        if found is None or found.end() < limit:
            return found.end() if found else at
        at = limit
    return at


def _surely_real(page: bytes, at: int) -> bool:
    """Whether the last `</body` can be proven real by what stands nearest before it; False means "walk and see".

    Outside a tag: the last `>` has no quote and no `<` after it. Outside a quoted attribute: the last quote of each kind does not
    follow `=` or a blank. Outside a comment or raw text: the last opener of each kind is closed again.
    """
    close = _CLOSE_TAG.match(page, at, at + _SHORT)
    if close is None or len(page) - close.end() > STEP or b"</body" in page[close.end() :].lower():
        return False
    text = page.rfind(b">", 0, at) + 1
    if at - text > STEP or _AFTER_TAG.search(page, text, at):
        return False
    for quote in (b'"', b"'"):
        opened = page.rfind(quote, 0, at)
        if opened > 0 and page[opened - 1 : opened] in b"= \t\r\n\f":
            return False
    comment = page.rfind(b"<!--", 0, at)
    if comment >= 0 and find(page, b"-->", comment + 4, at) < 0:
        return False
    return _raw_text_closed(page, at)


def _raw_text_closed(page: bytes, at: int) -> bool:
    """Whether of each kind of raw text the last one opened before is closed there too; False too where there are many."""
    last: dict[bytes, int] = {}
    for number, start in enumerate(_raw_starts(page, at)):
        opened = _OPEN_TAG.match(page, start, min(start + _SHORT, at))
        if opened is None or number > _FEW:
            return False
        last[opened[1].lower()] = opened.end()
    for name, after in last.items():
        end_tag = _RAW_END[name].search(page, after, min(after + STEP, at))
        if end_tag is None or not page.startswith(b">", end_tag.end(), at):
            return False
        if name == b"script" and b"<!--" in page[after : end_tag.start()]:
            return False
    return True


def _raw_starts(page: bytes, end: int) -> Iterator[int]:
    """Where raw text may open."""
    for begin in range(0, end, STEP):
        for found in _RAW_START.finditer(page, begin, min(begin + STEP + 3, end)):
            yield found.start()


def _past_raw_text(page: bytes, at: int) -> int:
    """The offset after the raw-text element that opens here; -1 when it, or the tag itself, never ends."""
    opened = _OPEN.match(page, at)
    if opened is None:
        return -1
    inside = _past_tag(page, opened.end(), len(page))
    if inside < 0:
        return -1
    name = opened[1].lower()
    return _past_script(page, inside, len(page)) if name == b"script" else _past_end_tag(page, name, inside, len(page))


def _past_script(page: bytes, at: int, end: int) -> int:
    """The offset after a script's end tag; -1 where it never ends.

    After `<!--` a `<script` hides the next `</script`, until `-->`: the "double escaped" states of HTML's tokenizer.
    """
    escaped = doubly = False
    while at < end:
        found = _SCRIPT.search(page, at, min(at + STEP + _SCRIPT_LONGEST, end))
        if found is None:
            at += STEP
            continue
        token, at = found[0].lower(), found.end()
        if token == b"<!--":
            escaped, at = True, at - 2  # its dashes may be those of `-->`
        elif token == b"-->":
            escaped = doubly = False
        elif token == b"<script":
            doubly = escaped
        elif not doubly:
            return _past_tag(page, at, end)
        else:
            doubly = False
    return -1


def _past_end_tag(page: bytes, name: bytes, at: int, end: int) -> int:
    """The offset after a raw-text element's end tag; -1 where none comes, or where the first one never ends, as in a browser."""
    while at < end:
        found = _RAW_END[name].search(page, at, min(at + STEP + len(name) + 3, end))
        if found:
            return _past_tag(page, found.end(), end)
        at += STEP
    return -1
