"""What is shipped works where it is shipped to: the wheel in an empty environment, the image's steps, compose file, unit, locks."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.edges.store.redis.client import blocking_client
from gateway.edges.store.redis.durability import look
from tests.support.redis_servers import needs_redis, running_redis
from tests.support.shared_store import access

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "docker-compose.yml"
SCALED = ROOT / "packaging" / "scaled"
HAPROXY = Path(shutil.which("haproxy") or "/usr/sbin/haproxy")
UNIT = ROOT / "packaging" / "compliance-gateway.service"
LOCKS = ("requirements.lock", "requirements-scaled.lock", "requirements-dev.lock")


def run(*command: str | Path, cwd: Path = ROOT, **environ: str) -> str:
    """A command's output; its words when it fails."""
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True)
    assert done.returncode == 0, f"{shlex.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined."""
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def compose() -> dict[str, Any]:
    """docker-compose.yml, merged keys resolved."""
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return parsed


@pytest.mark.slow
def test_wheel_holds_policies_and_templates_and_runs_from_an_empty_environment(tmp_path: Path) -> None:
    source = tmp_path / "source"
    copy_sources(source)
    run(sys.executable, "-c", "import hatchling.build as b; b.build_wheel('.')", cwd=source)
    (wheel,) = source.glob("*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("policies", "templates"):
        for file in (path for path in (ROOT / folder).rglob("*") if path.is_file()):
            assert f"gateway/_data/{file.relative_to(ROOT)}" in shipped
    assert not [name for name in shipped if name.startswith(("tests/", "bench/", "docs/"))]
    venv = make_venv(tmp_path / "venv")
    run(venv / "bin" / "pip", "install", "-q", "--require-hashes", "-r", ROOT / "requirements.lock")
    run(venv / "bin" / "pip", "install", "-q", "--no-deps", wheel)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "gateway.toml").write_text("")
    assert "preview" in run(venv / "bin" / "gateway", "--help", cwd=empty)
    assert "fr" in run(venv / "bin" / "gateway", "policy", "list", cwd=empty)
    run(venv / "bin" / "gateway", "check", cwd=empty)


@pytest.mark.slow
def test_each_step_of_the_image_runs_in_a_plain_shell(tmp_path: Path) -> None:
    source, root = tmp_path / "src", tmp_path / "root"
    source.mkdir()
    given: dict[str, str] = {}
    path = f"{make_venv(tmp_path / 'python')}/bin:{os.environ['PATH']}"
    for word, rest in build_stage():
        if word == "ARG":
            name, _, default = rest.partition("=")
            given[name] = f"{root}{default}"
            Path(given[name]).parent.mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            *files, to = rest.split()
            for file in files:
                copy(ROOT / file, source / file if to == "./" else source / to)
        elif word == "RUN":
            run("sh", "-euc", rest, cwd=source, PATH=path, **given)
    gateway = Path(given["venv"]) / "bin" / "gateway"
    (command,) = (rest for word, rest in instructions() if word == "ENTRYPOINT")
    assert command == '["gateway"]'
    (source / "gateway.toml").write_text("")
    run(gateway, "check", cwd=source, GATEWAY_CONFIG=str(source / "gateway.toml"))
    for folder in mounted():
        assert (Path(given["state"]) / folder).stat().st_mode & 0o777 == 0o700, "an empty volume takes its owner and mode from here"


def mounted() -> set[str]:
    """The folders within its state that some service has as a volume of their own."""
    state = "/var/lib/gateway/"
    volumes = [str(one).split(":")[1] for service in compose()["services"].values() for one in service.get("volumes", ())]
    return {volume.removeprefix(state) for volume in volumes if volume.startswith(state)}


def build_stage() -> Iterator[tuple[str, str]]:
    """The instructions of the first stage that a shell can follow."""
    stages = 0
    for word, rest in instructions():
        stages += word == "FROM"
        if stages == 1 and word in ("ARG", "COPY", "RUN"):
            yield word, rest


def copy_sources(to: Path) -> None:
    """What the image's build copies, hence what a build needs."""
    to.mkdir()
    for word, rest in build_stage():
        if word == "COPY":
            for file in rest.split()[:-1]:
                copy(ROOT / file, to / file)


