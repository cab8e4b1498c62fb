"""A plain Postfix relay in private folders: queues on disk, hands everything to one next hop, checks and signs nothing.

Postfix's own defaults, minus what only costs it time here: no DNS, no TLS, no chroot, no log (there is no syslog to write to).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.processes import Failed, answers, free_port, wait_until
from bench.sink import Sink

_MAIN = """\
compatibility_level = 3.6
config_directory = {folder}/etc
queue_directory = {folder}/spool
data_directory = {folder}/data
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = relay.example.com
mydestination =
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtp_tls_security_level = none
smtpd_tls_security_level = none
message_size_limit = 52428800
smtpd_client_connection_count_limit = 0
{more}
"""
_SERVICES = (
    "127.0.0.1:{port} inet n - n - - smtpd",
    "pickup unix n - n 60 1 pickup",
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "proxymap unix - - n - - proxymap",
    "smtp unix - - n - - smtp",
    "relay unix - - n - - smtp",
    "error unix - - n - - error",
    "retry unix - - n - - error",
    "discard unix - - n - - discard",
    "anvil unix - - n - 1 anvil",
    "scache unix - - n - 1 scache",
)


def missing() -> str:
    """Why Postfix cannot be measured here; empty where it can."""
    if os.getuid() != 0:
        return "Postfix starts only as root"
    return "" if shutil.which("postfix", path="/usr/sbin:/usr/bin") else "postfix is not installed"


class Postfix:
    """One running instance; `more` are further lines of its main.cf."""

    login = ""

    def __init__(self, name: str, folder: Path, sink: Sink, more: str = "") -> None:
        self.name = name
        self.sink: Sink | None = sink
        self.port = free_port()
        self._folder = folder
        self._write(sink.port, more)
        self._run("start")
        wait_until(lambda: answers(self.port), 15, f"{name} greets")

    def roots(self) -> list[int]:
        """Its master; all other processes are its children."""
        return [int((self._folder / "spool/pid/master.pid").read_text())]

    def stop(self) -> None:
        """`postfix stop` for this instance alone."""
        self._run("stop")

    def _write(self, sink: int, more: str) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        for part in ("etc", "spool", "data"):
            (self._folder / part).mkdir(parents=True)
        shutil.chown(self._folder / "data", "postfix")
        (self._folder / "etc/main.cf").write_text(_MAIN.format(folder=self._folder, sink=sink, more=more))
        (self._folder / "etc/master.cf").write_text("\n".join(_SERVICES).format(port=self.port) + "\n")

    def _run(self, verb: str) -> None:
        done = subprocess.run(["/usr/sbin/postfix", "-c", self._folder / "etc", verb], capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failed(f"postfix {verb}: {done.stderr.strip()}")
