"""Jobs that try again what another job could not embed."""

from collections.abc import Callable
from typing import Any

from shared_code.api.job_instances import ENDED, find_job, input_of
from shared_code.concurrency import run_all
from shared_code.errors import InvalidField, InvalidJob, JobNotFound, JobRunning, NothingToRetry
from shared_code.jobs import DurableClient, EmbedFilesJob, EventDefaults, Job, keyed_job_id, parse_job
from shared_code.jobs.ledger import Ledger, failed_sources

RETRY_OF = "retryOf"
# A client waits meanwhile, and thousands of pages may have notes alone.
_PAGES_AT_ONCE = 32


def is_retry(body: Any) -> bool:
    """Whether a request's JSON body asks for the retry of a job."""
    return isinstance(body, dict) and RETRY_OF in body


async def retry_job(
    client: DurableClient,
    body: dict[str, Any],
    defaults: EventDefaults,
    ledger_of: Callable[[str], Ledger],
    *,
    idempotency_key: str | None,
) -> EmbedFilesJob:
    """The job that a request asks for: the failed files of another one, in its version of the index.

    Raises:
        InvalidField: the body has another form, or names a job that is not over files.
        JobNotFound: no job has that id.
        JobRunning: it may fail on more files.
        NothingToRetry: none of its files failed.
        HostUnavailable: the host did not answer.
        LedgerUnavailable: nor did storage.
    """
    job_id = _job_id(body)
    if earlier := await _asked_before(client, job_id, idempotency_key):
        return earlier
    instance = await find_job(client, job_id)
    job = _job_over_files(input_of(instance))
    if instance.runtime_status.value not in ENDED:
        raise JobRunning
    if not await _has_failures(ledger_of(job_id)):
        raise NothingToRetry
    return EmbedFilesJob(
        env=job.env,
        index_version=job.index_version,
        container=job.container,
        prefix=job.prefix,
        dry_run=False,
        plan=defaults.plan,
        budget=defaults.budgets.get(job.env),
        patience=defaults.patience,
        approval_above=job.approval_above,
        approval=defaults.approval,
        retry_of=job_id,
    )


def _job_id(body: dict[str, Any]) -> str:
    for name in body:
        if name != RETRY_OF:
            raise InvalidField(name, f"a retry has the fields of its job: send {RETRY_OF} alone")
    job_id = body[RETRY_OF]
    if not isinstance(job_id, str):
        raise InvalidField(RETRY_OF, "use the id of a job")
    return job_id


async def _asked_before(client: DurableClient, job_id: str, key: str | None) -> EmbedFilesJob | None:
    """The retry that a repeated request has started, although the first job may be purged by now."""
    if key is None:
        return None
    try:
        earlier = parse_job(input_of(await find_job(client, keyed_job_id(key))))
    except (JobNotFound, InvalidJob):
        return None
    return earlier if isinstance(earlier, EmbedFilesJob) and earlier.retry_of == job_id else None


def _job_over_files(given: Any) -> EmbedFilesJob:
    try:
        job: Job | None = parse_job(given)
    except InvalidJob:
        job = None
    if not isinstance(job, EmbedFilesJob):
        raise InvalidField(RETRY_OF, "it is not a job over files: submit its query or event again")
    return job


async def _has_failures(ledger: Ledger) -> bool:
    numbers = await ledger.pages(after=-1)
    for start in range(0, len(numbers), _PAGES_AT_ONCE):
        some = numbers[start : start + _PAGES_AT_ONCE]
        read = await run_all(map(ledger.read, some), at_once=_PAGES_AT_ONCE)
        if any(map(failed_sources, read)):
            return True
    return False
