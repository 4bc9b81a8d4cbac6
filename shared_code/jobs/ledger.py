"""Where the whole ledger of a job is kept: its result has room for the first entries only."""

from shared_code.jobs.source_containers import JOBS_CONTAINER


def ledger_prefix(job_id: str) -> str:
    """What the names of the blobs begin with that hold a job's ledger together."""
    return f"ledger/{job_id}/"


def whole_ledger(job_id: str) -> dict[str, str]:
    """The container of those blobs, and what their names begin with."""
    return {"container": JOBS_CONTAINER, "prefix": ledger_prefix(job_id)}
