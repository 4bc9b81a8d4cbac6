"""Events as JSON lines in the log: what happened, to which job, in which step; never a secret or a payload.

In a workflow only `traced` may log: it is silent while the engine replays what was logged before.
"""

import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from shared_code.errors import AppError
from shared_code.jobs import OrchestrationContext, Steps

Field = str | float | None
# Characters of a traceback: most services keep no more of one line.
_LONGEST = 32_000
Result = TypeVar("Result")

logger = logging.getLogger("async_jobs")
# The SDKs log every request and its headers at INFO, a dozen lines a call, where host.json has no say.
logging.getLogger("azure").setLevel(logging.WARNING)

_scope: ContextVar[dict[str, Field]] = ContextVar("log_scope")


def log_event(
    event: str, *, level: int = logging.INFO, cause: BaseException | None = None, **fields: Field
) -> None:
    """Writes one line; fields are names, counts and durations; a cause adds its traceback."""
    line = json.dumps({"event": event, **_scope.get({}), **fields})
    if cause and not can_be_written(cause):
        # A log that cannot write a traceback would raise in the middle of what it reports.
        line, cause = f"{line}\n{_escaped(_traceback(cause)[-_LONGEST:])}", None
        level = logging.ERROR
    logger.log(logging.ERROR if cause else level, line, exc_info=cause)


def can_be_written(error: BaseException) -> bool:
    """Whether the text of an exception, and of what caused it, has a length for a log and no half pairs.

    Those are halves of surrogate pairs, which UTF-8 cannot write.
    """
    text = _traceback(error)
    return len(text) <= _LONGEST and text == _escaped(text)


@contextmanager
def log_scope(**fields: Field) -> Iterator[None]:
    """Adds fields to every line that is written inside, by tasks that are started there too."""
    token = _scope.set({**_scope.get({}), **fields})
    try:
        yield
    finally:
        _scope.reset(token)


def traced(
    context: OrchestrationContext, subject: str, workflow: Steps[Result], **fields: Any
) -> Steps[Result]:
    """Runs a workflow and logs once each that its subject started, and how it ended."""

    def log(event: str, **more: Any) -> None:
        if not context.is_replaying:
            log_event(f"{subject}.{event}", **fields, **more)

    log("started")
    try:
        result = yield from workflow
    except Exception as error:
        log("failed", level=logging.WARNING, error=name_of(error))
        raise
    log("ended")
    return result


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def _escaped(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def name_of(error: BaseException) -> str:
    """What happened, in one word: the text of a foreign error may quote an address or a key."""
    return error.code if isinstance(error, AppError) else type(error).__name__
