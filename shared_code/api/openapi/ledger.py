"""What became of a job's files."""

from http import HTTPStatus

from shared_code.api.openapi.jobs import ID
from shared_code.api.openapi.operation import Operation, answer, parameter, problem, unavailable
from shared_code.api.openapi.schemas import STRING, answered, array, described, nullable, ref
from shared_code.api.openapi.status import JOB_NOT_FOUND
from shared_code.jobs import Json

_ENTRY: Json = {"source": "documents/scan.pdf", "code": "BrokenDocument", "message": "The file is damaged."}

OPERATIONS = (
    Operation(
        method="get",
        route="status/{id}/ledger",
        id="getLedger",
        tag="Jobs",
        summary="The whole ledger of a job, in pages",
        parameters=(
            ID,
            parameter(
                "after", "query", {"type": "string", "pattern": "^[0-9]{0,9}$"}, "`next` of the page before."
            ),
        ),
        answers={
            HTTPStatus.OK: answer(
                "A page of the ledger.", ref("LedgerPage"), {"last": {"ledger": [_ENTRY], "next": None}}
            ),
            HTTPStatus.BAD_REQUEST: problem(HTTPStatus.BAD_REQUEST, "InvalidField"),
            HTTPStatus.NOT_FOUND: JOB_NOT_FOUND,
            HTTPStatus.SERVICE_UNAVAILABLE: unavailable("HostUnavailable", "LedgerUnavailable"),
        },
    ),
)
SCHEMAS: Json = {
    "LedgerPage": answered(
        {
            "ledger": array(ref("LedgerEntry")),
            "next": described(nullable(STRING), "`after` of the next page; null on the last one."),
        }
    )
}
