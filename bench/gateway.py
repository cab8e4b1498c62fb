"""The gateway itself, as `gateway serve` runs it, everything on: login, decision, journal, rewrite, RSA-2048; no TLS to the sink.

The limits that would end a long load session are raised; nothing else differs from the defaults.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.people import ADVERTISER, PARTNER, PURPOSE, SECRET, STREAM, TOOL
from bench.processes import Failed, answers, free_port, start, stop, wait_until
from bench.sink import Sink

_CONFIG = """\
[gateway]
data_dir = "var"
workers = {workers}
store = "{store}"
node = "{node}"
hostname = "gateway.example.com"

[submission]
listen = "127.0.0.1:{port}"

[submission.limits]
messages = 10000000
idle_commands = 10000000

[web]
listen = "127.0.0.1:{web}"

[upstream.sink]
host = "127.0.0.1"
port = {sink}
tls = "none"

[advertiser.{advertiser}]
legal_name = "Example SAS"
postal_address = "1 rue de l'Exemple, 75002 Paris"
contact = "contact@example.com"
privacy_url = "https://www.example.com/privacy"
dpo = "dpo@example.com"
from_domains = ["example.com"]
dkim = [{{ selector = "bench", key_file = "dkim.pem" }}]

[stream.{stream}]
advertiser = "{advertiser}"
purpose = "{purpose}"
upstream = "sink"

[partner.{partner}]
legal_name = "Friend SARL"
privacy_url = "https://friend.example/privacy"
contact = "privacy@friend.example"
"""


def furnish(
    folder: Path, people: Path, key: Path, sink: int, workers: int = 1, port: int = 0, store: str = "sqlite", node: str = "gw"
) -> Path:
    """A folder with everything the gateway needs, a copy of the people included; its configuration file."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(people, folder / "var", ignore=None if store == "sqlite" else shutil.ignore_patterns("gateway.db*"))
    shutil.copy(key, folder / "dkim.pem")
    (folder / "dkim.pem").chmod(0o600)
    config = folder / "gateway.toml"
    config.write_text(
        _CONFIG.format(
            workers=workers,
            store=store,
            node=node,
            port=port or free_port(),
            web=free_port(),
            sink=sink,
            advertiser=ADVERTISER,
            stream=STREAM,
            purpose=PURPOSE,
            partner=PARTNER,
        )
    )
    return config


def signing_key(path: Path) -> Path:
    """An RSA-2048 key for gateway and peer alike, kept between runs."""
    if not path.exists():
        subprocess.run(["openssl", "genrsa", "-out", str(path), "2048"], check=True, capture_output=True)
        path.chmod(0o600)
    return path


class Gateway:
    """One running gateway of so many processes, with its own copy of the million people."""

    login = f"{TOOL}:{SECRET}"

    def __init__(
        self,
        name: str,
        folder: Path,
        people: Path,
        key: Path,
        sink: Sink,
        workers: int = 1,
        store: str = "sqlite",
        node: str = "gw",
    ) -> None:
        self.name = name
        self.sink: Sink | None = sink
        self.port = free_port()
        config = furnish(folder, people, key, sink.port, workers, self.port, store, node)
        self._log = folder / "gateway.log"
        self._process = start([sys.executable, "-m", "gateway", "serve", "--config", config], self._log)
        try:
            wait_until(lambda: self._announced() >= workers and answers(self.port), 60, f"{name} greets (see {self._log})")
        except Failed:
            stop(self._process)
            raise

    def roots(self) -> list[int]:
        """`gateway serve`; its workers are its children."""
        return [self._process.pid]

    def stop(self) -> None:
        """SIGTERM: it drains."""
        stop(self._process, 60)

    def _announced(self) -> int:
        """How many of its processes said that they serve."""
        return self._log.read_text().count("Serving:") if self._log.exists() else 0
