"""A gateway that cannot start says in one sentence why, and nothing else."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.process import Plain, found_company

SENDGRID = '\n[provider.sg]\nkind = "sendgrid"\nverification = "nonsense"\nadvertisers = ["maison"]\n'


async def told(folder: Path, config: Path) -> str:
    """What it said before it ended with 1."""
    starter = Plain(folder / "log")
    assert await starter.wait(await starter.start(config)) == 1
    return (folder / "log").read_text()


@pytest.mark.parametrize("door", ["submission", "web", "inbound"])
async def test_a_port_that_somebody_holds_is_named(tmp_path: Path, door: str) -> None:
    config, ports = await found_company(tmp_path, 25)
    port = getattr(ports, door)
    with socket.create_server(("127.0.0.1", port)):
        said = await told(tmp_path, config)
    assert f"127.0.0.1:{port} cannot be listened on: Address already in use" in said
    assert "Traceback" not in said


async def test_a_key_that_is_none_is_named(tmp_path: Path) -> None:
    config, _ = await found_company(tmp_path, 25)
    config.write_text(config.read_text() + SENDGRID)
    said = await told(tmp_path, config)
    assert "[provider.sg]: not a public key." in said
    assert "Traceback" not in said
