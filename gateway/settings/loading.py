"""Reads the configuration file and says every fault of it at once, each with its line and one plain sentence."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from gateway.settings.crossings import crossings
from gateway.settings.lines import line_numbers, nearest
from gateway.settings.models import Settings
from gateway.settings.secrets import unknown_variables

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Where = tuple[str, ...]

_ABSENT: Mapping[str, object] = {name: {} for name in ("gateway", "submission", "inbound", "web", "delivery")}
"""Tables that a file may leave out; given as empty ones, so that their default paths start at the file's folder too."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: its line (0 where it is not in the file), the setting's path, and a sentence."""

    line: int
    where: Where
    sentence: str


class ConfigurationError(Exception):
    """The configuration cannot be used; the text has one line `file:line: setting: sentence` a fault."""

    def __init__(self, file: Path, faults: Iterable[Fault]) -> None:
        self.file = file
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line, fault.where)))
        super().__init__("\n".join(self._line(fault) for fault in self.faults))

    def _line(self, fault: Fault) -> str:
        place = f"{self.file}:{fault.line}" if fault.line else str(self.file)
        return ": ".join(part for part in (place, show_path(fault.where), fault.sentence) if part)


def show_path(where: Where) -> str:
    """A setting's path as people write it: `[stream.news] policy`."""
    match where:
        case ():
            return ""
        case ("upstream" | "advertiser" | "stream" | "partner" | "provider" | "mailbox" as table, name, *rest):
            return f"[{table}.{name}] {'.'.join(rest)}".strip()
        case (table, *rest):
            return f"[{table}] {'.'.join(rest)}".strip()
        case _:
            return ".".join(where)


def load(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this file; raises ConfigurationError with every fault found."""
    variables = os.environ if environ is None else environ
    text = _read(path)
    tables = _parse(path, text)
    lines = line_numbers(text)
    faults = [Fault(0, (), f"{name} in the environment is unknown{hint}.") for name, hint in unknown_variables(variables, tables)]
    try:
        settings = Settings.model_validate({**_ABSENT, **tables}, context={"folder": path.absolute().parent})
    except ValidationError as error:
        raise ConfigurationError(path, [*_wrong(error, lines), *faults]) from None
    faults += [Fault(nearest(lines, where), where, sentence) for where, sentence in crossings(settings, variables)]
    if faults:
        raise ConfigurationError(path, faults)
    return settings


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(path, [Fault(1, (), "The file must be UTF-8 text.")]) from None
    except OSError as error:
        raise ConfigurationError(path, [Fault(0, (), f"The file cannot be read: {error.strerror}.")]) from None


def _parse(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", said)
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        sentence = said[: found.start()] if found else said
        raise ConfigurationError(path, [Fault(line, (), f"Not TOML: {sentence}.")]) from None


def _wrong(error: ValidationError, lines: Mapping[Where, int]) -> list[Fault]:
    """The model's complaints; one about a list is dropped where its items are at fault already."""
    found = [_fault(details, lines) for details in error.errors(include_url=False, include_input=False)]
    inner = {fault.where[:-1] for fault in found}
    return [fault for fault in found if fault.where not in inner]


def _fault(details: ErrorDetails, lines: Mapping[Where, int]) -> Fault:
    where = tuple(str(step) for step in details["loc"] if step != "[key]")
    return Fault(nearest(lines, where), where, _sentence(details, where))


_SECRET_WORDS = ("password", "secret", "key", "token")
_HAVE_SECRETS = ("upstream", "partner", "provider", "mailbox", "archive")


def _sentence(details: ErrorDetails, where: Where) -> str:
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            return _unknown(where)
        case "missing":
            return "is required."
        case "enum" | "literal_error":
            return f"must be {str(context['expected']).replace(chr(39), chr(34))}."
        case "value_error":
            return f"{context['error']}."
        case "string_pattern_mismatch":
            return _pattern(where)
        case "string_type" | "path_type":
            return "must be text in quotes."
        case "string_too_short":
            return "must not be empty."
        case "too_short":
            return "must name one at least."
        case "int_type" | "int_parsing" | "int_from_float":
            return "must be a whole number."
        case "bool_type":
            return "must be true or false."
        case "tuple_type":
            return "must be a list in brackets."
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"must be a table: write [{'.'.join(where)}]."
        case _:
            said = details["msg"]
            return f"{said[0].lower()}{said[1:]}."


def _pattern(where: Where) -> str:
    match where[-1]:
        case "selector":
            return "must be a DKIM selector: letters, digits, dots, hyphens."
        case "language":
            return 'must be a language of two letters, such as "fr".'
        case "bucket" | "prefix":
            return 'must be plain words, such as "evidence" or "gateway/evidence".'
        case "node":
            return "must be 1 to 16 lower-case letters or digits."
        case _:
            return f'"{where[-1]}" is not a name: lower-case letters, digits, ".", "_" and "-", 63 at most.'


def _unknown(where: Where) -> str:
    *table, key = where
    if any(word in key for word in _SECRET_WORDS) and table and table[0] in _HAVE_SECRETS:
        return "secrets never stand in this file: name a file of mode 0600, or use the environment."
    near = difflib.get_close_matches(key, _known(tuple(table)), n=1, cutoff=0.6)
    return f'is unknown; did you mean "{near[0]}"?' if near else "is unknown."


def _known(table: Where) -> list[str]:
    """The keys that the table at this path may have."""
    model: type[BaseModel] = Settings
    for step in table:
        field = model.model_fields.get(step)
        if field is not None:
            model = next(iter(models_in(field.annotation)), model)
    return list(model.model_fields)


def models_in(annotation: object) -> list[type[BaseModel]]:
    """The table models inside a type, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in models_in(part)]
