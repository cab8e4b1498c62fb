"""The shared book against a book in memory, as the embedded one is."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings

from gateway.edges.store.redis.store import RedisStore, open_redis
from tests.edges.store.test_book_model import Books
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import FINGERPRINT, access


class SharedBooks(Books):
    """A server of its own for each run; what is opened again is the store, not the server."""

    server: RedisServer | None = None

    def open(self) -> RedisStore:  # type: ignore[override]
        if self.server is None:
            self.server = RedisServer(Path(self.folder.name) / "redis")
            self.loop.run_until_complete(self.server.start())
        folder = Path(self.folder.name)
        return open_redis(access(self.server.url), "n1w0", node="n1", folder=folder, fingerprint=FINGERPRINT)

    def teardown(self) -> None:
        self.loop.run_until_complete(self.evidence())
        self.loop.run_until_complete(self.store.close())
        if self.server is not None:
            self.loop.run_until_complete(self.server.kill())
        self.loop.close()
        self.folder.cleanup()


TestSharedBooks = needs_redis(SharedBooks.TestCase)
TestSharedBooks.settings = settings(max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
