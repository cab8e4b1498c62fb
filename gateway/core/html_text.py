"""Reads the HTML of a reply as text a person would see, with every part that a mail client marks as quotation behind `> `.

Time is linear in the page. Shows nothing, follows nothing, and leaves what is no text (scripts, styles, comments, pictures) out.
"""

from __future__ import annotations

import re
from html import unescape

from gateway.core import tags
from gateway.core.html import tag_end

_NAME = re.compile(rb"</?([A-Za-z][A-Za-z0-9:]{0,30}+)")
_MOST_TAGS = 16_000
_LOOK = 4  # what one closer look counts for
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
_RAW = (b"script", b"style", b"title", b"textarea", b"noframes")
_ENDS = {
    name: re.compile(rb"</" + name + rb"\s{0,9}>", re.IGNORECASE) for name in (*_RAW, b"template", b"svg", b"object", b"select")
}
_ENDS[b"head"] = re.compile(rb"</head\s{0,9}>|(?=<body[\s>])", re.IGNORECASE)
_BLOCKS = frozenset(
    b"p div blockquote table tr ul ol li h1 h2 h3 h4 h5 h6 pre hr br center section article header footer address dl dt dd"
    b" body html form fieldset".split()
)
_MARKED = frozenset(b"div blockquote span hr table p section td body".split())


def _named(names: str) -> re.Pattern[str]:
    """A pattern that finds one of these names in classes and ids, as clients prefix and number them."""
    return re.compile(rf"(?:^|[\s_-]|ydp[0-9a-f]{{0,10}})(?:{'|'.join(names.split())})(?:[\s_-]|\Z)")


# The element is the quoted message, or the sentence that announces it.
_QUOTES = _named(
    "gmail_attr yahoo_quoted moz-cite-prefix moz-forward-container protonmail_quote tutanota_quote zmail_extra freshdesk_quote"
    " front-blockquote ms-outlook-mobile-reference-message mail-editor-reference-message-container quoted-content quoted_text"
    " history_container aolmail_quote nylas-quote elided-text cite citation quote reply-intro replybody1 original-message"
    " originalmessage mailbird-reply-quote bloop_original_html"
)
# Its first element; the message goes on to the end of the page.
_TO_THE_END = _named("divrplyfwdmsg appendonsend stopspelling zwchr outlookmessageheader")
# It holds the announcement and the message, and after the message perhaps an answer.
_HALF = _named("gmail_quote gmail_quote_container")
_SIGNATURE = _named(
    "gmail_signature moz-signature signature ms-outlook-mobile-signature composer_signature protonmail_signature_block"
    " signature_block mail-signature tutanota_signature applemailsignature apple-mail-signature"
)
_INDENTED = re.compile(r"border(?:-left)?\s{0,3}:\s{0,3}(?:none|0)")


def text(page: str, most: int) -> tuple[str, bool]:
    """At most so many characters of the page, and whether that was all; quotes stand behind `> `, a signature behind `-- `."""
    reader = _Reader(page.encode("utf-8", "replace"), most)
    return reader.text(), reader.whole


