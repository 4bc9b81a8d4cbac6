"""What clients ask for: the inputs of the orchestrations, their ids, and how their work is cut.

One module for each kind of job, and here what holds for all of them. Everything a workflow needs is in a job,
so that a workflow reads no setting; this package does no I/O.
"""

from typing import Any

from shared_code.errors import AppError, InvalidField, InvalidJob
from shared_code.jobs.account import COST_UNIT, SPENDING, Account, Budget, month_of, spending_of
from shared_code.jobs.audit_query import AuditQueryJob
from shared_code.jobs.compatibility import VERSIONS
from shared_code.jobs.durable import Counts, DurableClient, Json, OrchestrationContext, Step, Steps
from shared_code.jobs.embed_event import FIELDS as EVENT_FIELDS
from shared_code.jobs.embed_event import EmbedEventJob, EventDefaults
from shared_code.jobs.embed_files import EmbedFilesJob
from shared_code.jobs.embedding_plan import EmbeddingPlan
from shared_code.jobs.evaluate import EvaluateJob
from shared_code.jobs.failures import DEFAULT_PATIENCE, ENDLESS_PATIENCE, Failure, Patience, Trouble, Waiting
from shared_code.jobs.fields import LABEL, LABEL_FORM, label
from shared_code.jobs.job_id import is_job_id, keyed_job_id
from shared_code.jobs.ledger import ledger_prefix, whole_ledger
from shared_code.jobs.parallelism import LARGE_STEPS_AT_ONCE
from shared_code.jobs.progress import LEDGER_LIMIT, Estimate, LedgerEntry, Phase, Progress, Totals

__all__ = [
    "COST_UNIT",
    "DEFAULT_PATIENCE",
    "EMBEDDING_BODY",
    "ENDLESS_PATIENCE",
    "EVENT_FIELDS",
    "KINDS",
    "LABEL",
    "LABEL_FORM",
    "LARGE_STEPS_AT_ONCE",
    "LEDGER_LIMIT",
    "ORCHESTRATOR",
    "SPENDING",
    "Account",
    "AuditQueryJob",
    "Budget",
    "Counts",
    "DurableClient",
    "EmbedEventJob",
    "EmbedFilesJob",
    "EmbeddingPlan",
    "Estimate",
    "EvaluateJob",
    "EventDefaults",
    "Failure",
    "Job",
    "JobFailed",
    "Json",
    "LedgerEntry",
    "OrchestrationContext",
    "Patience",
    "Phase",
    "Progress",
    "Step",
    "Steps",
    "Totals",
    "Trouble",
    "Waiting",
    "is_job_id",
    "keyed_job_id",
    "label",
    "ledger_prefix",
    "month_of",
    "parse_embedding",
    "parse_job",
    "spending_of",
    "whole_ledger",
]

ORCHESTRATOR = "orchestrator-function"
EMBEDDING_BODY = (
    "a JSON object with env, version and filesPath, with trackingId and sessionId, "
    "with env, version and questions, or with retryOf"
)

Job = AuditQueryJob | EmbedFilesJob | EmbedEventJob | EvaluateJob
_KINDS: dict[str, type[Job]] = {
    kind.KIND: kind for kind in (AuditQueryJob, EmbedFilesJob, EmbedEventJob, EvaluateJob)
}
KINDS = tuple(_KINDS)


class JobFailed(AppError):
    """A job ended for a known reason, which its client may read."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self._failure = failure

    @property
    def failure(self) -> Failure:
        """Why the job ended, as a value."""
        return self._failure

    @property
    def code(self) -> str:
        """The code of the failure that ended the job."""
        return self._failure.code


def parse_embedding(body: Any, defaults: EventDefaults) -> EmbedFilesJob | EmbedEventJob | EvaluateJob:
    """Reads the JSON body of a request for either kind of embedding job, or for an evaluation.

    Raises:
        InvalidField: a field is missing, unknown or malformed; the first one is named.
    """
    if not isinstance(body, dict):
        raise InvalidField("body", f"send {EMBEDDING_BODY}")
    if body.keys() & {"trackingId", "sessionId"}:
        return EmbedEventJob.parse(body, defaults)
    if "questions" in body:
        return EvaluateJob.parse(body, defaults.plan, defaults.budgets, patience=defaults.patience)
    return EmbedFilesJob.parse(
        body, defaults.plan, defaults.budgets, patience=defaults.patience, approval=defaults.approval
    )


def parse_job(value: Any) -> Job:
    """Reads the input of a job's orchestration.

    Raises:
        InvalidJob: the kind or the version is unknown, or a member is missing or malformed.
    """
    name = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in _KINDS:
        raise InvalidJob(f"A job's input needs a kind out of {sorted(_KINDS)}.")
    kind = _KINDS[name]
    if value.get("version") not in VERSIONS:
        raise InvalidJob(
            f"Job kind {kind.KIND}: version {value.get('version')!r} is not one of {sorted(VERSIONS)}."
        )
    try:
        return kind.from_json(value)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidJob(f"The input of a job of kind {kind.KIND} is malformed: {error!r}.") from error
