"""Loads what understands replies: the rules with the weights that came with the gateway. Decides nothing."""

from __future__ import annotations

from functools import lru_cache

from gateway.core.intent import Understanding


@lru_cache(maxsize=1)
def load_understanding() -> Understanding:
    """The one understanding of this process, read when first wanted."""
    return Understanding()
