"""A client that knows the API by its OpenAPI document alone, and holds every answer against it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from jsonschema import Draft202012Validator

from local.http_client import Answer, request

Document = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    declared: Document

    def parameters(self, place: str) -> dict[str, Document]:
        found = [each for each in self.declared.get("parameters", ()) if each["in"] == place]
        return {each["name"]: each["schema"] for each in found}


@dataclass(frozen=True)
class OpenApiClient:
    """Calls operations by their ids."""

    origin: str
    document: Document = field(repr=False)

    @classmethod
    def of(cls, origin: str) -> "OpenApiClient":
        return cls(origin, request("GET", f"{origin}/api/openapi.json").json())

    @property
    def operations(self) -> dict[str, Operation]:
        return {each.declared["operationId"]: each for each in operations_of(self.document)}

    def call(self, operation_id: str, body: Any = None, /, **parameters: str) -> Answer:
        """Calls an operation; dashes in names of headers are written as underscores."""
        sent = None if body is None else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in parameters.items()}
        return self.send(operation_id, given, sent)

    def send(self, operation_id: str, parameters: Mapping[str, str], body: bytes | None) -> Answer:
        """Sends whatever it is given, and checks the answer."""
        operation = self.operations[operation_id]
        places = {
            place: {name: parameters[name] for name in operation.parameters(place) if name in parameters}
            for place in ("path", "query", "header")
        }
        unknown = parameters.keys() - {name for given in places.values() for name in given}
        if unknown:
            raise KeyError(f"{operation_id} has no parameters {sorted(unknown)}")
        path = operation.path.format_map({name: quote(text, "") for name, text in places["path"].items()})
        target = f"{path}?{urlencode(places['query'])}" if places["query"] else path
        answer = self._exchange(operation.method.upper(), target, places["header"], body)
        assert problems_of(answer, operation, self.document) == [], f"{operation_id} {target}: {answer}"
        return answer

    def follow(self, operation_id: str, answer: Answer, link: str) -> Answer:
        """Calls the operation that a link of an answer leads to."""
        declared = self.operations[operation_id].declared["responses"][str(answer.status)]["links"][link]
        values = {name: answer.json()[at.split("/")[-1]] for name, at in declared["parameters"].items()}
        return self.call(declared["operationId"], **values)

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=70)
        try:
            content = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, target, body, headers={**content, **headers})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read().decode())
        finally:
            connection.close()


def operations_of(document: Document) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, declared in methods.items():
            yield Operation(method, path, declared)


def problems_of(answer: Answer, operation: Operation, document: Document) -> list[str]:
    """What of an answer the document does not say, or says otherwise."""
    declared = operation.declared["responses"].get(str(answer.status))
    if declared is None:
        return [f"status {answer.status} is not documented"]
    headers = declared.get("headers", {}).items()
    missing = [name for name, each in headers if each.get("required") and name.lower() not in answer.headers]
    return [*(f"header {name} is missing" for name in missing), *_of_body(answer, declared, document)]


def _of_body(answer: Answer, declared: Document, document: Document) -> list[str]:
    media_type = answer.headers.get("content-type", "").split(";")[0]
    content = declared.get("content", {})
    if media_type not in content:
        return [f"content type {media_type!r} is not documented"] if answer.text or content else []
    value = answer.json() if media_type.endswith("json") else answer.text
    return errors_of(value, content[media_type]["schema"], document)


def errors_of(value: Any, schema: Document, document: Document) -> list[str]:
    """Where a value and its schema differ; a member that is not documented is a difference, too."""
    whole = closed({**schema, "components": document["components"]})
    found = Draft202012Validator(whole).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


def closed(schema: Any) -> Any:
    """A schema whose objects have no members but those that are named."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(each) for name, each in schema.items()}
    is_object = schema.get("type") == "object" and "properties" in schema
    return {"additionalProperties": False, **inner} if is_object else inner
