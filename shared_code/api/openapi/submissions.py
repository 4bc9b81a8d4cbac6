"""The two routes that start jobs."""

from http import HTTPStatus

from shared_code.api.openapi.jobs import (
    ACCEPTED_EXAMPLE,
    ACCEPTED_HEADERS,
    COMPLETED_EXAMPLE,
    EXAMPLE_ID,
    IDEMPOTENCY_KEY,
    JOB_LINKS,
    LOCATIONS,
    PREFER,
)
from shared_code.api.openapi.operation import (
    RETRY_AFTER,
    Answers,
    Operation,
    answer,
    body,
    parameter,
    problem,
    unavailable,
)
from shared_code.api.openapi.schemas import (
    AMOUNT,
    BOOLEAN,
    JOB_ID,
    LABEL_TEXT,
    TIME,
    asked,
    described,
    ref,
    text,
)
from shared_code.jobs import Json
from shared_code.jobs.date_range import MAX_DATE_LENGTH

_TAG = "Submissions"
_NO_JOB = ("HostUnavailable", "JobTableUnavailable", "JobTableFilling", "DecisionsUnavailable")

ACCEPTED = answer(
    "The job is submitted, now or by an earlier request for the same.",
    ref("JobAccepted"),
    {"accepted": ACCEPTED_EXAMPLE},
    headers=ACCEPTED_HEADERS,
    links=JOB_LINKS,
)
_ENDED = answer(
    "With `Prefer: wait`: the job has ended meanwhile.",
    ref("JobStatus"),
    {"ended": {**COMPLETED_EXAMPLE, "statusUri": ACCEPTED_EXAMPLE["statusUri"]}},
    headers=LOCATIONS,
    links=JOB_LINKS,
)
_STARTED: Answers = {HTTPStatus.ACCEPTED: ACCEPTED, HTTPStatus.OK: _ENDED}


def _date(name: str, description: str, example: str) -> Json:
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_DATE_LENGTH, "examples": [example]}
    return parameter(name, "query", schema, description, required=True)


def _submit_query(method: str, operation: str) -> Operation:
    return Operation(
        method=method,
        route="submit/query",
        id=operation,
        tag=_TAG,
        summary="Count the distinct people of the audit table between two dates",
        description=(
            "Dates are ISO 8601 or day-first, complete, and both in the range, which has at most "
            "`MAX_RANGE_DAYS` days."
        ),
        parameters=(
            _date("s", "The first day.", "2021-02-03"),
            _date("e", "The last day, later than the first.", "2021-06-01"),
            IDEMPOTENCY_KEY,
            PREFER,
        ),
        answers={
            **_STARTED,
            HTTPStatus.BAD_REQUEST: problem(
                HTTPStatus.BAD_REQUEST,
                *("EmptyStartDate", "InvalidStartDate", "EmptyEndDate", "InvalidEndDate", "InvalidDateRange"),
                "InvalidIdempotencyKey",
            ),
            HTTPStatus.UNPROCESSABLE_ENTITY: problem(HTTPStatus.UNPROCESSABLE_ENTITY, "IdempotencyKeyReused"),
            HTTPStatus.SERVICE_UNAVAILABLE: unavailable(*_NO_JOB),
        },
    )


_EVENT_KEY: Json = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^(?!\.{1,2}$)[^/\\#?\u0000-\u001f\u007f-\u009f]+$",
}
_PATH: Json = {"type": "string", "minLength": 3, "maxLength": 1000}
_FILES = asked(
    {
        "env": described(LABEL_TEXT, "Environment whose index is embedded into."),
        "version": described(LABEL_TEXT, "Version of that index."),
        "filesPath": described(_PATH, "container, container/folder or container/folder/file."),
    },
    optional={
        "dryRun": described(BOOLEAN, "End with the estimate."),
        "allowShrink": described(BOOLEAN, "Files that are gone are meant to be, however many they are."),
        "approvalAbove": described(AMOUNT, "Wait for an approval if the estimated cost is above this."),
        "watchMinutes": {
            "type": "integer",
            "minimum": 1,
            "maximum": 44_640,
            "description": "Embed the path again after this many minutes, until the job is cancelled.",
        },
    },
    description="Embed every file below a path.",
)
_EVENT = asked(
    {
        "trackingId": described(_EVENT_KEY, "Names the event."),
        "sessionId": described(_EVENT_KEY, "The session that it belongs to."),
    },
    optional={
        "env": described(LABEL_TEXT, "`EVENTS_ENV` where it is absent."),
        "version": described(LABEL_TEXT, "`EVENTS_VERSION` where it is absent."),
        "force": described(BOOLEAN, "Embed it again although it was."),
    },
    description="Embed a live event.",
)
_RETRY = asked(
    {"retryOf": JOB_ID},
    description="Try the files again that failed in a job, in the version of that job.",
)
_EVALUATION = asked(
    {
        "env": LABEL_TEXT,
        "version": LABEL_TEXT,
        "questions": text("container/file.jsonl", pattern="^[^/]{3,63}/.*[^/]$"),
    },
    description="Ask a version of the index golden questions.",
)
_BUDGET: Json = {
    "spent": AMOUNT,
    "budget": AMOUNT,
    "renewsAt": described(TIME, "When the next month begins."),
}
BUDGET_REACHED = problem(HTTPStatus.TOO_MANY_REQUESTS, "BudgetReached", members=_BUDGET, headers=RETRY_AFTER)

_START = Operation(
    method="post",
    route="orchestrators/start",
    id="startJob",
    tag=_TAG,
    summary="Embed files or an event, try failed files again, or evaluate a version of the index",
    parameters=(IDEMPOTENCY_KEY, PREFER),
    body=body(
        {"anyOf": [ref("FilesRequest"), ref("EventRequest"), ref("RetryRequest"), ref("EvaluationRequest")]},
        {
            "files": {"env": "prod", "version": "v1", "filesPath": "documents/handbook"},
            "event": {"trackingId": "abc123", "sessionId": "sess789"},
            "retry": {"retryOf": EXAMPLE_ID},
            "evaluation": {"env": "prod", "version": "v2", "questions": "golden/questions.jsonl"},
        },
    ),
    answers={
        **_STARTED,
        HTTPStatus.BAD_REQUEST: problem(HTTPStatus.BAD_REQUEST, "InvalidField", "InvalidIdempotencyKey"),
        HTTPStatus.FORBIDDEN: problem(HTTPStatus.FORBIDDEN, "ContainerNotAllowed"),
        HTTPStatus.NOT_FOUND: problem(HTTPStatus.NOT_FOUND, "JobNotFound"),
        HTTPStatus.CONFLICT: problem(
            HTTPStatus.CONFLICT,
            *("EventRunning", "JobRunning", "NothingToRetry"),
            headers={"Retry-After": {**RETRY_AFTER["Retry-After"], "required": False}},
        ),
        HTTPStatus.UNPROCESSABLE_ENTITY: problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "IdempotencyKeyReused", "TrackingIdReused"
        ),
        HTTPStatus.TOO_MANY_REQUESTS: BUDGET_REACHED,
        HTTPStatus.SERVICE_UNAVAILABLE: unavailable(*_NO_JOB, "LedgerUnavailable"),
    },
)

OPERATIONS = (_submit_query("get", "submitQuery"), _submit_query("post", "postQuery"), _START)
SCHEMAS: Json = {
    "FilesRequest": _FILES,
    "EventRequest": _EVENT,
    "RetryRequest": _RETRY,
    "EvaluationRequest": _EVALUATION,
}
