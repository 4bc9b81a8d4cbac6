"""The document itself."""

from http import HTTPStatus

from shared_code.api.openapi.operation import Operation, answer
from shared_code.api.openapi.schemas import STRING, answered
from shared_code.jobs import Json

_OBJECT: Json = {"type": "object"}

OPERATIONS = (
    Operation(
        method="get",
        route="openapi.json",
        id="getOpenApi",
        tag="Description",
        summary="This document",
        answers={
            HTTPStatus.OK: answer(
                "OpenAPI 3.1 of every route.",
                answered(
                    {"openapi": STRING, "info": _OBJECT, "paths": _OBJECT},
                    optional=dict.fromkeys(("servers", "security", "tags", "components"), True),
                ),
                {"empty": {"openapi": "3.1.0", "info": {"title": "Async jobs", "version": "1"}, "paths": {}}},
            )
        },
    ),
)
SCHEMAS: Json = {}
