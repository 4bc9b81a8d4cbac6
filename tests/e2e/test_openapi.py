"""The OpenAPI document on a running app: a client that knows nothing else, and requests of all kinds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.ports import free_port
from shared_code.api.answers import MAX_BODY_BYTES
from shared_code.api.openapi.document import openapi_document
from tests.support.api_client import ApiClient, StartHost
from tests.support.openapi_client import OpenApiClient, Operation

DOCUMENT = openapi_document()
CLIENT = OpenApiClient("", DOCUMENT)
DATES = {"s": "1993-01-01", "e": "1993-01-03"}


@pytest.fixture(scope="module")
def client(api: ApiClient) -> OpenApiClient:
    return OpenApiClient.of(api.origin)


@pytest.fixture(scope="module")
def served(start_host: StartHost, embedding_settings: dict[str, str]) -> Iterator[OpenApiClient]:
    """The document of an app that can reach all of its services but that of events, for which jobs wait."""
    with start_host(**embedding_settings, EVENTS_ENDPOINT=f"http://127.0.0.1:{free_port()}") as (api, host):
        yield OpenApiClient.of(api.origin)
        host.kill()  # it would wait for its jobs, and they for the service


def test_document_that_is_served_is_the_one_that_is_declared(client: OpenApiClient):
    assert client.document == DOCUMENT
    assert client.call("getOpenApi").json() == DOCUMENT


def test_client_of_the_document_submits_a_job_and_reads_it_to_its_end(client: OpenApiClient, api: ApiClient):
    submitted = client.call("postQuery", **DATES, Idempotency_Key="openapi")
    again = client.call("submitQuery", **DATES, Idempotency_Key="openapi")
    api.finished(submitted.json()["id"])
    status = client.follow("postQuery", submitted, "status")
    assert (submitted.status, again.json()["id"]) == (202, submitted.json()["id"])
    assert (status.status, status.json()["status"]) in {(200, "Completed"), (200, "Failed")}


def test_client_of_the_document_waits_for_a_job_and_lists_it(client: OpenApiClient):
    waited = client.call("submitQuery", **DATES, Prefer="wait=60")
    assert (waited.status, waited.headers["preference-applied"]) == (200, "wait=60")
    listed = client.call("listJobs", kind="audit-query", top="100").json()["jobs"]
    assert waited.json()["id"] in {job["id"] for job in listed}
    assert client.follow("submitQuery", waited, "ledger").json() == {"ledger": [], "next": None}


@pytest.mark.parametrize(
    ("operation", "body", "parameters", "status"),
    [
        ("submitQuery", None, {"s": "1993-01-01"}, 400),
        ("submitQuery", None, {**DATES, "Idempotency_Key": " "}, 400),
        ("getStatus", None, {"id": "0" * 32}, 404),
        ("getUsage", None, {"env": "-"}, 400),
        ("getUsage", None, {"env": "prod"}, 200),
        ("startJob", {"env": "prod"}, {}, 400),
        ("startJob", {"env": "prod", "version": "v1", "filesPath": "azure-webjobs-secrets"}, {}, 403),
        ("startJob", {"env": "x" * MAX_BODY_BYTES}, {}, 413),
    ],
)
def test_answers_of_each_status_are_what_the_document_says(
    client: OpenApiClient, operation: str, body: Any, parameters: dict[str, str], status: int
):
    assert client.call(operation, body, **parameters).status == status


def test_answers_about_an_event_whose_job_runs_are_what_the_document_says(served: OpenApiClient):
    event = {"trackingId": "openapi", "sessionId": "one"}
    assert served.call("startJob", event).status == 202
    assert served.call("startJob", {**event, "force": True}).status == 409
    assert served.call("startJob", {**event, "sessionId": "two"}).status == 422


def test_unusable_setting_is_answered_as_the_document_says(start_host):
    with start_host(MAX_RANGE_DAYS="many") as (api, _):
        answer = OpenApiClient.of(api.origin).call("submitQuery", **DATES)
    assert (answer.status, answer.json()["code"]) == (500, "InvalidSetting")


# What a client may send: what the document asks for, neighbours of that, and anything else.
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs"]), max_size=40)
# In a header only these arrive as they are sent.
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def values_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema describes, and some that it does not."""
    schema = DOCUMENT["components"]["schemas"].get(schema.get("$ref", "").split("/")[-1], schema)
    for alternatives in (schema.get("anyOf"), schema.get("enum")):
        if alternatives:
            each = map(values_of, alternatives) if "anyOf" in schema else map(st.just, alternatives)
            return st.one_of(*each)
    match schema.get("type"):
        case "object":
            return objects_of(schema)
        case "string":
            known = [st.just(value) for value in schema.get("examples", ())]
            return st.one_of(
                *known, st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else TEXTS
            )
        case "integer" | "number":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
    return st.booleans()


def objects_of(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: values_of(each) for name, each in schema.get("properties", {}).items()}
    odd = {name: values | JSON for name, values in members.items()}
    return dictionaries(members, set(schema.get("required", ()))) | dictionaries(odd, set())


def dictionaries(members: dict[str, st.SearchStrategy[Any]], required: set[str]) -> st.SearchStrategy[Any]:
    optional = {name: values for name, values in members.items() if name not in required}
    return st.fixed_dictionaries({name: members[name] for name in required}, optional=optional)


def requests_of(operation: Operation) -> st.SearchStrategy[tuple[dict[str, str], bytes | None]]:
    """Parameters and a body."""
    in_path = TEXTS.filter(lambda text: text.strip("./ ") != "")
    odd = {"path": in_path, "query": TEXTS, "header": ASCII}
    sent: dict[str, st.SearchStrategy[str]] = {}
    for place, texts in odd.items():
        for name, schema in operation.parameters(place).items():
            sent[name] = texts if place == "header" else st.one_of(values_of(schema).map(str), texts)
    body = operation.declared.get("requestBody")
    bodies: st.SearchStrategy[bytes | None] = st.none()
    if body:
        fitting = values_of(body["content"]["application/json"]["schema"])
        as_json = (fitting | fitting | JSON).map(lambda value: json.dumps(value).encode())
        bodies = as_json | st.binary(max_size=40)
    return st.tuples(dictionaries(sent, set(operation.parameters("path"))), bodies)


@pytest.mark.parametrize("operation", sorted(CLIENT.operations))
def test_whatever_is_sent_the_answer_is_documented_and_no_error_of_the_server(
    served: OpenApiClient, operation: str
):
    @settings(max_examples=50, deadline=None)
    @given(sent=requests_of(served.operations[operation]))
    def answers(sent: tuple[dict[str, str], bytes | None]) -> None:
        assert served.send(operation, *sent).status < 500

    answers()