def copy(file: Path, to: Path) -> None:
    """A file, or a folder without what Python compiled."""
    if file.is_dir():
        shutil.copytree(file, to, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(file, to)


def make_venv(folder: Path) -> Path:
    """An empty virtual environment."""
    run(sys.executable, "-m", "venv", folder)
    return folder


def test_image_runs_without_root_and_is_watched_without_a_shell() -> None:
    steps = dict(instructions())
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", steps["USER"])
    assert steps["STOPSIGNAL"] == "SIGTERM"
    assert steps["CMD"] == '["serve"]'
    assert "python" in steps["HEALTHCHECK"]
    assert "curl" not in DOCKERFILE.read_text()


def test_health_check_is_sound_python() -> None:
    (check,) = (rest for word, rest in instructions() if word == "HEALTHCHECK")
    (code,) = re.findall(r'"-c", "(.*)"\]', check)
    compile(code, "health check", "exec")


def test_build_context_holds_what_the_image_copies_and_nothing_else() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {file for word, rest in build_stage() if word == "COPY" for file in rest.split()[:-1]}
    assert allowed == copied


def test_compose_file_is_accepted() -> None:
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        run("docker", "compose", "config", "--quiet")
        provider = ROOT / "packaging" / "provider.password"
        assert not provider.exists(), "a secret must not lie in the repository"
        run("docker", "compose", "-f", "docker-compose.yml", "-f", "packaging/compose.provider.yml", "config", "--quiet")
    elif shutil.which("docker-compose"):
        run("docker-compose", "-f", "docker-compose.yml", "config", "--quiet")
    else:
        pytest.skip("no docker compose here: that it accepts docker-compose.yml is left unproven")


def test_each_container_can_write_nothing_but_its_volumes() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name


def test_compose_services_and_volumes_that_are_named_exist() -> None:
    parsed = compose()
    for name, service in parsed["services"].items():
        assert set(service.get("depends_on", {})) <= set(parsed["services"]), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith("./") else source in parsed["volumes"], name


def test_each_command_of_the_compose_file_is_a_command() -> None:
    from typer.main import get_command

    from gateway.cli import build

    known = getattr(get_command(build()), "commands")  # noqa: B009 - typer's stubs do not know it
    assert {service["command"][0] for service in compose()["services"].values() if "command" in service} <= set(known)


def test_configuration_of_the_containers_is_sound(tmp_path: Path) -> None:
    """As in the containers: certificate, DKIM key, then `check`; only the paths differ."""
    state = tmp_path / "state"
    services = compose()["services"]
    for name in ("certificate", "dkim"):
        command = [word.replace("/var/lib/gateway", str(state)) for word in services[name]["command"]]
        state.mkdir(exist_ok=True)
        for _ in range(2):  # they run at each start
            run(sys.executable, "-m", "gateway", *command, cwd=tmp_path, PYTHONPATH=str(ROOT))
    shipped = (ROOT / "packaging" / "gateway.toml").read_text()
    (tmp_path / "gateway.toml").write_text(shipped.replace("/var/lib/gateway", str(state)))
    checked = run(sys.executable, "-m", "gateway", "check", cwd=tmp_path, PYTHONPATH=str(ROOT))
    ports = {port.rpartition(":")[2] for port in services["gateway"]["ports"]}
    assert ports == set(re.findall(r'listen = "0\.0\.0\.0:(\d+)"', checked))
    exposed = dict(instructions())["EXPOSE"].split()
    assert ports <= set(exposed)


def test_two_gateways_of_the_scaled_profile_differ_in_their_names_alone(tmp_path: Path) -> None:
    """As in the containers, but for the paths."""
    state = tmp_path / "state"
    services = compose()["services"]
    for name in ("certificate", "dkim-shared"):
        command = [word.replace("/var/lib/gateway", str(state)) for word in services[name]["command"]]
        (state / "dkim").mkdir(parents=True, exist_ok=True)
        run(sys.executable, "-m", "gateway", *command, cwd=tmp_path, PYTHONPATH=str(ROOT))
    first, second = ((SCALED / f"gateway-{name}.toml").read_text() for name in "ab")
    assert first.replace('node = "a"', 'node = "b"') == second
    for text in (first, second):
        (tmp_path / "gateway.toml").write_text(text.replace("/var/lib/gateway", str(state)))
        run(sys.executable, "-m", "gateway", "check", cwd=tmp_path, PYTHONPATH=str(ROOT))
    balancer = services["balancer"]["networks"]["front"]["ipv4_address"]
    assert first.count(f'proxy_from = ["{balancer}"]') == 3
    shared = [set(services[name]["volumes"]) for name in ("gateway-a", "gateway-b")]
    assert {one.split(":")[0] for one in shared[0] & shared[1]} == {"keys", "backups", "dkim", "tls"}


@pytest.mark.skipif(not HAPROXY.exists(), reason="unproven here: that haproxy accepts the balancer's configuration (no haproxy)")
def test_balancer_of_the_scaled_profile_accepts_its_configuration(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text(re.sub(r"gateway-([ab]):", "127.0.0.1:", (SCALED / "haproxy.cfg").read_text()))
    run(HAPROXY, "-c", "-f", config)


@needs_redis
async def test_store_of_the_scaled_profile_has_what_the_gateway_insists_on(tmp_path: Path) -> None:
    given = [line.split(None, 1) for line in (SCALED / "valkey.conf").read_text().splitlines() if line and line[0] != "#"]
    options = {name.replace("-", "_"): value for name, value in given if name not in ("dir", "protected-mode")}
    async with running_redis(tmp_path, **options) as server:
        found = look(blocking_client(access(server.url)), access(server.url), 0)
        assert (found.faults, found.advice) == ((), ())


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is absent: the unit is left unproven here")
def test_unit_is_sound_and_hardened(tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace("/opt/gateway/bin/gateway", sys.executable))
    run("systemd-analyze", "verify", here)
    if "--offline" in run("systemd-analyze", "--help"):
        run("systemd-analyze", "security", "--offline=true", "--threshold=20", here)


def test_unit_starts_a_command_that_exists() -> None:
    (start,) = re.findall(r"^ExecStart=(\S+) (.*)$", UNIT.read_text(), re.MULTILINE)
    assert start == ("/opt/gateway/bin/gateway", "serve --config /etc/gateway/gateway.toml")


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_package_by_hash_and_names_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    assert not re.search(r"://|--index|--find-links|^file:|(?<![\w.])/\w", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("lock", "extras", "groups"),
    [
        ("requirements.lock", (), ("build",)),
        ("requirements-scaled.lock", ("redis", "s3"), ("build",)),
        ("requirements-dev.lock", ("redis", "s3"), ("build", "test", "dev")),
    ],
)
def test_lock_holds_what_the_project_asks_for(lock: str, extras: tuple[str, ...], groups: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"]]
    for extra in extras:
        asked += project["project"]["optional-dependencies"][extra]
    for group in groups:
        asked += [one for one in project["dependency-groups"][group] if isinstance(one, str)]
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / lock).read_text(), re.MULTILINE))
    wanted = {re.sub(r"[._]", "-", re.split(r"[<>=!~;\[ ]", one)[0]).lower() for one in asked}
    assert wanted <= {name.replace("_", "-").replace(".", "-") for name in pinned}
