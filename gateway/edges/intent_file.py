"""Loads what understands replies: the rules with the weights that came with the gateway. Decides nothing."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import gateway
from gateway.core.intent import Understanding
from gateway.core.intent_model import IntentModel
from gateway.flow.ports import Unavailable

WEIGHTS = Path(gateway.__file__).parent / "models" / "intent.bin"


def load_understanding(weights: Path = WEIGHTS) -> Understanding:
    """The understanding of these weights, read once in a process when first wanted; `Unavailable` where they cannot be read."""
    return _loaded(weights)


@lru_cache(maxsize=4)
def _loaded(weights: Path) -> Understanding:
    try:
        model = IntentModel.of(weights.read_bytes())
    except OSError as fault:
        raise Unavailable(f"the weights that read replies: {fault.strerror}") from fault
    if model is None:
        raise Unavailable("the weights that read replies are not those of this version")
    return Understanding(model)
