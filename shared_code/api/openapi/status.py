"""How a job is."""

from http import HTTPStatus

from shared_code.api.openapi.jobs import COMPLETED_EXAMPLE, ID, JOB_LINKS, POLL, PREFER, WAITING_EXAMPLE
from shared_code.api.openapi.operation import Operation, answer, problem, unavailable
from shared_code.api.openapi.schemas import ref
from shared_code.jobs import Json

JOB_NOT_FOUND = problem(HTTPStatus.NOT_FOUND, "JobNotFound")

OPERATIONS = (
    Operation(
        method="get",
        route="status/{id}",
        id="getStatus",
        tag="Jobs",
        summary="How a job is",
        parameters=(ID, PREFER),
        answers={
            HTTPStatus.OK: answer(
                "The job, in whatever state it is.",
                ref("JobStatus"),
                {"completed": COMPLETED_EXAMPLE, "waiting": WAITING_EXAMPLE},
                headers=POLL,
                links=JOB_LINKS,
            ),
            HTTPStatus.NOT_FOUND: JOB_NOT_FOUND,
            HTTPStatus.SERVICE_UNAVAILABLE: unavailable("HostUnavailable"),
        },
    ),
)
SCHEMAS: Json = {}
