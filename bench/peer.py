"""The do-it-yourself peer: Postfix, a rewriting milter in Python and OpenDKIM, both milters on unix sockets.

Over TCP both milters would stall 40 ms at each write; unix sockets are the fair form.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path

from bench.postfix import Postfix
from bench.postfix import missing as no_postfix
from bench.processes import Failed, start, stop, wait_until
from bench.sink import Sink
from bench.source import PEOPLE, address

PYTHON = "/usr/bin/python3"
SUPPRESSED = 1_000_000
_MILTERS = """\
smtpd_milters = unix:{folder}/rewriter.sock, unix:{folder}/opendkim.sock
milter_default_action = tempfail
"""
_OPENDKIM = """\
Mode s
Socket local:{folder}/opendkim.sock
Domain example.com
Selector peer
KeyFile {key}
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
OversignHeaders From
InternalHosts 127.0.0.1
Background no
Syslog no
UMask 000
RequireSafeKeys no
"""


def missing() -> str:
    """Why the peer cannot be measured here; empty where it can."""
    if why := no_postfix():
        return why
    if not shutil.which("opendkim", path="/usr/sbin:/usr/bin"):
        return "opendkim is not installed"
    has = subprocess.run([PYTHON, "-c", "import Milter"], capture_output=True)
    return "" if has.returncode == 0 else "python3-milter is not installed"


class Peer:
    """The three programs together."""

    name = "peer"
    login = ""

    def __init__(self, folder: Path, key: Path, sink: Sink) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        database = suppressed(folder.parent / "suppressed.db")
        config = folder / "opendkim.conf"
        config.write_text(_OPENDKIM.format(folder=folder, key=key))
        milter: list[str | Path] = [PYTHON, Path(__file__).with_name("rewriter.py"), folder / "rewriter.sock", database]
        self._milters = [
            start(milter, folder / "rewriter.log", umask=0),
            start(["/usr/sbin/opendkim", "-f", "-x", config], folder / "opendkim.log"),
        ]
        self.sink: Sink | None = sink
        try:
            self._postfix = self._connected(folder, sink)
        except Failed:
            self._stop_milters()
            raise
        self.port = self._postfix.port

    def roots(self) -> list[int]:
        """Postfix's master and both milters."""
        return [*self._postfix.roots(), *(milter.pid for milter in self._milters)]

    def stop(self) -> None:
        """Postfix first, so that no message is left waiting for a milter."""
        self._postfix.stop()
        self._stop_milters()

    def _connected(self, folder: Path, sink: Sink) -> Postfix:
        sockets = (folder / "rewriter.sock", folder / "opendkim.sock")
        wait_until(lambda: all(path.is_socket() for path in sockets), 15, "the milters listen")
        for path in sockets:
            path.chmod(0o666)  # Postfix connects as its own user
        return Postfix(self.name, folder / "postfix", sink, _MILTERS.format(folder=folder))

    def _stop_milters(self) -> None:
        for milter in self._milters:
            stop(milter)


def suppressed(path: Path) -> Path:
    """A table of a million suppressed addresses, none of which the source writes to; kept for the next run."""
    if path.exists():
        return path
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with sqlite3.connect(draft) as people:
        people.execute("PRAGMA journal_mode = WAL")
        people.execute("CREATE TABLE suppressed (address TEXT PRIMARY KEY) WITHOUT ROWID")
        people.executemany("INSERT INTO suppressed VALUES (?)", ((address(PEOPLE + number),) for number in range(SUPPRESSED)))
    people.close()
    return draft.rename(path)
