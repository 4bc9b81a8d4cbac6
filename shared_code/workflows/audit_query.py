"""The audit query: windows of the table are read, each stages its distinct ids, and their union is counted.

A range of one window needs no staging: its activity returns the count.
"""

from collections.abc import Generator
from typing import Any

from shared_code.jobs import AuditQueryJob, JobFailed
from shared_code.jobs.date_range import Window
from shared_code.workflows.fan_out import Totals, fan_out, run_step

QUERY_WINDOW = "query-storage-account-activity-function"
COUNT_DISTINCT = "count-distinct-activity"


def audit_query(context: Any, job: AuditQueryJob) -> Generator[Any, Any, int]:
    """Counts the distinct identification numbers of the job's dates.

    Raises:
        JobFailed: a step failed; the custom status, which outlives the failure, tells the client why.
    """
    windows = job.windows()
    if len(windows) == 1:
        return (yield from _count_at_once(context, windows[0]))
    return (yield from _count_staged(context, job, windows))


def _count_at_once(context: Any, window: Window) -> Generator[Any, Any, int]:
    _report(context, "reading", Totals(), total=1)
    payload = {"jobId": context.instance_id, "window": window.to_json(), "stage": False}
    counted = yield from run_step(context, QUERY_WINDOW, payload)
    return _end(context, Totals.of(counted), counted, total=1)


def _count_staged(context: Any, job: AuditQueryJob, windows: list[Window]) -> Generator[Any, Any, int]:
    total = len(windows)
    _report(context, "reading", Totals(), total=total, lanes=job.lanes)
    totals = yield from fan_out(
        context,
        QUERY_WINDOW,
        [{"window": window.to_json()} for window in windows],
        common={"jobId": context.instance_id, "stage": True},
        lanes=job.lanes,
        page_size=job.page_size,
    )
    counted = {"ok": False, "error": totals.error}
    if not totals.error:
        _report(context, "counting", totals, total=total)
        counted = yield from run_step(context, COUNT_DISTINCT, {"jobId": context.instance_id, "runs": total})
    # A step of its own after the count is recorded: a count that runs twice still finds every run. If it
    # fails, the answer stands, and the discard of a later job sweeps up what was left.
    yield from run_step(context, COUNT_DISTINCT, {"jobId": context.instance_id, "discard": True})
    return _end(context, totals, counted, total=total)


def _end(context: Any, totals: Totals, counted: dict[str, Any], *, total: int) -> int:
    if not counted["ok"]:
        _report(context, "failed", totals + Totals(error=counted["error"]), total=total)
        raise JobFailed(**counted["error"])
    _report(context, "done", totals, total=total)
    count: int = counted["count"]
    return count


def _report(context: Any, phase: str, totals: Totals, *, total: int, lanes: int = 0) -> None:
    """Sets what the status route reads; the totals of running lanes are in the lanes' own statuses."""
    context.set_custom_status({"phase": phase, "total": total, "lanes": lanes, **totals.progress()})
