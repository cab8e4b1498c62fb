"""Rules for every test: property tests know no deadline, as how long an example takes says more of the machine than of the code."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings

from tests.support.redis_fixtures import _shared_cluster, _shared_redis, _shared_sentinels, redis_server, shared_redis

__all__ = ["_shared_cluster", "_shared_redis", "_shared_sentinels", "redis_server", "shared_redis"]

settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first: so no processor has one left when the other is done."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture
def undisturbed() -> None:
    """For tests that time the code: what the suite has left on the heap is not searched for garbage meanwhile.

    `gateway serve` does the same when it has started. Without it a test late in the suite measured the collector: 0.4 s for a call
    of 6 ms.
    """
    gc.collect()
    gc.freeze()
