"""Where the test corpora are: `GATEWAY_CORPORA`, else `../shared/corpora` beside the checkout; tests skip aloud without them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def corpus(name: str) -> Path:
    """The folder of one corpus; skips the test where it is absent."""
    folder = Path(os.environ.get("GATEWAY_CORPORA", ROOT.parent / "shared" / "corpora")) / name
    if not folder.is_dir():
        pytest.skip(f"corpus {name} is absent (GATEWAY_CORPORA): its promise is left unproven here")
    return folder
