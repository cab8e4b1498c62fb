"""The words of the house as JSON values, for commands that print whole sheets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def plain(value: object) -> Json:
    """The value with instants in ISO 8601, keys in hex, enums by their words; fields by their names."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return plain(value.value)
        case str():
            return value
        case bytes():
            return value.hex()
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(one) for one in value]
        case _ if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return str(value)


def dumped(value: object, indent: int | None = None) -> str:
    """The value as JSON text."""
    return json.dumps(plain(value), ensure_ascii=False, indent=indent)
