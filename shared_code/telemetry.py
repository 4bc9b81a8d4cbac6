"""Events as JSON lines in the log: what happened, to which job, in which step; never a secret or a payload.

In a workflow only `traced` may log: it is silent while the engine replays what was logged before.
"""

import json
import logging
from collections.abc import Generator
from typing import Any

logger = logging.getLogger("async_jobs")


def log_event(event: str, *, cause: BaseException | None = None, **fields: str | float | None) -> None:
    """Writes one line; fields are names, counts and durations; a cause adds its traceback."""
    level = logging.ERROR if cause else logging.INFO
    logger.log(level, json.dumps({"event": event, **fields}), exc_info=cause)


def traced(context: Any, kind: str, workflow: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Runs a workflow and logs once each that it started, and how it ended."""

    def log(event: str) -> None:
        if not context.is_replaying:
            log_event(event, jobId=context.instance_id, kind=kind)

    log("workflow.started")
    try:
        result = yield from workflow
    except Exception:
        log("workflow.failed")
        raise
    log("workflow.ended")
    return result
