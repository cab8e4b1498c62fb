"""The words of a report that are meant for people: its readable parts, up to where it quotes the message it returns."""

from __future__ import annotations

import re

from gateway.core.phrases import any_of
from gateway.core.unpack import RETURNED, Mail

MOST_NOTICE = 16_000
CONTEXT = 800
MOST_MENTIONS = 3

ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\x80-\U0010ffff]{1,64}@[A-Za-z0-9\x80-\U0010ffff](?:[A-Za-z0-9.\-\x80-\U0010ffff]{0,250}[A-Za-z0-9\x80-\U0010ffff])?"
)

_COPY = any_of(
    r"""
    ^[ \t>*|#~=_-]*(?:(?:this is|below is|here is|included is|below this line is|followed by|following is)? ?(?:an? |
    +the )?(?:copy|header)s? of (?:your|the|(?:the )?original) ?(?:message|mail|header)?|copy of (?:the )?message|
    +original (?:message|mail)(?: headers?)?(?: (?:follows|attached|as follows)|$|[ -:])|message (?:headers?|text|body|
    +header) follow|unsent message follow|returned m(?:ail|essage)|start of returned|message follow|bounced e-?mail|
    +(?:the )?header of the original|old message|mail text follow|returned message)
    ^[ \t]*(?:received|return-path|dkim-signature|x-originating-ip|mime-version|reporting-mta): ?\S
    """,
    re.MULTILINE,
)


def notice_of(mail: Mail) -> str:
    """A report's words for people, without the message it returns."""
    texts = [
        part.text
        for part in mail.parts
        if not part.attached and part.kind not in RETURNED and (part.kind.startswith(("text/", "multipart/")))
    ]
    whole = "\n\n".join(texts)[: MOST_NOTICE * 2]
    cut = next((found.start() for found in _COPY.finditer(whole.lower()) if found.start() > 20), len(whole))
    return whole[:cut][:MOST_NOTICE]


def words_about(address: str, notice: str) -> str:
    """From every mention of an address to the next address of somebody else."""
    pieces: list[str] = []
    at = notice.find(address)
    while at >= 0 and len(pieces) < MOST_MENTIONS:
        after = notice[at + len(address) : at + CONTEXT]
        following = next((found.start() for found in ADDRESS.finditer(after) if found[0] != address), len(after))
        pieces.append(address + after[:following])
        at = notice.find(address, at + len(address))
    return "\n".join(pieces)
