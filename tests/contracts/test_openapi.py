"""The OpenAPI document says what the function folders, the settings and the errors say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from shared_code.api.answers import _STATUS_OF
from shared_code.api.openapi.document import OPERATIONS, document_of, openapi_document, routes_of
from shared_code.errors import AppError
from shared_code.jobs.embed_event import FIELDS as EVENT_FIELDS
from shared_code.jobs.embed_files import FIELDS as FILE_FIELDS
from shared_code.settings import SETTINGS
from tests.support.openapi_client import errors_of, operations_of

ROOT = Path(__file__).parents[2]
DECLARED = {(each.method, each.route) for each in OPERATIONS}
# The document of everything that is declared, whichever folders are there.
WHOLE = document_of(frozenset(DECLARED))


def test_every_http_function_has_its_operations():
    assert routes_of(ROOT) - DECLARED == set()


def test_every_operation_has_its_http_function():
    assert DECLARED - routes_of(ROOT) == set()


def test_document_has_the_routes_that_are_there_and_no_others():
    found = {(each.method, each.path) for each in operations_of(openapi_document())}
    assert found == {(method, f"/api/{route}") for method, route in routes_of(ROOT)}


def test_ids_of_operations_are_unique_and_links_lead_to_them():
    ids = [each.declared["operationId"] for each in operations_of(WHOLE)]
    assert len(ids) == len(set(ids))
    for document in (WHOLE, openapi_document()):
        known = {each.declared["operationId"] for each in operations_of(document)}
        assert {link["operationId"] for link in members_named("links", document)} <= known


def test_parameters_of_a_path_are_those_of_its_route():
    for each in operations_of(WHOLE):
        assert set(each.parameters("path")) == set(re.findall(r"{(\w+)}", each.path))


def test_references_lead_to_components_and_every_component_is_referred_to():
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(WHOLE)))
    assert references == set(WHOLE["components"]["schemas"])


def schemas() -> Iterator[Any]:
    yield from WHOLE["components"]["schemas"].values()
    yield from (value for _, value in found_in("schema", WHOLE["paths"]))


def test_schemas_are_schemas():
    for schema in schemas():
        Draft202012Validator.check_schema(schema)


def test_examples_are_what_their_schemas_say():
    contents = [value for _, value in found_in("application/json", WHOLE["paths"])]
    assert len(contents) > len(OPERATIONS)
    for content in contents:
        assert content["examples"]
        for example in content["examples"].values():
            assert errors_of(example["value"], content["schema"], WHOLE) == []


def test_settings_that_are_named_are_settings():
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", json.dumps(WHOLE)))
    assert named
    assert named <= {setting.name for setting in SETTINGS}


def test_requests_have_the_fields_that_the_app_takes():
    declared = WHOLE["components"]["schemas"]
    assert set(declared["FilesRequest"]["properties"]) == set(FILE_FIELDS)
    assert set(declared["EventRequest"]["properties"]) == set(EVENT_FIELDS)


def test_every_error_that_has_a_status_of_its_own_is_documented_with_it():
    documented = {
        (int(status), code)
        for each in operations_of(WHOLE)
        for status, answer in each.declared["responses"].items()
        for code in codes_of(answer)
    }
    raised = {(int(status), error.__name__) for base, status in _STATUS_OF.items() for error in leaves(base)}
    assert raised == documented


def codes_of(answer: Any) -> list[str]:
    problem = answer.get("content", {}).get("application/problem+json", {})
    codes: list[str] = problem.get("schema", {}).get("properties", {}).get("code", {}).get("enum", [])
    return codes


def leaves(error: type[AppError]) -> set[type[AppError]]:
    """The errors that are raised of a kind."""
    below = error.__subclasses__()
    return set().union(*map(leaves, below)) if below else {error}


def found_in(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every member of that name, however deep."""
    if isinstance(value, dict):
        yield from ((key, each) for key, each in value.items() if key == name)
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in children:
        yield from found_in(name, each)


def members_named(name: str, value: Any) -> Iterator[Any]:
    for _, found in found_in(name, value):
        yield from found.values()
