"""The texts a verdict rests on, written so that the same verdict can be had from them years later (R-FR-86).

A ruling is self-contained JSON: a pack with its lists put in (`policy.pack_text`), or what a decision reads of a stream and its
advertiser.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from gateway.core.model import Advertiser, Category, RefusalMode, Stream

PACK = "pack"
STREAM = "stream"


_NOT_JUDGED = ("replies", "capture_bounces", "mailbox")


@dataclass(frozen=True, slots=True)
class Setup:
    """A stream as decisions see it: its configuration, the notice fields nobody configured, the names of the packs in use."""

    stream: Stream
    missing_notice: tuple[str, ...]
    packs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The ruling's text."""
        told = {"stream": _fields(self.stream), "missing_notice": self.missing_notice, "packs": self.packs}
        return json.dumps(told, ensure_ascii=False, sort_keys=True)

    @property
    def label(self) -> str:
        """`stream#hash8`: what events quote."""
        return f"{self.stream.name}#{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"


def read_setup(text: str) -> Setup:
    """The stream a ruling's text tells; where its mail went is not part of a decision and stays empty."""
    told = json.loads(text)
    given = told["stream"]
    advertiser = given["advertiser"]
    who = Advertiser(**{**advertiser, "from_domains": tuple(advertiser["from_domains"])})
    lists = {name: tuple(given[name]) for name in ("relates_to", "product_families")}
    words = {"category": Category(given["category"]), "refusal": RefusalMode(given["refusal"])}
    return Setup(Stream(**{**given, **lists, **words, "advertiser": who}), tuple(told["missing_notice"]), tuple(told["packs"]))


def _fields(stream: Stream) -> dict[str, Any]:
    who = stream.advertiser
    advertiser = {name: getattr(who, name) for name in who.__slots__}
    fields = {name: getattr(stream, name) for name in stream.__slots__ if name not in _NOT_JUDGED}
    return {**fields, "advertiser": advertiser, "upstream": ""}
