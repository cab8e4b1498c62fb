"""The closed words of records as small numbers, as they stand in Redis: a word is only ever added at the end of its list."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.flow.ports import Unavailable


class Words:
    """A list of words, each with its place in it as its number."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self._numbers = {word: number for number, word in enumerate(words)}

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def code(self, word: str) -> int:
        """The word's number; a word that is not in the list is a fault of ours and raises KeyError."""
        return self._numbers[word]

    def word(self, number: int) -> str:
        """The word of that number; Unavailable for one that a newer gateway wrote."""
        try:
            return self._words[number]
        except IndexError as error:
            raise Unavailable("store") from error


BLOCK = Words("opposed", "complained", "restricted", "bounced", "pending")
SCOPE = Words("stream", "advertiser", "all")
DOOR = Words(
    "one-click",
    "link",
    "mailto",
    "reply",
    "complaint",
    "bounce",
    "partner",
    "api",
    "cli",
    "web",
    "import",
    "post",
    "phone",
)
NOTICE = Words("first-contact", "partner-list", "stay")
