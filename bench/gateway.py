"""The gateway itself, as `gateway serve` runs it, everything on: login, decision, journal, rewrite, RSA-2048; no TLS to the sink.

The limits that would end a long load session are raised; nothing else differs from the defaults.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from bench.people import ADVERTISER, PARTNER, PURPOSE, SECRET, STREAM, TOOL
from bench.processes import answers, free_port, start, stop, wait_until
from bench.sink import Sink

_CONFIG = """\
[gateway]
data_dir = "var"
workers = {workers}
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


class Gateway:
    """One running gateway of so many processes, with its own copy of the million people."""

    login = f"{TOOL}:{SECRET}"

    def __init__(self, name: str, folder: Path, people: Path, key: Path, sink: Sink, workers: int = 1) -> None:
        self.name = name
        self.sink: Sink | None = sink
        self.port = free_port()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(people, folder / "var")
        shutil.copy(key, folder / "dkim.pem")
        (folder / "dkim.pem").chmod(0o600)
        config = folder / "gateway.toml"
        config.write_text(
            _CONFIG.format(
                workers=workers,
                port=self.port,
                web=free_port(),
                sink=sink.port,
                advertiser=ADVERTISER,
                stream=STREAM,
                purpose=PURPOSE,
                partner=PARTNER,
            )
        )
        command = [sys.executable, "-m", "gateway", "serve", "--config", config]
        self._process = start(command, folder / "gateway.log", env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            wait_until(lambda: self._ready(workers), 30, f"{name} greets (its words: {folder / 'gateway.log'})")
        except BaseException:
            stop(self._process)
            raise
        self._log = folder / "gateway.log"

    def roots(self) -> list[int]:
        """`gateway serve`; its workers are its children."""
        return [self._process.pid]

    def stop(self) -> None:
        """SIGTERM: it drains."""
        stop(self._process, 60)

    def _ready(self, workers: int) -> bool:
        """Whether as many workers announced themselves as were ordered, and one greets."""
        return answers(self.port)
