"""What the author of a reply wrote, without what the mail client put around it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnWords:
    """The author's own words; `unsure` where a person should look when in doubt."""

    text: str
    quoted: bool = False
    unsure: bool = False
    signature: bool = False


def own_words(text: str) -> OwnWords:
    """The text without what was quoted, and without the signature."""
    lines = text.splitlines()
    kept = [line for line in lines if not line.lstrip().startswith(">")]
    return OwnWords("\n".join(kept).strip(), quoted=len(kept) < len(lines))
