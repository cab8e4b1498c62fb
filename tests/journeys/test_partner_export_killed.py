"""An export to a partner that is killed on its way: the register knows everybody who may have left, and nobody twice."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from gateway.flow.passing import BATCH
from tests.commands.conftest import House
from tests.commands.test_two_houses import COLLECTOR, HEADER, person

pytestmark = pytest.mark.slow
PEOPLE = BATCH + 100


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "gateway.toml").write_text(COLLECTOR)
    house = House(tmp_path)
    house.gateway("partner", "publish", "--partner", "maison", "--version", "v1", "--reason", "contract")
    rows = "".join(person(f"person{number}@example.org", "partners") for number in range(PEOPLE))
    house.gateway("consent", "import", str(house.write("c.csv", HEADER + rows)))
    return house


def transfers(house: House) -> list[str]:
    """Who is registered as passed on."""
    return [json.loads(line)["person"] for line in house.gateway("partner", "transfers", "--json").stdout.splitlines()]


def exported(house: House, *more: str) -> set[str]:
    told = house.gateway("partner", "export", "maison", "--purpose", "newsletter", *more).stdout
    return {row["address"] for row in csv.DictReader(StringIO(told))}


def test_killed_between_commit_and_output_it_registers_more_than_it_gave_and_never_twice(house: House) -> None:
    """R-FR-23."""
    words = ("partner", "export", "maison", "--purpose", "newsletter", "--config", str(house.folder / "gateway.toml"))
    command = [sys.executable, "-m", "gateway", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # the columns, which may come before anybody is registered
        process.stdout.read(1)  # the first batch is registered; the rest of it does not fit into the pipe
        registered = transfers(house)
    finally:
        process.send_signal(signal.SIGKILL)
        left, _ = process.communicate()
    assert len(registered) == len(set(registered)) == BATCH
    assert left.count(b"\n") < BATCH
    assert len(exported(house)) == PEOPLE - BATCH
    assert len(transfers(house)) == len(set(transfers(house))) == PEOPLE
    assert exported(house) == set()
    assert len(exported(house, "--again")) == PEOPLE
    assert len(transfers(house)) == PEOPLE
