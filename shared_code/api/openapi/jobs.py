"""Schemas of jobs: what is answered to a submission, and what a status shows."""

from typing import Any

from shared_code.api.openapi.operation import RETRY_AFTER, parameter
from shared_code.api.openapi.schemas import (
    AMOUNT,
    COUNT,
    FAILURE,
    JOB_ID,
    LABEL_TEXT,
    STRING,
    TIME,
    URI,
    answered,
    array,
    described,
    nullable,
    ref,
    text,
)
from shared_code.jobs import KINDS, Json, Phase

STATUSES = ("Pending", "Running", "Suspended", "Completed", "Failed", "Terminated", "Canceled")
ID = parameter("id", "path", JOB_ID, "Id of the job.")
IDEMPOTENCY_KEY = parameter(
    "Idempotency-Key",
    "header",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~][ -~]*$"},
    "The client's name for the request: the same request with the same key finds its job.",
)
PREFER = parameter(
    "Prefer",
    "header",
    {"type": "string", "examples": ["wait=30"]},
    "`wait=n` (RFC 7240): answer when the job has ended, or after n seconds, up to 60.",
)
PREFERENCE_APPLIED: Json = {
    "Preference-Applied": {"description": "For how long the answer waited at most.", "schema": STRING}
}
POLL: Json = {
    "Retry-After": {
        "description": "Seconds until the next poll; absent when the job has ended.",
        "schema": STRING,
    },
    **PREFERENCE_APPLIED,
}
_LOCATION: Json = {"description": "The status URI of the job.", "schema": URI, "required": True}
LOCATIONS: Json = {"Location": _LOCATION, "Operation-Location": _LOCATION, **PREFERENCE_APPLIED}
ACCEPTED_HEADERS: Json = {**LOCATIONS, **RETRY_AFTER}


def _link(operation: str, description: str) -> Json:
    parameters = {"id": "$response.body#/id"}
    return {"operationId": operation, "parameters": parameters, "description": description}


JOB_LINKS: Json = {
    "status": _link("getStatus", "How the job is."),
    "cancel": _link("cancelJob", "Has the job end."),
    "approval": _link("decide", "Decides about a job that waits for an approval."),
    "ledger": _link("getLedger", "What became of its files."),
}

_LEDGER_ENTRY = answered(
    {"source": text("The file, or the path of the whole job."), "code": STRING, "message": STRING},
    description="What could not be done, or not be done whole.",
)
_ESTIMATE = answered(
    {"files": COUNT, "bytes": COUNT, "tokens": COUNT, "cost": AMOUNT},
    optional={"budgetLeft": {"type": "number", "description": "What the environment may still spend."}},
    description="What a job over files is expected to embed, made of names and sizes alone.",
)
_WAITING = answered(
    {
        "service": text("What has to recover.", examples=["embeddings", "release"]),
        "code": STRING,
        "message": STRING,
        "since": TIME,
        "nextTry": nullable(TIME),
    },
    description="What the job waits for. `nextTry` is null where nobody knows.",
)
_APPROVAL = answered(
    {
        "above": described(AMOUNT, "The estimated cost above which the job needs an approval."),
        "expiresAt": TIME,
    },
    optional={"by": text("Who approved."), "comment": text("Why.")},
)
_ROUND = answered(
    {"round": COUNT, "endedAt": TIME},
    optional={
        **dict.fromkeys(("files", "embedded", "unchanged", "failed", "deleted", "chunks"), COUNT),
        "tokens": COUNT,
        "requests": COUNT,
        "cost": AMOUNT,
        "error": FAILURE,
    },
)
_WATCH = answered(
    {
        "minutes": COUNT,
        "round": described(COUNT, "The one that runs, or is next."),
        "last": nullable(_ROUND),
        "next": nullable(answered({"round": COUNT, "at": TIME})),
    },
    description="The rounds of a watch.",
)
_COUNTS = dict.fromkeys(("completed", "failed", "skipped"), COUNT)
_HELD = described(FAILURE, "Why the job is held at its environment's budget.")
_LANE = answered(
    _COUNTS,
    optional={"phase": {"enum": ["waiting", "held"]}, "waiting": ref("Waiting"), "held": _HELD},
    description="What one lane has done; it has a phase while it waits.",
)
_PROGRESS = answered(
    {"phase": {"enum": [phase.value for phase in Phase]}, "total": COUNT, **_COUNTS},
    optional={
        "estimate": ref("Estimate"),
        "waiting": ref("Waiting"),
        "held": _HELD,
        "lanes": described(array(_LANE), "While lanes run; the counts above are their sum."),
        "approval": ref("Approval"),
        "watch": ref("Watch"),
    },
)
_EMBED_FILES_RESULT = answered(
    {
        **dict.fromkeys(("files", "embedded", "unchanged", "failed", "deleted", "chunks"), COUNT),
        "tokens": COUNT,
        "requests": COUNT,
        "cost": AMOUNT,
        "ledger": array(ref("LedgerEntry")),
    },
    optional={
        "wholeLedger": answered(
            {"container": STRING, "prefix": STRING},
            description="The blobs that hold the whole ledger, where the result has its beginning only.",
        ),
        "rounds": described(COUNT, "Of a watch that was cancelled."),
    },
)
_EMBED_EVENT_RESULT = answered(
    {
        "trackingId": STRING,
        "sessionId": STRING,
        **dict.fromkeys(("documents", "embedded", "tokens", "requests"), COUNT),
        "cost": AMOUNT,
    }
)
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
_EVALUATION_RESULT = answered(
    {
        "env": LABEL_TEXT,
        "version": LABEL_TEXT,
        "questions": STRING,
        "asked": COUNT,
        **dict.fromkeys(("recall@1", "recall@5", "recall@10", "mrr"), _SHARE),
        "missed": COUNT,
        "notIndexed": COUNT,
        "tokens": COUNT,
        "requests": COUNT,
        "cost": AMOUNT,
        "misses": array({"type": "object"}),
    }
)
_CANCELED_AUDIT_RESULT = answered(
    {"windows": COUNT, "read": COUNT}, description="Of an audit query that was cancelled."
)
_ACCEPTED = answered({"id": JOB_ID, "statusUri": URI, "status": {"enum": list(STATUSES)}})
_LISTED: Json = {
    "id": JOB_ID,
    "status": {"enum": list(STATUSES)},
    "progress": ref("Progress"),
    "createdAt": TIME,
    "lastUpdatedAt": TIME,
    "expiresAt": described(nullable(TIME), "Until when the job can be read; null until it has ended."),
}
_OPTIONAL: Json = {
    "kind": described({"enum": list(KINDS)}, "What the job does."),
    "env": described(LABEL_TEXT, "Environment; absent of an audit query."),
    "error": described(FAILURE, "Of a job that failed."),
    "canceledBy": text("Who had the job end."),
    "cancelUri": described(URI, "Where the job is cancelled, until it has ended."),
    "approvalUri": described(URI, "Where somebody decides, while the job waits for that."),
    "statusUri": described(URI, "In the answer to a submission that waited for the end."),
}
_RESULTS: list[Json] = [
    {"type": "null"},
    described(COUNT, "Of an audit query: how many distinct people there are."),
    *map(ref, ("EmbedFilesResult", "EmbedEventResult", "EvaluationResult", "CanceledAuditResult")),
]

