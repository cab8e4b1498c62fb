"""A provider's list is read to its end, or not at all."""

from __future__ import annotations

from itertools import islice

import pytest

from gateway.edges.providers.lists import MOST_PAGES, turns
from gateway.flow.ports import Unavailable


def test_a_list_that_never_ends_is_unavailable_and_not_taken_for_read() -> None:
    pages = turns()
    assert list(islice(pages, MOST_PAGES)) == list(range(MOST_PAGES))
    with pytest.raises(Unavailable, match="does not end"):
        next(pages)
