"""The scripts that run inside Redis, each put together from its parts in `lua/` and named by its digest.

By digest, not as a library of functions: gateways of two versions can share a server while they are being replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """One script and the name that the server knows it by."""

    text: str
    digest: str


def _text(*parts: str) -> str:
    folder = files(__package__) / "lua"
    return "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in parts)


def _named(*texts: str) -> Script:
    text = "\n".join(texts)
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def _script(*parts: str) -> Script:
    return _named(_text(*parts))


def _rarely(*parts: str) -> str:
    """Parts that are made when an operation of theirs is asked for: see `rare.lua`."""
    return f"rest = function()\n{_text(*parts)}\nend"


READ = _script("guard", "read")
ASK = _script("guard", "ask")
LIST = _script("guard", "list")
ENTRIES = _script("guard", "entries")
QUOTES = _script("guard", "quotes")
ARRANGED = _script("guard", "arranged")
WHEN = _script("guard", "stood", "when")
LEASE = _script("guard", "lease")
SETTLE = _script("guard", "nodes", "runs", "settle")
STAGE = _script("guard", "anew", "stage")
CONFIRM = _script("guard", "nodes", "runs", "confirm")

_STATE = _text("guard", "stood", "nodes", "rows", "anew", "rare", "message", "opposition")
"""What changes people's rows, beginning with what the rest of it uses."""
_SELDOM = ("record", "arrangement", "erase", "office", "back")
APPLY = _named(_STATE, _rarely(*_SELDOM), _text("apply"))
COMMIT = _named(_STATE, _rarely(*_SELDOM, "membership", "journal"), _text("commit"))
"""`commit` comes last: the other parts add the operations it knows."""
PUT = _script("put")
PAGES = _script("pages")
OFFER = _script("offer")
"""For copies, which no epoch guards."""
