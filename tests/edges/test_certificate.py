"""The self-signed certificate: trusted by who is told to, private, never replaced."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.edges.certificate import CERTIFICATE, KEY, make_certificate
from gateway.edges.smtp.listener import server_context


async def shake_hands(folder: Path, name: str) -> str:
    """Connect under TLS as `name`, trusting the certificate; the protocol spoken."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(folder / CERTIFICATE, folder / KEY))
    async with server:
        trusting = ssl.create_default_context(cafile=folder / CERTIFICATE)
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(10):
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name)
        version = writer.get_extra_info("ssl_object").version()
        writer.close()
    return str(version)


@pytest.mark.parametrize("name", ["gateway", "localhost", "127.0.0.1"])
async def test_certificate_is_good_for_each_name_it_was_made_for(tmp_path: Path, name: str) -> None:
    assert make_certificate(tmp_path, ["gateway", "localhost", "127.0.0.1"], datetime.now(UTC))
    assert await shake_hands(tmp_path, name) == "TLSv1.3"


async def test_certificate_is_not_good_for_another_name(tmp_path: Path) -> None:
    make_certificate(tmp_path, ["gateway"], datetime.now(UTC))
    with pytest.raises(ssl.SSLCertVerificationError):
        await shake_hands(tmp_path, "elsewhere")


def test_key_is_private(tmp_path: Path) -> None:
    make_certificate(tmp_path, ["gateway"], datetime.now(UTC))
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("there", [CERTIFICATE, KEY])
def test_what_is_there_is_never_replaced(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    assert not make_certificate(tmp_path, ["gateway"], datetime.now(UTC))
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"
