"""Has a job end."""

from http import HTTPStatus

from shared_code.api.openapi.jobs import COMPLETED_EXAMPLE, ID
from shared_code.api.openapi.operation import Operation, answer, parameter, problem, unavailable
from shared_code.api.openapi.schemas import ref, text
from shared_code.api.openapi.status import JOB_NOT_FOUND
from shared_code.api.openapi.submissions import ACCEPTED
from shared_code.jobs import Json

_BY = text("A name.", minLength=1, maxLength=200)

OPERATIONS = (
    Operation(
        method="delete",
        route="status/{id}",
        id="cancelJob",
        tag="Jobs",
        summary="Have a job end, with its lanes and its running steps",
        parameters=(ID, parameter("by", "query", _BY, "Who has the job end, as its status shows.")),
        answers={
            HTTPStatus.ACCEPTED: {
                **ACCEPTED,
                "description": "Nothing new begins from now on, and the job ends as `Canceled`.",
            },
            HTTPStatus.OK: answer(
                "The job had ended, or done all of its work.", ref("JobStatus"), {"ended": COMPLETED_EXAMPLE}
            ),
            HTTPStatus.BAD_REQUEST: problem(HTTPStatus.BAD_REQUEST, "InvalidField"),
            HTTPStatus.NOT_FOUND: JOB_NOT_FOUND,
            HTTPStatus.SERVICE_UNAVAILABLE: unavailable("HostUnavailable", "DecisionsUnavailable"),
        },
    ),
)
SCHEMAS: Json = {}
