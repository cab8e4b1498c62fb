"""Reads policy packs and templates: those that come with the gateway, and an operator's own, which win over them.

A fault is returned with its file and line, never raised: `gateway check` shows them all before anything starts.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import gateway
from gateway.core.policy import Policy, PolicyFault, parse

MAX_BYTES = 1 << 20
_PACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Digest(Protocol):
    """A hash that is being made."""

    def update(self, data: bytes, /) -> None:
        """Take more in."""


@dataclass(frozen=True, slots=True)
class FileFault:
    """What is wrong with a file, and where; `line` counts from 1 and is 0 where the whole file is meant."""

    path: Path
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.why}" if self.line else f"{self.path}: {self.why}"


def shipped(kind: str) -> Path:
    """The folder of `policies` or `templates` that came with the gateway: inside the wheel, else beside the source tree."""
    package = Path(gateway.__file__).parent
    packed = package / "_data" / kind
    return packed if packed.is_dir() else package.parent / kind


def folder_of(templates: str, own: Path | None) -> Path:
    """The folder of one kind of templates: the operator's where it has them, else the shipped one."""
    return own / templates if own and (own / templates).is_dir() else shipped("templates") / templates


def policy_names(own: Path | None = None) -> tuple[str, ...]:
    """The packs there are, shipped and own."""
    folders = [shipped("policies"), *([own] if own else [])]
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.toml")}))


def read_policy(name: str, own: Path | None = None) -> Policy | FileFault:
    """One pack by name; `own` is the operator's folder of packs."""
    path = _find(f"{name}.toml", "policies", own)
    if not _PACK_NAME.fullmatch(name):
        return FileFault(path, 0, "no name of a pack: lower-case letters, digits and hyphens")
    return _read_pack(path, own, name)


def read_policy_file(path: Path) -> Policy | FileFault:
    """One pack from any file, whatever it is called; lists in a folder `lists` beside it win over the shipped ones."""
    return _read_pack(path, path.parent, None)


def _read_pack(path: Path, own: Path | None, name: str | None) -> Policy | FileFault:
    text = _read(path)
    if isinstance(text, FileFault):
        return text
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        line = re.search(r"at line (\d+)", str(fault))
        return FileFault(path, int(line[1]) if line else text.count("\n") + 1, str(fault).partition(" (at ")[0])
    digest = hashlib.sha256(text.encode())
    if unreadable := _expand(table, own, digest):
        return FileFault(unreadable.path, unreadable.line, f"{unreadable.why} (named by {path.name})")
    policy = parse(table, digest.hexdigest())
    if isinstance(policy, PolicyFault):
        return FileFault(path, line_of(text, policy.where), f"{_spelled(policy.where)} {policy.why}")
    if name is not None and policy.name != name:
        return FileFault(path, line_of(text, ("name",)), f"the pack calls itself {policy.name}, its file {name}")
    return policy


def _expand(table: dict[str, Any], own: Path | None, digest: Digest) -> FileFault | None:
    """Put the lists in that a pack's rules name as `@NAME`; what they say is part of the pack's digest."""
    rules = table.get("rule")
    for rule in rules.values() if isinstance(rules, dict) else ():
        for key, value in rule.items() if isinstance(rule, dict) else ():
            if isinstance(value, list) and any(isinstance(item, str) and item.startswith("@") for item in value):
                whole: list[Any] = []
                for item in value:
                    named = _list(item[1:], own) if isinstance(item, str) and item.startswith("@") else [item]
                    if isinstance(named, FileFault):
                        return named
                    whole += named
                rule[key] = whole
                digest.update("\n".join(map(str, whole)).encode())
    return None


def _list(name: str, own: Path | None) -> list[str] | FileFault:
    path = _find(f"lists/{name}.txt", "policies", own)
    if not _PACK_NAME.fullmatch(name):
        return FileFault(path, 0, "no name of a list: lower-case letters, digits and hyphens")
    text = _read(path)
    if isinstance(text, FileFault):
        return text
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def read_templates(folder: str, own: Path | None = None) -> dict[str, str] | FileFault:
    """All templates of one folder (`notice`, `pages`...) by file name; `own` is the operator's folder of templates."""
    texts: dict[str, str] = {}
    for root in (shipped("templates"), *([own] if own else [])):
        for path in sorted((root / folder).glob("*")):
            if path.is_file() and not path.name.startswith("."):
                text = _read(path)
                if isinstance(text, FileFault):
                    return text
                texts[path.name] = text
    return texts if texts else FileFault(shipped("templates") / folder, 0, "there are no templates")


def line_of(text: str, where: tuple[str | int, ...]) -> int:
    """The line of a TOML text where a path of keys stands, or of the table around it; 1 where neither is found."""
    lines = text.splitlines()
    start, inner = _table(lines, where)
    if inner:
        key = re.compile(rf"\s*[\"']?{re.escape(str(inner[0]))}[\"']?\s*=")
        for number in range(start, len(lines)):
            if lines[number].startswith("["):
                break
            if key.match(lines[number]):
                return number + 1
    return max(start, 1)


def _table(lines: list[str], where: tuple[str | int, ...]) -> tuple[int, tuple[str | int, ...]]:
    """The number of the innermost table header on the path, and the keys below it."""
    if len(where) > 1 and isinstance(where[1], int):
        headers = [number for number, line in enumerate(lines, 1) if line.startswith(f"[[{where[0]}]]")]
        return (headers[where[1]], where[2:]) if where[1] < len(headers) else (0, where)
    for depth in range(len(where), 0, -1):
        header = f"[{'.'.join(map(str, where[:depth]))}]"
        for number, line in enumerate(lines, 1):
            if line.startswith(header):
                return number, where[depth:]
    return 0, where


def _spelled(where: tuple[str | int, ...]) -> str:
    return ".".join(f"{step + 1}" if isinstance(step, int) else step for step in where)


def _find(file: str, kind: str, own: Path | None) -> Path:
    return own / file if own and (own / file).is_file() else shipped(kind) / file


def _read(path: Path) -> str | FileFault:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as fault:
        return FileFault(path, 0, fault.strerror or "cannot be read")
    if len(raw) > MAX_BYTES:
        return FileFault(path, 0, f"longer than {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        return FileFault(path, raw[: fault.start].count(b"\n") + 1, "is not UTF-8")
