"""Which charsets we know, how their bytes behave, and whether some words fit.

Names are looked up in a closed table, never by the codec search, which imports and remembers whatever a message names.
"""

from __future__ import annotations

import codecs
import re
from encodings.aliases import aliases
from enum import Enum
from functools import lru_cache

from gateway.core.steps import STEP

UTF_8 = "utf-8"

_ASCII_LIKE = re.compile(
    r"ascii|utf_8|latin_1|iso8859_\d+|cp125[0-8]|cp(?:437|850|852|855|858|860|862|863|864|865|866|874|932|949|950)"
    r"|koi8_[rtu]|mac_(?:roman|latin2|cyrillic|greek|turkish|iceland)|gb2312|gbk|gb18030|big5(?:hkscs)?"
    r"|shift_jis(?:_2004|x0213)?|euc_(?:jp|kr|jis_2004|jisx0213)|tis_620|ptcp154|kz1048"
)
_STATEFUL = re.compile(r"iso2022_(?:jp|kr|jp_[1-3]|jp_2004|jp_ext)|hz|utf_7|utf_16(?:_[bl]e)?|utf_32(?:_[bl]e)?")


class Family(Enum):
    """How bytes of a charset may be cut and joined."""

    ASCII_LIKE = 1
    """An ASCII byte sequence that begins a tag or a line means itself: words can be spliced in as bytes."""
    STATEFUL = 2
    """Bytes mean something only in their context: the whole text is decoded and encoded again."""
    UNKNOWN = 3
    """Nobody here can read it: only ASCII may be added."""


@lru_cache(maxsize=128)
def charset(name: str) -> tuple[Family, str]:
    """The family and Python's codec of a declared charset; none declared means US-ASCII (RFC 2045 5.2)."""
    key = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "ascii"
    codec = aliases.get(key, key)
    if _ASCII_LIKE.fullmatch(codec):
        return Family.ASCII_LIKE, codec
    return (Family.STATEFUL, codec) if _STATEFUL.fullmatch(codec) else (Family.UNKNOWN, "ascii")


def encoded(text: str, codec: str) -> bytes | None:
    """The text in that codec, None when it does not fit."""
    try:
        if len(text) <= STEP or _quick(codec):
            return text.encode(codec)
        encoder = codecs.getincrementalencoder(codec)()
        pieces = [encoder.encode(text[at : at + STEP]) for at in range(0, len(text), STEP)]
        return b"".join([*pieces, encoder.encode("", final=True)])
    except UnicodeEncodeError:
        return None


def decoded(content: bytes, codec: str) -> str | None:
    """The text of these bytes if the codec reads every one of them, None otherwise."""
    try:
        if len(content) <= STEP or _quick(codec):
            return content.decode(codec)
        decoder = codecs.getincrementaldecoder(codec)()
        pieces = [decoder.decode(content[at : at + STEP]) for at in range(0, len(content), STEP)]
        return "".join([*pieces, decoder.decode(b"", final=True)])
    except (UnicodeDecodeError, UnicodeError):
        return None


def utf_8(text: str) -> bytes:
    """The text in UTF-8, with question marks for what is no character."""
    if len(text) <= STEP:
        return text.encode(errors="replace")
    return b"".join([text[at : at + STEP].encode(errors="replace") for at in range(0, len(text), STEP)])


def _quick(codec: str) -> bool:
    """Whether a large text is done in one call: the UTFs are, also because with a byte order mark they read otherwise in steps."""
    return codec.startswith("utf")
