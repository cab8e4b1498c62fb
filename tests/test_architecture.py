"""The house rules that a reader should not have to trust: floors, purity, tasks, sizes, docstrings; by syntax tree alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = (
    "gateway.core",
    "gateway.flow",
    "gateway.edges",
    "gateway.settings",
    "gateway.store_rooms",
    "gateway.archive_rooms",
    "gateway.rooms",
    "gateway.provider_rooms",
    "gateway.partner_rooms",
    "gateway.returns_rooms",
    "gateway.mailbox_rooms",
    "gateway.watches",
    "gateway.keeper_rooms",
    "gateway.app",
    "gateway.commands",
    "gateway.cli",
    "gateway.__main__",
)
"""From the ground up; a module may import its own floor and those below."""

PLAIN = """
    __future__ base64 binascii bisect calendar codecs collections dataclasses datetime email encodings enum functools hashlib hmac
    html ipaddress itertools json operator re struct textwrap types typing unicodedata urllib
"""
CORE_MAY = frozenset(PLAIN.split()) | {"cryptography", "flufl", "idna", "jinja2", "pydantic"}
FLOW_MAY = frozenset(PLAIN.split()) | {"asyncio", "contextlib"}
CLOCKS = frozenset({"now", "utcnow", "today"})
STARTS_TASKS = frozenset({"create_task", "ensure_future"})
PROTOCOL = frozenset({"connection_made", "data_received", "eof_received", "connection_lost", "pause_writing", "resume_writing"})
"""asyncio's own words for a protocol, documented there."""
FILE_LINES = 400
FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules(folder: str = "gateway") -> list[Path]:
    """The Python files below a folder."""
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


def dotted(path: Path) -> str:
    """A file's module name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(node: ast.AST) -> Iterator[str]:
    """Every module a file imports, those inside functions included; not those for type checkers only."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import():
                yield from (alias.name for alias in child.names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield from (f"{module}.{alias.name}" for alias in child.names)
            case ast.ImportFrom():
                yield "a relative import"
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case _:
                yield from imports(child)


def floor(module: str) -> int:
    """The floor a module stands on; -1 outside the house."""
    return next((n for n, name in enumerate(FLOORS) if module == name or module.startswith(f"{name}.")), -1)


def where(path: Path, node: ast.AST) -> str:
    """File and line, as editors open them."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Every call and the last name of what is called."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Attribute(attr=name) | ast.Name(id=name):
                    yield node, name


def test_imports_run_only_downward() -> None:
    upward = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        for name in imports(tree(path))
        if floor(name) > floor(dotted(path))
    ]
    assert upward == []


@pytest.mark.parametrize(("folder", "allowed"), [("gateway/core", CORE_MAY), ("gateway/flow", FLOW_MAY)])
def test_pure_floors_import_nothing_that_touches_the_world(folder: str, allowed: frozenset[str]) -> None:
    foreign = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(folder)
        for name in imports(tree(path))
        if name.split(".")[0] not in allowed | {"gateway"}
    ]
    assert foreign == []


@pytest.mark.parametrize("folder", ["gateway/core", "gateway/flow"])
def test_pure_floors_ask_no_clock_and_open_nothing(folder: str) -> None:
    asked = [where(path, call) for path in modules(folder) for call, name in calls(path) if asks_the_world(call, name)]
    assert asked == []


def asks_the_world(call: ast.Call, name: str) -> bool:
    """Whether a call is `open(...)`, or the clock of `datetime` or `date`."""
    match call.func:
        case ast.Name():
            return name == "open"
        case ast.Attribute(value=ast.Name(id="datetime" | "date")):
            return name in CLOCKS
        case _:
            return False


def test_only_the_front_desk_starts_tasks() -> None:
    started = [
        where(path, call)
        for path in modules()
        if floor(dotted(path)) < FLOORS.index("gateway.app")
        for call, name in calls(path)
        if name in STARTS_TASKS
    ]
    assert started == []


def test_no_exception_is_caught_by_everybody() -> None:
    caught = [
        where(path, handler)
        for path in modules()
        for handler in ast.walk(tree(path))
        if isinstance(handler, ast.ExceptHandler) and handler.type is None
    ]
    assert caught == []


def test_files_fit_in_a_head() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    }
    assert long == {}


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{where(path, node)} {node.name}: {length(node)} lines"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, Function) and length(node) > FUNCTION_LINES
    ]
    assert long == []


def length(function: Function) -> int:
    """Lines of a function without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path.relative_to(ROOT)) for path in modules() if not ast.get_docstring(tree(path))]
    assert silent == []


def test_every_public_name_says_what_it_does() -> None:
    silent = [
        f"{where(path, node)} {node.name}"
        for path in modules()
        for node in public(tree(path).body)
        if ast.get_docstring(node) is None and node.name not in PROTOCOL
    ]
    assert silent == []


def public(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Public functions and classes, and the public methods of the latter."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def test_every_signature_is_typed() -> None:
    bare = [
        f"{where(path, node)} {node.name}"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, Function) and (node.returns is None or any(missing(node)))
    ]
    assert bare == []


def missing(function: Function) -> Iterator[str]:
    """Arguments without a type; `self` and `cls` need none."""
    given = function.args
    for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))):
        if one.annotation is None and one.arg not in ("self", "cls"):
            yield one.arg


@pytest.mark.parametrize("word", ["utils", "helpers", "manager", "misc", "common", "data", "handler"])
def test_no_room_is_called_by_a_word_that_says_nothing(word: str) -> None:
    assert [str(path.relative_to(ROOT)) for path in modules() if path.stem == word] == []


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python 3.11.0 to 3.11.4 match `(...)*+` wrongly (gh-106052), and Debian 12 ships 3.11.2; `(?>(...)*)` says the same."""
    repeated = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+")
    found = [
        where(path, node)
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and repeated.search(spelled(node.value))
    ]
    assert found == []


def spelled(value: str | bytes) -> str:
    """A constant as text."""
    return value if isinstance(value, str) else value.decode("latin-1")


def test_an_import_inside_a_function_is_seen() -> None:
    assert list(imports(ast.parse("def f():\n    import sqlite3\n"))) == ["sqlite3"]
