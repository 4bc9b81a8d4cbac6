"""The whole document: what the resources declare, of the routes of the function folders that are there."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from shared_code.api.openapi import (
    approval,
    cancel,
    console,
    description,
    job_list,
    jobs,
    ledger,
    search,
    status,
    submissions,
    usage,
    versions,
)
from shared_code.api.openapi.operation import Operation
from shared_code.jobs import Json

ROOT = Path(__file__).parents[3]
_RESOURCES = (
    submissions,
    status,
    cancel,
    approval,
    ledger,
    job_list,
    usage,
    search,
    versions,
    description,
    console,
)
OPERATIONS: tuple[Operation, ...] = tuple(each for part in _RESOURCES for each in part.OPERATIONS)
_SCHEMAS: Json = {
    **jobs.SCHEMAS,
    **{name: each for part in _RESOURCES for name, each in part.SCHEMAS.items()},
}
_REFERENCE = "#/components/schemas/"
_KEYS: Json = {
    "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
    "functionKeyInQuery": {"type": "apiKey", "in": "query", "name": "code"},
}


@cache
def openapi_document() -> Json:
    """OpenAPI 3.1 of the routes that are deployed."""
    return document_of(routes_of(ROOT))


def routes_of(folder: Path) -> frozenset[tuple[str, str]]:
    """The method and the route of every HTTP function below a folder."""
    functions = [json.loads(path.read_text("utf-8")) for path in folder.glob("*/function.json")]
    triggers = [each for value in functions for each in value["bindings"] if each["type"] == "httpTrigger"]
    return frozenset((method.lower(), each["route"]) for each in triggers for method in each["methods"])


def document_of(routes: frozenset[tuple[str, str]]) -> Json:
    """The document of these routes."""
    operations = [each for each in OPERATIONS if (each.method, each.route) in routes]
    paths: dict[str, Json] = {}
    for each in operations:
        paths.setdefault(f"/api/{each.route}", {})[each.method] = each.to_json()
    _drop_links(paths, {each.id for each in operations})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Async jobs",
            "version": "1",
            "summary": "Jobs that take minutes, behind an API that answers at once.",
            "description": "Members of answers are only ever added. Errors are problems (RFC 9457).",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in _KEYS],
        "tags": [{"name": name} for name in dict.fromkeys(each.tag for each in operations)],
        "paths": paths,
        "components": {"schemas": _schemas_of(paths), "securitySchemes": _KEYS},
    }


def _drop_links(paths: dict[str, Json], known: set[str]) -> None:
    """Leaves out links to operations that are not there."""
    for operation in (each for methods in paths.values() for each in methods.values()):
        for status_code, given in operation["responses"].items():
            links = {name: to for name, to in given.get("links", {}).items() if to["operationId"] in known}
            without = {name: value for name, value in given.items() if name != "links"}
            operation["responses"][status_code] = {**without, **({"links": links} if links else {})}


def _schemas_of(paths: Json) -> Json:
    """The schemas that are referred to, in the order of their names."""
    found: set[str] = set()
    ahead = _references(paths)
    while ahead:
        found |= ahead
        ahead = {name for each in ahead for name in _references(_SCHEMAS[each])} - found
    return {name: _SCHEMAS[name] for name in sorted(found)}


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = value.get("$ref", "")
        named = {own.removeprefix(_REFERENCE)} if isinstance(own, str) and own else set()
        return named.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()
