"""The jobs of the app, newest first: which there are is in the table of jobs, how each is, the host says.

Nobody writes to the table as a job goes on: a page reads the states of its own jobs. A row of which the host
knows nothing, or something else, is that of a job that never began, or that another submission has replaced.

ADR 45 has the reasons.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from shared_code.api.job_instances import ENDED, find_job, input_of
from shared_code.api.job_status import JobStatus, look_at
from shared_code.concurrency import run_all
from shared_code.errors import InvalidField, JobNotFound
from shared_code.jobs import KINDS, DurableClient, Json, label
from shared_code.jobs.job_rows import JobFilter, JobRow, JobTable, is_row_key

DEFAULT_TOP, MOST_TOP = 20, 100
_LIVE = {"Pending", "Running", "Suspended"}
_NUMBER = re.compile(r"[0-9]{1,4}")
_READS_AT_ONCE = 16
# The states of jobs that one page reads at most: it is short rather than slow where few of them match.
_MOST_READS = 500


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """What a client asks for.

    Attributes:
        status: of the jobs; None for any.
        top: how many jobs a page has at most.
        after: the key of the last row of the page before; empty for the first page.
    """

    rows: JobFilter
    status: str | None = None
    top: int = DEFAULT_TOP
    after: str = ""

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> Self:
        """Reads the parameters of a request; unknown ones, such as a function key, are ignored.

        Raises:
            InvalidField: a parameter is malformed; the first one is named.
        """
        status = _one_of(params, "status", sorted(_LIVE | ENDED))
        env = label(params["env"], "env") if "env" in params else None
        return cls(
            rows=JobFilter(
                env=env,
                kind=_one_of(params, "kind", KINDS),
                # A job that has ended may not be known as such yet.
                final_statuses=() if status is None else ("",) if status in _LIVE else ("", status),
                created_after=_moment(params, "createdAfter"),
            ),
            status=status,
            top=_top(params),
            after=_after(params),
        )


async def list_jobs(client: DurableClient, table: JobTable, query: ListQuery, *, retention_days: int) -> Json:
    """The body of the answer: `{"jobs", "next"}`; `next` is None on the last page.

    Raises:
        HostUnavailable: the host did not answer.
        JobTableUnavailable: nor did the table.
    """
    found: list[JobStatus] = []
    after, reads = query.after, 0
    while reads < _MOST_READS:
        wanted = query.top - len(found)
        rows = await table.rows(query.rows, after=after, most=wanted + 1)
        looks = (_look(client, row, retention_days) for row in rows[:wanted])
        statuses = await run_all(looks, at_once=_READS_AT_ONCE)
        found += [each for each in statuses if each and query.status in {None, each.status}]
        if len(rows) <= wanted:
            return _page(found, None)
        after, reads = rows[wanted - 1].key, reads + wanted
        if len(found) == query.top:
            break
    return _page(found, after)


async def _look(client: DurableClient, row: JobRow, retention_days: int) -> JobStatus | None:
    """The status of the job that a row is of; None if there is no such job."""
    try:
        job = await find_job(client, row.job_id)
    except JobNotFound:
        return None
    if not row.is_of(input_of(job), job.created_time):
        return None
    return await look_at(client, row.job_id, job, retention_days=retention_days)


def _page(found: Sequence[JobStatus], after: str | None) -> Json:
    return {"jobs": [each.listed() for each in found], "next": after}


def _one_of(params: Mapping[str, str], name: str, values: Sequence[str]) -> str | None:
    value = params.get(name)
    if value is not None and value not in values:
        raise InvalidField(name, f"use one of {', '.join(values)}")
    return value


def _moment(params: Mapping[str, str], name: str) -> datetime | None:
    text = params.get(name)
    if text is None:
        return None
    try:
        # A plus sign that was not escaped arrives as a blank.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidField(name, "use a time such as 2026-11-28T10:00:00Z") from None


def _top(params: Mapping[str, str]) -> int:
    text = params.get("top", str(DEFAULT_TOP))
    if not _NUMBER.fullmatch(text) or not 0 < int(text) <= MOST_TOP:
        raise InvalidField("top", f"use a number from 1 to {MOST_TOP}")
    return int(text)


def _after(params: Mapping[str, str]) -> str:
    after = params.get("after", "")
    if after and not is_row_key(after):
        raise InvalidField("after", "use the next of the page before, as it is")
    return after
