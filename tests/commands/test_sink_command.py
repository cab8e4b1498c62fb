"""`gateway sink` and `gateway certificate`, as the containers run them: TLS for the provider's place, a page of what left."""

from __future__ import annotations

import re
import signal
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]


def command(*words: str) -> list[str]:
    """The command line of one `gateway ...`."""
    return [sys.executable, "-m", "gateway", *words]


@contextmanager
def sink(folder: Path, *words: str) -> Iterator[tuple[int, str]]:
    """A running sink: its port and its page."""
    started = command("sink", "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", *words)
    with subprocess.Popen(started, cwd=folder, env={"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"SMTP at 127\.0\.0\.1:(\d+), what arrived at (\S+)\.$", process.stderr.readline().strip())
        assert found is not None
        try:
            yield int(found[1]), found[2]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def test_sink_takes_mail_under_a_certificate_made_beside_and_shows_it(tmp_path: Path) -> None:
    made = subprocess.run(command("certificate", "localhost"), cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True)
    assert made.returncode == 0
    with sink(tmp_path, "--tls-cert", "tls/certificate.pem", "--tls-key", "tls/key.pem") as (port, page):
        with smtplib.SMTP("localhost", port, timeout=10) as tool:
            tool.starttls(context=ssl.create_default_context(cafile=tmp_path / "tls" / "certificate.pem"))
            tool.sendmail("a@example.com", ["b@example.com"], b"Subject: Bonjour\r\n\r\nNouvelles\r\n")
        assert "Bonjour" in httpx.get(page).text
        assert "Nouvelles" in httpx.get(f"{page}0").text


def test_half_a_certificate_or_a_bad_address_is_misuse(tmp_path: Path) -> None:
    for words in (("--tls-cert", "c.pem"), ("--listen", "nowhere"), ("--web", "127.0.0.1:99999")):
        refused = subprocess.run(command("sink", *words), cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True)
        assert refused.returncode == 2, words
