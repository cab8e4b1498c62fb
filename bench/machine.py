"""Describes the machine, and weighs it with three yardsticks, so that figures of two machines can be compared."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

SIGNATURE = "one RSA-2048 signature (OpenSSL)"
LIBRARIES = ("aiosmtpd", "apsw", "cryptography", "dkimpy", "jinja2", "pydantic", "starlette", "uvicorn")


def describe(folder: Path) -> dict[str, str]:
    """What it is, in the order to show it."""
    info = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in _text("/proc/cpuinfo").splitlines()}
    memory = next((line.split()[1] for line in _text("/proc/meminfo").splitlines() if line.startswith("MemTotal")), "0")
    wide = "with" if "avx512ifma" in info.get("flags", "") else "without"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{info.get('model name', platform.machine())}, {wide} AVX-512 IFMA, {os.cpu_count()} cores",
        "memory": f"{int(memory) / 1048576:.0f} GiB",
        "disk": _filesystem(folder),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "peers": _peers(),
        "load before": load(),
    }


def load() -> str:
    """The load averages: above the number of cores, neighbours took part in the figures."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def yardsticks() -> dict[str, float]:
    """CPU microseconds of an RSA-2048 signature, of SHA-256 over 5 MiB, and of a million turns of an empty Python loop."""
    key = generate_private_key(65537, 2048)
    block = bytes(5 * 1024 * 1024)

    def turns() -> None:
        for _ in range(1_000_000):
            pass

    return {
        SIGNATURE: _cpu(lambda: key.sign(b"x" * 1000, PKCS1v15(), SHA256()), 300),
        "SHA-256 of 5 MiB": _cpu(lambda: hashlib.sha256(block).digest(), 20),
        "a million turns of an empty Python loop": _cpu(turns, 5),
    }


def _cpu(call: Callable[[], object], times: int) -> float:
    """The best of three, as neighbours only ever add."""
    best = float("inf")
    for _ in range(3):
        used = time.thread_time()
        for _ in range(times):
            call()
        best = min(best, (time.thread_time() - used) / times * 1e6)
    return best


def _peers() -> str:
    found = [_words(["/usr/sbin/postconf", "-dh", "mail_version"], "Postfix {}")]
    found.append(_words(["/usr/bin/dpkg-query", "-W", "-f", "${Version}", "opendkim"], "OpenDKIM {}"))
    found.append(_words(["/usr/bin/dpkg-query", "-W", "-f", "${Version}", "python3-milter"], "pymilter {}"))
    return ", ".join(filter(None, found)) or f"none on this {sys.platform} machine"


def _words(command: list[str], form: str) -> str:
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return form.format(done.stdout.strip())
    return ""


def _filesystem(folder: Path) -> str:
    with suppress(OSError):
        done = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True)
        return done.stdout.strip()
    return "unknown"


def _text(path: str) -> str:
    return Path(path).read_text()
