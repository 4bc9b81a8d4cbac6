"""Questions to the index."""

from http import HTTPStatus

from shared_code.api.openapi.operation import Operation, answer, parameter, problem, unavailable
from shared_code.api.openapi.schemas import (
    COUNT,
    FAILURE,
    LABEL_TEXT,
    STRING,
    answered,
    array,
    described,
    ref,
    text,
)
from shared_code.api.openapi.submissions import BUDGET_REACHED
from shared_code.jobs import Json

_MODES = ["hybrid", "vector", "text"]


def _number(most: int, *, least: int, default: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


_RESULT = answered(
    {
        "ordinal": described(COUNT, "Place of the text in its source."),
        "text": STRING,
        "score": {"type": "number", "description": "Larger is better, within one answer."},
    },
    optional={
        "source": text("The file; absent of an event."),
        "trackingId": text("The event; absent of a file."),
        "position": {"description": "Where in its source the text stands."},
        "context": text("What the text stands under."),
        "before": array(STRING),
        "after": array(STRING),
    },
)

OPERATIONS = (
    Operation(
        method="get",
        route="search",
        id="search",
        tag="Search",
        summary="The texts of an index that answer a question best",
        parameters=(
            parameter("env", "query", LABEL_TEXT, "Environment.", required=True),
            parameter(
                "q", "query", text("A question.", minLength=1, maxLength=1000), "Question.", required=True
            ),
            parameter(
                "version", "query", LABEL_TEXT, "Version of the index; the one that is live if absent."
            ),
            parameter(
                "mode", "query", {"enum": _MODES, "default": "hybrid"}, "By meaning, by words or both."
            ),
            parameter("top", "query", _number(50, least=1, default=10), "The most results."),
            parameter("source", "query", STRING, "Only sources whose names begin so."),
            parameter("kind", "query", {"enum": ["files", "events"]}, "Only files, or only events."),
            parameter("around", "query", _number(5, least=0, default=0), "Neighbours of each result."),
        ),
        answers={
            HTTPStatus.OK: answer(
                "The best texts, the best one first.",
                ref("SearchAnswer"),
                {
                    "one": {
                        "index": "prod|v1",
                        "mode": "hybrid",
                        "tokens": 5,
                        "results": [
                            {
                                "source": "handbook/travel.md",
                                "ordinal": 12,
                                "position": {"line": 80},
                                "context": "Handbook > Travel",
                                "text": "Trains are preferred.",
                                "score": 0.0164,
                            }
                        ],
                    }
                },
            ),
            HTTPStatus.BAD_REQUEST: problem(HTTPStatus.BAD_REQUEST, "InvalidField"),
            HTTPStatus.NOT_FOUND: problem(HTTPStatus.NOT_FOUND, "VersionNotFound", "NoLiveVersion"),
            HTTPStatus.TOO_MANY_REQUESTS: BUDGET_REACHED,
            HTTPStatus.INTERNAL_SERVER_ERROR: problem(HTTPStatus.INTERNAL_SERVER_ERROR),
            HTTPStatus.SERVICE_UNAVAILABLE: unavailable("IndexUnavailable", "HostUnavailable"),
        },
    ),
)
SCHEMAS: Json = {
    "SearchAnswer": answered(
        {
            "index": STRING,
            "mode": {"enum": _MODES},
            "results": array(_RESULT),
            "tokens": described(COUNT, "What the question cost."),
        },
        optional={"notice": described(FAILURE, "Why it was answered in another mode.")},
    )
}
