"""A real Dovecot on a loopback port, with a configuration and a folder of its own: no system service, no privilege.

It runs as whoever runs the tests, or as nobody where that is root, which Dovecot refuses to serve mail as. Mail is put into the
folder as a delivery agent does, and what lies there is compared before and after.
"""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"
needs_dovecot = pytest.mark.skipif(not Path(DOVECOT).exists(), reason="unproven here: a real IMAP server (no dovecot)")
USER, PASSWORD = "contact@maison.example", 'a "quoted" secret'
_NUMBERS = count()

_CONFIG = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/dovecot.log
instance_name = {name}
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
mail_location = maildir:{base}/mail
auth_failure_delay = 0
mail_fsync = never
maildir_very_dirty_syncs = no
mailbox_idle_check_interval = 1 secs
{extra}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {base}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/home
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {clear}
  }}
  inet_listener imaps {{
    port = {secure}
    ssl = yes
  }}
}}
service stats {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    """One server and its only mailbox."""

    base: Path
    port: int
    tls: bool
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it greets."""
        nobody = {"user": "nobody", "group": _ids()[1], "extra_groups": ()} if os.getuid() == 0 else {}
        self.process = await asyncio.create_subprocess_exec(
            DOVECOT,
            "-F",
            "-c",
            str(self.base / "dovecot.conf"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            **nobody,
        )
        async with asyncio.timeout(20):
            while not await self._answers():
                assert self.process.returncode is None, (self.base / "dovecot.log").read_text()
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def kill(self) -> None:
        """Kill it with everything it started, at once."""
        assert self.process is not None
        for pid in [self.process.pid, *_children(self.process.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        await self.process.wait()
        for leftover in (self.base / "run").glob("master.pid"):
            leftover.unlink()

    def put(self, data: bytes, folder: str = "", flags: str = "") -> Path:
        """Deliver one mail into INBOX, or into another folder; with flags as one that was looked at."""
        place = self.base / "mail" / (f".{folder}" if folder else "")
        for name in ("tmp", "new", "cur"):
            (place / name).mkdir(parents=True, exist_ok=True)
            _give(place, place / name)
        number = next(_NUMBERS)
        name = f"{1_780_000_000 + number}.M{number}P{os.getpid()}.test"
        (place / "tmp" / name).write_bytes(data.replace(b"\r\n", b"\n"))
        target = place / "cur" / f"{name}:2,{flags}" if flags else place / "new" / name
        return (place / "tmp" / name).rename(target)

    def age(self, file: Path, by: timedelta) -> None:
        """Make a mail look as if it had come in that long ago."""
        before = file.stat().st_mtime - by.total_seconds()
        os.utime(file, (before, before))

    def lies(self) -> Mapping[str, bytes]:
        """Every mail of every folder by its base name and flags, where it lies."""
        root = self.base / "mail"
        found = {}
        for file in root.rglob("*"):
            if file.parent.name in ("cur", "new") and file.is_file():
                base, _, flags = file.name.partition(":2,")
                folder = file.parent.parent.relative_to(root)
                found[f"{folder}/{base.partition(',')[0]}:{flags}"] = file.read_bytes()
        return found

    def renumber(self) -> None:
        """Make the server give every mail a new number under a new validity, as after a restore; only while it is down."""
        for name in ("dovecot-uidlist", "dovecot-uidvalidity", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
            for file in (self.base / "mail").glob(f"{name}*"):
                file.unlink()
        lines = "3 V1999999999 N1 G0000000000000000000000000000abcd\n"
        (self.base / "mail" / "dovecot-uidlist").write_text(lines)
        _give(self.base / "mail" / "dovecot-uidlist")


@asynccontextmanager
async def dovecot(folder: Path, certificate: tuple[Path, Path] | None = None, extra: str = "") -> AsyncIterator[Dovecot]:
    """A server that runs; it is killed at the end. `certificate` are chain and key, for TLS from the first octet."""
    if os.getuid() == 0:
        with tempfile.TemporaryDirectory(prefix="dovecot-") as place:  # nobody may not enter the folder of a test
            os.chmod(place, 0o755)  # noqa: PTH101
            async with _serving(Path(place), certificate, extra) as server:
                yield server
        return
    async with _serving(folder, certificate, extra) as server:
        yield server


def _ids() -> tuple[int, int]:
    """As whom it runs."""
    return (pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid) if os.getuid() == 0 else (os.getuid(), os.getgid())


def _give(*places: Path) -> None:
    for place in places:
        os.chown(place, *_ids())


@asynccontextmanager
async def _serving(folder: Path, certificate: tuple[Path, Path] | None, extra: str) -> AsyncIterator[Dovecot]:
    base = folder / "dovecot"
    for name in ("run", "state", "mail/cur", "mail/new", "mail/tmp", "home"):
        (base / name).mkdir(parents=True)
    (base / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    for file in certificate or ():
        shutil.copy(file, base / file.name)
    uid, gid = _ids()
    tls = certificate is not None
    config = _CONFIG.format(
        base=base,
        name=base.parent.name[-20:],
        ssl="yes" if tls else "no",
        certificate=f"ssl_cert = <{base / certificate[0].name}\nssl_key = <{base / certificate[1].name}\n" if certificate else "",
        user=pwd.getpwuid(uid).pw_name,
        group=grp.getgrgid(gid).gr_name,
        uid=uid,
        gid=gid,
        clear=0 if tls else port,
        secure=port if tls else 0,
        extra=extra,
    )
    (base / "dovecot.conf").write_text(config)
    _give(base, *base.rglob("*"))
    server = Dovecot(base, port, tls)
    await server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.returncode is None:
            await server.kill()


def _children(pid: int) -> list[int]:
    """The processes below one, at any depth."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(words[1]), []).append(int(stat.parent.name))
    found, wave = [], [pid]
    while wave:
        wave = [child for one in wave for child in parents.get(one, ())]
        found += wave
    return found
