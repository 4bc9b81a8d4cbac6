"""The operator's page."""

from http import HTTPStatus

from shared_code.api.openapi.operation import Operation, parameter
from shared_code.api.openapi.schemas import STRING
from shared_code.jobs import Json

_HEADERS: Json = {
    "ETag": {"description": "Names this release of the page.", "schema": STRING, "required": True},
    "Cache-Control": {"schema": {"const": "no-cache"}, "required": True},
    "Content-Security-Policy": {
        "description": "Nothing runs but the script of the page, and it asks this API alone.",
        "schema": STRING,
        "required": True,
    },
}

OPERATIONS = (
    Operation(
        method="get",
        route="console",
        id="getConsole",
        tag="Description",
        summary="The operator's page",
        description="It holds no data and needs no key; what it shows it asks this API for, with a key.",
        parameters=(
            parameter("If-None-Match", "header", STRING, "`ETag` of the page that is there already."),
        ),
        answers={
            HTTPStatus.OK: {
                "description": "One HTML page, with its style and its script.",
                "headers": _HEADERS,
                "content": {"text/html": {"schema": STRING}},
            },
            HTTPStatus.NOT_MODIFIED: {"description": "The page has not changed.", "headers": _HEADERS},
        },
        needs_key=False,
    ),
)
SCHEMAS: Json = {}