SCHEMAS: Json = {
    "Estimate": _ESTIMATE,
    "Waiting": _WAITING,
    "Approval": _APPROVAL,
    "Watch": _WATCH,
    "Progress": _PROGRESS,
    "LedgerEntry": _LEDGER_ENTRY,
    "EmbedFilesResult": _EMBED_FILES_RESULT,
    "EmbedEventResult": _EMBED_EVENT_RESULT,
    "EvaluationResult": _EVALUATION_RESULT,
    "CanceledAuditResult": _CANCELED_AUDIT_RESULT,
    "JobAccepted": _ACCEPTED,
    "JobStatus": answered({**_LISTED, "result": {"anyOf": _RESULTS}}, optional=_OPTIONAL),
    "ListedJob": answered(_LISTED, optional=_OPTIONAL, description="A status without its result."),
}

EXAMPLE_ID = "ef3f60aa1bb14fb0a6d04ae2f01b5d0e"
_EXAMPLE_URI = f"https://jobs.example.com/api/status/{EXAMPLE_ID}"
ACCEPTED_EXAMPLE: Json = {"id": EXAMPLE_ID, "statusUri": _EXAMPLE_URI, "status": "Pending"}
COMPLETED_EXAMPLE: Json = {
    "id": EXAMPLE_ID,
    "status": "Completed",
    "result": 17,
    "progress": {"phase": "done", "total": 8, "completed": 8, "failed": 0, "skipped": 3},
    "kind": "audit-query",
    "createdAt": "2026-11-28T09:58:00Z",
    "lastUpdatedAt": "2026-11-28T09:58:02Z",
    "expiresAt": "2026-12-28T09:58:02Z",
}
WAITING_EXAMPLE: Json = {
    "id": EXAMPLE_ID,
    "status": "Running",
    "result": None,
    "progress": {
        "phase": "waiting",
        "total": 120,
        "completed": 40,
        "failed": 1,
        "skipped": 0,
        "waiting": {
            "service": "embeddings",
            "code": "CircuitOpen",
            "message": "embeddings: CircuitOpen: the service cannot be reached.",
            "since": "2026-11-28T10:00:05Z",
            "nextTry": "2026-11-28T10:01:25Z",
        },
    },
    "createdAt": "2026-11-28T09:58:00Z",
    "lastUpdatedAt": "2026-11-28T10:00:05Z",
    "expiresAt": None,
}


def listed(example: Json) -> Json:
    """An example of a status as it stands in a list."""
    members: dict[str, Any] = {name: value for name, value in example.items() if name != "result"}
    return members
