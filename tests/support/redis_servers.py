"""Real Redis servers for tests: own processes on loopback ports and in folders of their own, durable as the gateway asks for.

    async with running_redis(tmp_path / "redis") as redis:           # 40 ms; or the fixtures `redis_server`, `shared_redis`
        await redis.command("SET", "a", "b")                         # raw, a new connection each time
        await redis.kill(); await redis.start()                      # the same port, the same data
        redis.freeze(); redis.thaw()
        await redis.config("maxmemory", "2mb")                       # survives a restart

    async with running_pair(tmp_path, password="secret") as pair:    # pair.primary, pair.replica
        await pair.in_step()

Sentinels around a pair: `tests/support/sentinel.py`. Three primaries in a cluster: `tests/support/cluster.py`. The fixtures are in
`tests/conftest.py`. Options are those of redis.conf with `_` for `-`; a tuple gives more than one line.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hiredis
import pytest
from trustme import CA

from tests.support.peer import Peer, free_port, until

REDIS = shutil.which("redis-server") or "/usr/bin/redis-server"
needs_redis = pytest.mark.skipif(not Path(REDIS).exists(), reason="unproven here: a real Redis server (no redis-server)")
DEFAULTS = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    "save": '""',
    "hash-max-listpack-value": "512",
    "hash-max-listpack-entries": "512",
    "repl-diskless-sync-delay": "0",  # not 5 s for replicas that might come as well
    "protected-mode": "no",
}
Reply = bytes | int | list["Reply"] | None


class RedisServer(Peer):
    """One server. `url` never holds the password: that is `password`, for the user `username` where there is one."""

    def __init__(
        self,
        folder: Path,
        *,
        username: str = "",
        password: str = "",
        tls: bool | CA = False,
        host: str = "127.0.0.1",
        port: int = 0,
        before: tuple[str, ...] = (),
        defaults: Mapping[str, str] = DEFAULTS,
        **options: str | tuple[str, ...],
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder / "redis.log", before)
        self.folder, self.host, self.port = folder, host, port or free_port()
        self.username, self.password = username, password
        self.ca_file = _certify(folder, host, one_authority(tls)) if tls else None
        self._config = folder / "redis.conf"
        own = {name.replace("_", "-"): value for name, value in options.items()}
        self._config.write_text(_lines({**defaults} | self._place() | self._access() | own))

    @property
    def url(self) -> str:
        """Where it is, as the gateway's configuration says it."""
        return f"{'rediss' if self.ca_file else 'redis'}://{self.host}:{self.port}"

    async def start(self) -> None:
        """Start it, the first time or again on what it has, and wait until it has loaded and answers."""
        await self.launch((REDIS, str(self._config)), self._answers, self.folder)

    async def stop(self) -> None:
        """SIGTERM: it ends in good order."""
        await self.end(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL."""
        await self.end(signal.SIGKILL)

    async def restart(self) -> None:
        """End it in good order and start it again: a new run_id on the same data."""
        await self.stop()
        await self.start()

    async def command(self, *words: str | bytes | int, patience: float = 10.0) -> Reply:
        """Ask on a connection of its own; hiredis.ReplyError is raised where the server refuses."""
        return (await self.commands(words, patience=patience))[-1]

    async def commands(self, *many: tuple[str | bytes | int, ...], patience: float = 10.0) -> list[Reply]:
        """Ask in one round trip on a connection of its own; the first refusal is raised."""
        login = (self.username or "default", self.password)
        asked = [("AUTH", *login), *many] if self.password else [*many]
        async with asyncio.timeout(patience):
            replies = await _ask(self.host, self.port, self._tls(), asked)
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                raise reply
        return replies[-len(many) :]

    async def info(self, section: str = "everything") -> Mapping[str, str]:
        """What INFO says."""
        said = await self.command("INFO", section)
        assert isinstance(said, bytes)
        pairs = (line.partition(":") for line in said.decode().splitlines() if ":" in line)
        return {name: value for name, _, value in pairs}

    async def config(self, name: str, value: str) -> None:
        """Change one option of the running server, and of those that come after a restart."""
        await self.commands(("CONFIG", "SET", name, value), ("CONFIG", "REWRITE"))

    async def change_password(self, password: str) -> None:
        """From now on only this one is right; whoever is connected is thrown out and has to log in again."""
        user = self.username or "default"
        await self.commands(
            ("ACL", "SETUSER", user, "resetpass", f">{password}"),
            ("CONFIG", "REWRITE"),
            ("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
        )
        self.password = password

    def keep_copy(self, place: Path) -> None:
        """Copy what is on its disk now, as a nightly backup does."""
        shutil.copytree(self.folder / "appendonlydir", place)

    def put_back(self, place: Path) -> None:
        """Make such a copy its data; only while it is down."""
        assert not self.runs
        shutil.rmtree(self.folder / "appendonlydir")
        shutil.copytree(place, self.folder / "appendonlydir")

    async def _answers(self) -> bool:
        try:
            return await self.command("PING", patience=1.0) == b"PONG"
        except (OSError, hiredis.ReplyError, EOFError):
            return False

    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=str(self.ca_file)) if self.ca_file else None

    def _place(self) -> dict[str, str]:
        place = {"bind": self.host, "dir": str(self.folder), "port": str(self.port)}
        if self.ca_file is None:
            return place
        files = {"tls-cert-file": "chain.pem", "tls-key-file": "key.pem", "tls-ca-cert-file": "ca.pem"}
        tls = {"port": "0", "tls-port": str(self.port), "tls-auth-clients": "no", "tls-replication": "yes"}
        return place | tls | {name: str(self.folder / file) for name, file in files.items()}

    def _access(self) -> dict[str, str | tuple[str, ...]]:
        if not self.password:
            return {}
        login = {"masterauth": self.password}
        if not self.username:
            return login | {"requirepass": self.password}
        user = f"{self.username} on >{self.password} ~* &* +@all"
        return {**login, "masteruser": self.username, "user": (user, "default off")}


async def _ask(host: str, port: int, tls: ssl.SSLContext | None, asked: list[tuple[str | bytes | int, ...]]) -> list[Reply]:
    """One connection, everything asked, every reply."""
    stream, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        writer.write(b"".join(hiredis.pack_command(words) for words in asked))
        reader, replies = hiredis.Reader(notEnoughData=Ellipsis), []
        while len(replies) < len(asked):
            octets = await stream.read(65536)
            if not octets:
                raise EOFError("the server hung up")
            reader.feed(octets)
            while (reply := reader.gets()) is not Ellipsis:
                replies.append(reply)
        return replies
    finally:
        writer.close()


def _lines(options: Mapping[str, str | tuple[str, ...]]) -> str:
    """What redis.conf says."""
    pairs = ((name, value if isinstance(value, tuple) else (value,)) for name, value in options.items())
    return "".join(f"{name} {one}\n" for name, values in pairs for one in values)


def one_authority(tls: bool | CA) -> CA | bool:
    """The authority that servers who talk to each other share; False where they do not use TLS."""
    return CA() if tls is True else tls


def _certify(folder: Path, host: str, authority: CA) -> Path:
    """Put the authority and a certificate of it for the host into the folder: the file of the authority."""
    certificate = authority.issue_cert(host)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    for position, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(str(folder / "chain.pem"), append=position > 0)
    return folder / "ca.pem"


@asynccontextmanager
async def running_redis(folder: Path, **options: Any) -> AsyncIterator[RedisServer]:
    """A server that runs; it is killed at the end. Takes what `RedisServer` takes."""
    server = RedisServer(folder, **options)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers, one copying the other."""

    primary: RedisServer
    replica: RedisServer

    async def in_step(self) -> None:
        """Wait until the replica has everything the primary has."""

        async def same() -> bool:
            ahead, behind = await self.primary.info("replication"), await self.replica.info("replication")
            linked = behind.get("master_link_status") == "up" and "state=online" in ahead.get("slave0", "")
            return linked and ahead["master_repl_offset"] == behind["master_repl_offset"]

        await until(same, "the replica is in step")

    async def promote(self) -> None:
        """Make the replica a primary by hand, whatever became of the other."""
        await self.replica.command("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def running_pair(folder: Path, **options: Any) -> AsyncIterator[Pair]:
    """A primary and a replica in step with it; both are killed at the end. Takes what `RedisServer` takes, for both."""
    options["tls"] = one_authority(options.get("tls", False))
    async with running_redis(folder / "primary", **options) as primary:
        copied = options | {"replicaof": f"{primary.host} {primary.port}"}
        async with running_redis(folder / "replica", **copied) as replica:
            pair = Pair(primary, replica)
            await pair.in_step()
            yield pair
