"""The evidence of the time between a loss and the copy that is put back: laid aside while the copy comes in, and added behind it.

Its chains have names of their own (see `chains`), so that both can be there. People's rows need no such care: the nodes have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.edges.store.copying import Batch, at_once
from gateway.edges.store.redis.client import Blocking
from gateway.edges.store.redis.copying import outside, streamed
from gateway.edges.store.redis.pack import PREFIX, unpacked, words

_ASIDE = PREFIX + "aside:"
ASIDE = _ASIDE.encode()
_HEADS = _ASIDE + "heads"

Words = list[str | bytes]
Say = Callable[..., None]
"""Has a command carried out, given in words, unless whoever says it was followed by another."""


class Aside:
    """What lies aside on one server; it outlives an attempt to copy that was broken off."""

    def __init__(self, client: Blocking, say: Say) -> None:
        self._client = client
        self._say = say
        self._added: list[str] = []

    def fill(self) -> None:
        """Lay aside the chains that are there; what an attempt before this one had begun to move, too."""
        heads = {words(writer): head for writer, head in self._client.hgetall(f"{PREFIX}heads").items()}
        for writer in {**heads, **self._writers()}:
            self._move(f"{PREFIX}j:{writer}", f"{_ASIDE}j:{writer}")
        for writer, head in heads.items():
            self._say("HSET", _HEADS, writer, head)

    def restore(self) -> None:
        """Put them back where nothing else is."""
        for writer in self._writers():
            self._move(f"{_ASIDE}j:{writer}", f"{PREFIX}j:{writer}")
        self._move(_HEADS, f"{PREFIX}heads")

    def batches(self) -> Iterator[Batch]:
        """The chains as rows of a copy; one that the copy has too stays aside: no number may mean two things."""
        with outside():
            for writer, (seq, last) in self._writers().items():
                if self._client.hexists(f"{PREFIX}heads", writer):
                    continue
                for numbers, some in streamed(self._client, f"aside:j:{writer}", at_once("entry")):
                    yield "entry", [(writer, number, told[b"b"], told[b"h"]) for number, told in zip(numbers, some, strict=True)]
                yield "head", [(writer, seq, last)]
                self._added.append(writer)

    def dropping(self) -> Iterator[Words]:
        """The commands that forget what has been added."""
        for writer in self._added:
            yield ["HDEL", _HEADS, writer]
            yield ["UNLINK", f"{_ASIDE}j:{writer}"]

    def _writers(self) -> dict[str, tuple[int, bytes]]:
        return {words(writer): tuple(unpacked(head)) for writer, head in self._client.hgetall(_HEADS).items()}

    def _move(self, old: str, new: str) -> None:
        if self._client.exists(old):
            self._say("RENAME", old, new)