class _Reader:
    """One walk over a page. Of quoting elements only the outermost counts; its own kind is counted to know where it ends."""

    def __init__(self, page: bytes, most: int) -> None:
        self._page, self._left = page, most
        self._lines: list[str] = []
        self._words: list[str] = []
        self._mark = ""
        self._within, self._depth = b"", 0
        self._waiting = False
        self._asis = 0
        self._endless: set[bytes] = set()
        self._tags = _MOST_TAGS
        self._walk()
        self.whole = self._left > 0 and self._tags > 0

    def text(self) -> str:
        """What was read, never more than one blank line in a row."""
        self._end_line()
        lines: list[str] = []
        for line in self._lines:
            if line.strip(" >") or (lines and lines[-1].strip(" >")):
                lines.append(line)
        return "\n".join(lines).strip("\n")

    def _walk(self) -> None:
        """Read tag by tag, until the end or until enough is read."""
        page, at = self._page, 0
        while self._left > 0 and self._tags > 0:
            self._tags -= 1
            tag = page.find(b"<", at)
            if tag < 0:
                self._say(page[at:])
                return
            if tag > at:
                self._say(page[at:tag])
            at = self._tag(tag)
            if at < 0:
                return

    def _tag(self, at: int) -> int:
        """Read what begins at this `<`; the offset after it, -1 where it never ends."""
        page = self._page
        if page.startswith(b"<!--", at):
            after = page.find(b"-->", at + 2)
            return after + 3 if after >= 0 else -1
        named = _NAME.match(page, at)
        if named is None:
            if page[at + 1 : at + 2] in (b"!", b"?", b"/"):
                return page.find(b">", at) + 1 or -1
            self._say(b"<")
            return at + 1
        name, end = named[1].lower(), tag_end(page, named.end())
        if end < 0:
            return -1
        if page.startswith(b"/", at + 1):
            self._close(name)
            return end
        if name in _ENDS:
            return self._past(name, end)
        self._open(name, at)
        return end

    def _past(self, name: bytes, at: int) -> int:
        """The offset after an element of which nothing is read; -1 where raw text never ends, as in a browser."""
        if name in self._endless:
            return at
        found = _ENDS[name].search(self._page, at)
        if found:
            return found.end()
        self._endless.add(name)
        return -1 if name in _RAW else at

    def _open(self, name: bytes, at: int) -> None:
        if name == self._within:
            self._depth += 1
        if name in _BLOCKS:
            self._end_line(blank=name == b"p")
        elif name in (b"td", b"th"):
            self._words.append(" ")
        if name == b"pre":
            self._asis += 1
        if name == b"li":
            self._words.append("- ")
        if name in _MARKED and (not self._mark or self._waiting):
            self._look(name, at)

    def _look(self, name: bytes, at: int) -> None:
        """Whether a quotation or a signature begins with this element."""
        self._tags -= _LOOK
        tag = tags.read(self._page, at)
        if tag is None:
            return
        known = f"{tag.says('class')} {tag.says('id')} {tag.says('name')}"[:400].lower().strip()
        if _TO_THE_END.search(known):
            self._quote(b"")
        elif name == b"blockquote":
            style = tag.says("style")[:400].lower()
            if (
                known
                or "type" in tag.attributes
                or not _INDENTED.search(style)
                or "border-left:" in style.replace("border-left:none", "")
            ):
                self._quote(name)
        elif _HALF.search(known):
            self._quote(name, waiting=True)
        elif name != b"hr" and _QUOTES.search(known):
            self._quote(name)
        elif not self._mark and (_SIGNATURE.search(known) or "data-signatureblock" in tag.attributes):
            self._end_line()
            if not any(line.strip() == "--" for line in self._lines[-4:]):
                self._lines.append("-- ")

    def _quote(self, name: bytes, waiting: bool = False) -> None:
        """Quote until the element ends; `waiting` for a container whose own words, after its first quote, are the author's."""
        self._end_line()
        self._mark, self._within, self._depth, self._waiting = "> ", name, 1, waiting

    def _close(self, name: bytes) -> None:
        if name in _BLOCKS:
            self._end_line(blank=name in (b"p", b"pre"))
        if name == b"pre":
            self._asis = max(0, self._asis - 1)
        if self._within and name == self._within:
            self._depth -= 1
            if self._depth == 0:
                self._end_line()
                self._mark, self._within, self._waiting = "", b"", False

    def _say(self, octets: bytes) -> None:
        words = octets[: 4 * self._left].decode("utf-8", "replace")
        words = unescape(words) if "&" in words else words
        self._left -= len(words)
        if not self._asis:
            self._words.append(_BLANKS.sub(" ", words))
            return
        first, *others = words.splitlines() or [""]
        self._words.append(first)
        for line in others:
            self._end_line()
            self._words.append(line)

    def _end_line(self, blank: bool = False) -> None:
        line = "".join(self._words).replace("\u00a0", " ").strip(" " if not self._asis else "")
        self._words.clear()
        if line or self._asis or not blank:
            self._lines.append(f"{self._mark}{line}" if line or self._mark else "")
        if blank:
            self._lines.append(self._mark)
