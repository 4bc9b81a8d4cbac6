"""The steps of an audit query as its activities run them: a dict in, a dict out, JSON values only.

A failure that a retry does not cure is a value, `{"ok": false, "error": {"code", "message"}}`; any other
exception goes up to the host and the step is run again, which is safe: each step overwrites or rereads.
"""

import asyncio
from collections.abc import Awaitable
from time import monotonic
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared_code.activities.discard import discard
from shared_code.activities.results import as_value, milliseconds_since
from shared_code.audit.audit_table import read_window
from shared_code.audit.distinct_ids import DIGEST_SIZE
from shared_code.clients import Clients
from shared_code.jobs import AuditQueryJob
from shared_code.jobs.date_range import Window
from shared_code.settings import AUDIT_STORAGE, FILES_STORAGE
from shared_code.storage.staging import count_staged, stage_run
from shared_code.telemetry import log_event


async def query_window(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    """Reads one window; answers how many distinct ids it has, and stages them if asked to."""
    return await _as_value(_query_window(clients, payload), "query-window", payload)


async def count_distinct(clients: Clients, payload: dict[str, Any], host: Any) -> dict[str, Any]:
    """Counts the union of a job's staged windows; or discards them, a call of its own, when told to."""
    if payload.get("discard"):
        return await _as_value(discard(clients, payload, host), "discard", payload)
    return await _as_value(_count(clients, payload), "count-distinct", payload)


async def _as_value(work: Awaitable[dict[str, Any]], step: str, payload: dict[str, Any]) -> dict[str, Any]:
    return await as_value(work, kind=AuditQueryJob.KIND, step=step, job_id=payload["jobId"], denied=_denied)


async def _query_window(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    began = monotonic()
    window = Window.from_json(payload["window"])
    async with clients.large_steps:
        ids = await read_window(await clients.audit_table(), window)
        run = await asyncio.to_thread(ids.sorted_run)
    if payload["stage"]:
        await stage_run(clients.jobs_container, payload["jobId"], f"{window.lower}.ids", run)
    count = len(run) // DIGEST_SIZE
    log_event(
        "window.read",
        window=window.lower,
        distinct=count,
        skipped=ids.skipped,
        milliseconds=milliseconds_since(began),
    )
    return {"count": count, "counts": {"completed": 1, "skipped": ids.skipped}}


async def _count(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    began = monotonic()
    count = await count_staged(clients.jobs_container, payload["jobId"], runs=payload["runs"])
    log_event("windows.counted", distinct=count, milliseconds=milliseconds_since(began))
    return {"count": count}


def _denied(_error: HttpResponseError) -> str:
    names = f"{AUDIT_STORAGE.name} and {FILES_STORAGE.name}"
    return f"Storage refused access: check keys and roles behind {names}."
