"""What a resource declares of one of its operations, and the answers that all operations have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from shared_code.api.answers import MAX_BODY_BYTES
from shared_code.api.openapi.schemas import STRING, answered, text
from shared_code.jobs import Json

Answers = Mapping[HTTPStatus, Json]

_NO_STORE: Json = {"Cache-Control": {"schema": {"const": "no-store"}, "required": True}}
RETRY_AFTER: Json = {
    "Retry-After": {
        "description": "Seconds, or an HTTP date, after which the request is worth sending again.",
        "schema": STRING,
        "required": True,
    }
}
SETTINGS_ERRORS = ("MissingSetting", "InvalidSetting", "UnresolvedReference")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one route.

    Attributes:
        method: in lower case, as function.json has it.
        route: as function.json has it, without the prefix of all routes.
        id: by which clients that are generated call it.
        tag: the resource that it belongs to.
        body: the request's, if it has one.
        links: from an answer to operations that take what it gives.
        needs_key: whether the host asks for a key; where it does not, no setting is read either.
    """

    method: str
    route: str
    id: str
    tag: str
    summary: str
    description: str = ""
    parameters: Sequence[Json] = ()
    body: Json | None = None
    answers: Answers = field(default_factory=dict)
    needs_key: bool = True

    def to_json(self) -> Json:
        """The OpenAPI operation."""
        answers = {**self.answers, **_of_all(self.answers, needs_key=self.needs_key)}
        optional: Json = {
            "description": self.description,
            "parameters": list(self.parameters),
            "requestBody": self.body,
        }
        return {
            "operationId": self.id,
            "summary": self.summary,
            "tags": [self.tag],
            **{name: value for name, value in optional.items() if value},
            **({} if self.needs_key else {"security": []}),
            "responses": {str(int(status)): answers[status] for status in sorted(answers)},
        }


def parameter(name: str, place: str, schema: Json, description: str, *, required: bool = False) -> Json:
    """A parameter of a path, a query or the headers; its description says what it is for."""
    return {
        "name": name,
        "in": place,
        "description": description,
        "required": required or place == "path",
        "schema": schema,
    }


def body(schema: Json, examples: Mapping[str, Any]) -> Json:
    """The JSON body of a request, with examples by name."""
    content = {"schema": schema, "examples": {name: {"value": value} for name, value in examples.items()}}
    return {"required": True, "content": {"application/json": content}}


def answer(
    description: str,
    schema: Json,
    examples: Mapping[str, Any],
    *,
    headers: Json | None = None,
    links: Json | None = None,
) -> Json:
    """A JSON answer, with examples by name."""
    content = {"schema": schema, "examples": {name: {"value": value} for name, value in examples.items()}}
    return {
        "description": description,
        "headers": {**_NO_STORE, **(headers or {})},
        "content": {"application/json": content},
        **({"links": links} if links else {}),
    }


def problem(
    status: HTTPStatus, *codes: str, members: Json | None = None, headers: Json | None = None
) -> Json:
    """A problem (RFC 9457) with one of these codes, or with any where none is named."""
    code = {"enum": list(codes)} if codes else text("Stable name of what happened.")
    schema = answered(
        {
            "type": {"const": "about:blank"},
            "title": {"const": status.phrase},
            "status": {"const": int(status)},
            "detail": text("What happened, and what to do."),
            "code": code,
            "error": text("The same as `detail`, where first clients of this API read it."),
        },
        optional=members,
    )
    return {
        "description": f"{status.phrase}: {', '.join(f'`{name}`' for name in codes) or 'see `code`'}.",
        "headers": {**_NO_STORE, **(headers or {})},
        "content": {"application/problem+json": {"schema": schema}},
    }


def unavailable(*codes: str) -> Json:
    """503: something that the request needs is away for a moment."""
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, *codes, headers=RETRY_AFTER)


def _of_all(own: Answers, *, needs_key: bool) -> Answers:
    """Answers of every operation, but for what it says itself."""
    too_large = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestTooLarge")
    too_large["description"] += f" A body has at most {MAX_BODY_BYTES} bytes."
    of_keyed: Answers = {
        HTTPStatus.UNAUTHORIZED: {"description": "The key is missing or wrong; the answer has no body."},
        HTTPStatus.INTERNAL_SERVER_ERROR: problem(HTTPStatus.INTERNAL_SERVER_ERROR, *SETTINGS_ERRORS),
    }
    common = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: too_large, **(of_keyed if needs_key else {})}
    return {status: value for status, value in common.items() if status not in own}
