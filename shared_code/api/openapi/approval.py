"""Decides about a job that waits for an approval."""

from http import HTTPStatus

from shared_code.api.openapi.jobs import ID, WAITING_EXAMPLE
from shared_code.api.openapi.operation import Operation, answer, body, problem, unavailable
from shared_code.api.openapi.schemas import BOOLEAN, asked, described, ref, text
from shared_code.api.openapi.status import JOB_NOT_FOUND
from shared_code.api.openapi.submissions import ACCEPTED
from shared_code.jobs import Json

OPERATIONS = (
    Operation(
        method="post",
        route="status/{id}/approval",
        id="decide",
        tag="Jobs",
        summary="Decide whether a job goes on that waits for an approval",
        parameters=(ID,),
        body=body(
            ref("Decision"),
            {
                "approved": {"approved": True, "by": "Ada"},
                "rejected": {"approved": False, "comment": "Too dear"},
            },
        ),
        answers={
            HTTPStatus.ACCEPTED: {**ACCEPTED, "description": "It is decided, and takes effect."},
            HTTPStatus.OK: answer(
                "The same was decided before.", ref("JobStatus"), {"known": WAITING_EXAMPLE}
            ),
            HTTPStatus.BAD_REQUEST: problem(HTTPStatus.BAD_REQUEST, "InvalidField"),
            HTTPStatus.NOT_FOUND: JOB_NOT_FOUND,
            HTTPStatus.CONFLICT: problem(HTTPStatus.CONFLICT, "NothingToApprove", "DecisionTaken"),
            HTTPStatus.SERVICE_UNAVAILABLE: unavailable("HostUnavailable", "DecisionsUnavailable"),
        },
    ),
)
SCHEMAS: Json = {
    "Decision": asked(
        {"approved": described(BOOLEAN, "Whether the job goes on.")},
        optional={
            "by": text("Who decides.", minLength=1, maxLength=200),
            "comment": text("Why.", maxLength=1000),
        },
        description="What was decided.",
    )
}
