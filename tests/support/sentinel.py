"""Three Redis Sentinels that watch one pair and put the other server in charge where the primary is gone.

    async with running_sentinels(tmp_path, password="secret") as watched:   # some 1 s; what `RedisServer` takes, for both servers
        watched.url                                                         # redis+sentinel://.../gateway
        await watched.fail_over()                                           # kills the primary; some 3 s
        watched.primary, watched.replica                                    # who they are now
        await watched.rejoin()                                              # the killed one comes back as a replica

The Sentinels themselves ask for no password and, where the servers speak TLS, speak it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.peer import until
from tests.support.redis_servers import REDIS, Pair, RedisServer, one_authority, running_pair

SERVICE = "gateway"
DOWN_AFTER = 1.0
_HASTE = ("info-period", "200", "publish-period", "200", "ask-period", "200", "ping-period", "500")
"""How often they look (ms): they tell each other of themselves every 2 s otherwise.

A replica whose last word is five pings old is no candidate, and one whose primary is gone is asked once a second: no shorter ping.
"""


class Sentinel(RedisServer):
    """One Sentinel: a server of its own kind, that holds no data."""

    async def start(self) -> None:
        """Start it, the first time or again with what it has learned."""
        await self.launch((REDIS, str(self._config), "--sentinel"), self._answers, self.folder)
        await self.command("SENTINEL", "DEBUG", *_HASTE)

    async def primary(self) -> int:
        """The port of the server it names."""
        place = await self.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        assert isinstance(place, list)
        assert isinstance(place[1], bytes)
        return int(place[1])

    async def sees(self, primary: int, replica: int, others: int) -> bool:
        """Whether it sees that primary alive, that replica linked to it, and so many other Sentinels."""
        leads = await self._facts("MASTER")
        if (leads["port"], leads["flags"], leads["num-other-sentinels"]) != (str(primary), "master", str(others)):
            return False
        if leads["num-slaves"] != "1":
            return False
        follows = await self._facts("REPLICAS")
        return (follows["port"], follows["flags"], follows["master-link-status"]) == (str(replica), "slave", "ok")

    async def _facts(self, what: str) -> dict[str, str]:
        """What it says of the primary, or of the only replica."""
        said = await self.command("SENTINEL", what, SERVICE)
        words: Any = said if what == "MASTER" else said[0]  # type: ignore[index]
        return {name.decode(): value.decode() for name, value in zip(words[::2], words[1::2], strict=True)}


class Watched:
    """A pair and those who watch it."""

    def __init__(self, pair: Pair, sentinels: tuple[Sentinel, ...]) -> None:
        self.primary, self.replica = pair.primary, pair.replica
        self.sentinels = sentinels

    @property
    def url(self) -> str:
        """All Sentinels and the service they watch, as the gateway's configuration says it."""
        scheme = "rediss" if self.primary.ca_file else "redis"
        return f"{scheme}+sentinel://{','.join(f'{one.host}:{one.port}' for one in self.sentinels)}/{SERVICE}"

    async def fail_over(self, freeze: bool = False) -> None:
        """Kill the primary, or freeze it, and wait until the other one is in charge and every living Sentinel names it."""
        if freeze:
            self.primary.freeze()
        else:
            await self.primary.kill()
        await self.named(self.replica)
        self.primary, self.replica = self.replica, self.primary

    async def named(self, server: RedisServer) -> None:
        """Wait until a server is a primary and every living Sentinel names it."""

        async def so() -> bool:
            named = await asyncio.gather(*(one.primary() for one in self.sentinels if one.runs))
            return set(named) == {server.port} and (await server.info("replication"))["role"] == "master"

        await until(so, "the Sentinels name the other server", pause=0.02)

    async def rejoin(self) -> None:
        """Start or thaw the one that failed, and wait until the Sentinels have made it a replica in step."""
        if self.replica.runs:
            self.replica.thaw()
        else:
            await self.replica.start()

        async def follows() -> bool:
            with suppress(OSError, EOFError):  # who is made a replica hangs up on everybody
                return (await self.replica.info("replication"))["role"] == "slave"
            return False

        await until(follows, "the one that failed is a replica", pause=0.02)
        await Pair(self.primary, self.replica).in_step()
        await self.agree()

    async def agree(self) -> None:
        """Wait until every Sentinel sees the two others, the primary and its replica as they are: a failover can be."""
        ports, others = (self.primary.port, self.replica.port), len(self.sentinels) - 1

        async def so() -> bool:
            return all(await asyncio.gather(*(one.sees(*ports, others) for one in self.sentinels)))

        await until(so, "the Sentinels see each other and the pair", pause=0.02)


@asynccontextmanager
async def running_sentinels(folder: Path, **options: Any) -> AsyncIterator[Watched]:
    """A pair under three Sentinels of which two must agree; everything is killed at the end."""
    options["tls"] = one_authority(options.get("tls", False))
    async with AsyncExitStack() as stack:
        pair = await stack.enter_async_context(running_pair(folder, **options))
        sentinels = tuple(_sentinel(folder / f"sentinel{number}", pair.primary, options["tls"]) for number in range(3))
        for one in sentinels:
            stack.push_async_callback(one.kill)
            await one.start()
        watched = Watched(pair, sentinels)
        await watched.agree()
        yield watched


def _sentinel(folder: Path, primary: RedisServer, tls: Any) -> Sentinel:
    login = [("auth-user", primary.username), ("auth-pass", primary.password)]
    rules = [("down-after-milliseconds", f"{DOWN_AFTER * 1000:.0f}"), ("failover-timeout", "3000"), ("parallel-syncs", "1")]
    told = tuple(f"{word} {SERVICE} {value}" for word, value in (*login, *rules) if value)
    watch = f"monitor {SERVICE} {primary.host} {primary.port} 2"
    return Sentinel(folder, tls=tls, defaults={"protected-mode": "no"}, sentinel=(watch, *told))
