"""Which jobs there are."""

from http import HTTPStatus

from shared_code.api.openapi.jobs import COMPLETED_EXAMPLE, STATUSES, listed
from shared_code.api.openapi.operation import Operation, answer, parameter, problem, unavailable
from shared_code.api.openapi.schemas import (
    LABEL_TEXT,
    STRING,
    TIME,
    answered,
    array,
    described,
    nullable,
    ref,
)
from shared_code.jobs import KINDS, Json

OPERATIONS = (
    Operation(
        method="get",
        route="jobs",
        id="listJobs",
        tag="Jobs",
        summary="Which jobs there are, the newest first",
        parameters=(
            parameter("env", "query", LABEL_TEXT, "Jobs of that environment."),
            parameter("kind", "query", {"enum": list(KINDS)}, "Jobs of that kind."),
            parameter("status", "query", {"enum": list(STATUSES)}, "Jobs of that status."),
            parameter("createdAfter", "query", TIME, "Jobs that were submitted after that time."),
            parameter(
                "top",
                "query",
                {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                "Jobs of a page.",
            ),
            parameter("after", "query", STRING, "`next` of the page before."),
        ),
        answers={
            HTTPStatus.OK: answer(
                "A page of jobs.",
                ref("JobPage"),
                {"last": {"jobs": [listed(COMPLETED_EXAMPLE)], "next": None}},
            ),
            HTTPStatus.BAD_REQUEST: problem(HTTPStatus.BAD_REQUEST, "InvalidField"),
            HTTPStatus.SERVICE_UNAVAILABLE: unavailable(
                "HostUnavailable", "JobTableUnavailable", "JobTableFilling"
            ),
        },
    ),
)
SCHEMAS: Json = {
    "JobPage": answered(
        {
            "jobs": array(ref("ListedJob")),
            "next": described(nullable(STRING), "`after` of the next page; null on the last one."),
        }
    )
}
