"""Describes the HTTP API in OpenAPI 3.1, from the models that check its bodies: the description cannot tell another story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.core.standard_webhook import SIGNATURE
from gateway.edges.web.api_models import Problem
from gateway.flow.api_keys import May

Table = dict[str, object]
_REF = "#/components/schemas/{model}"
_WHY = {
    400: "The body broke off.",
    401: "No key, or a wrong or ended one.",
    403: "The key may not do this, or not for this advertiser.",
    408: "The body did not come in time.",
    413: "Too many rows, or too long a body.",
    415: "Not application/json.",
    422: "The body is not what it should be; nothing was recorded.",
    429: "Too many calls; see Retry-After.",
    503: "It cannot be recorded now; send the same again after Retry-After.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One door of the API: what it takes, gives and refuses with; `may` is what a key must be allowed, None where none is asked.

    `signed` says that a partner's signature opens it as well.
    """

    path: str
    method: str
    name: str
    says: str
    may: May | None
    takes: type[BaseModel] | None
    gives: type[BaseModel] | None
    refuses: tuple[int, ...]
    signed: bool = False


def describe(operations: Sequence[Operation]) -> Table:
    """The whole description."""
    models: list[type[BaseModel]] = [Problem]
    models += [one for operation in operations for one in (operation.takes, operation.gives) if one is not None]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    paths: dict[str, Table] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Compliance gateway", "version": _version(), "summary": "Consents and acts of people, with their proof."},
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "`gateway apikey add`: NAME.SECRET"},
                "partner": {"type": "apiKey", "in": "header", "name": SIGNATURE, "description": "Standard Webhooks, by a partner."},
            },
        },
    }


def _operation(one: Operation) -> Table:
    told: Table = {"operationId": one.name, "summary": one.says, "responses": _responses(one), "security": []}
    if one.may is not None:
        told["security"] = [{"key": []}, *([{"partner": []}] if one.signed else [])]
        told["description"] = f"The key needs `--may {one.may.value}`."
    if one.takes is not None:
        told["requestBody"] = {"required": True, "content": _content("application/json", one.takes)}
        told["parameters"] = [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Accepted and not needed: the same call gives the same answer by itself.",
                "schema": {"type": "string"},
            }
        ]
    return told


def _responses(one: Operation) -> Table:
    good: Table = {"description": "Done."}
    good["content"] = _content("application/json", one.gives) if one.gives else {"application/json": {"schema": {"type": "object"}}}
    refused = {
        str(status): {"description": _WHY[status], "content": _content("application/problem+json", Problem)}
        for status in one.refuses
    }
    return {"200": good, **refused}


def _content(kind: str, model: type[BaseModel]) -> Table:
    return {kind: {"schema": {"$ref": _REF.format(model=model.__name__)}}}


def _version() -> str:
    try:
        return version("compliance-gateway")
    except PackageNotFoundError:
        return "0"
