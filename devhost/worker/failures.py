"""Calls that raised: what the log says of them, and what the engine gets."""

import logging
from collections.abc import Callable

from devhost.engine.errors import FunctionFailed, describe_error, text_of_error
from devhost.errors import FunctionLoadError, FunctionTimedOut, HostError, IndexingError
from devhost.worker.call import FunctionExited

logger = logging.getLogger(__name__)

_KNOWN = 100  # orchestrations whose last failure is kept in mind, so that it is logged once
_STATE_LABEL = "$OutOfProcData$"  # after it the SDK puts an orchestrator's state into the error text


class OrchestratorFailures:
    """How orchestrations failed last: after a failure one is called again for each task that is open."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def is_known(self, instance_id: str, error: Exception) -> bool:
        """Whether the instance has failed in just this way before; keeps it in mind."""
        text = describe_error(without_state(error))
        was_known = self._texts.pop(instance_id, None) == text
        self._texts[instance_id] = text
        if len(self._texts) > _KNOWN:
            del self._texts[next(iter(self._texts))]
        return was_known

    def forget(self, instance_id: str) -> None:
        """Takes note that a call of the instance has gone well."""
        self._texts.pop(instance_id, None)


def failure_of(error: Exception, format_stack: Callable[[BaseException], str]) -> FunctionFailed:
    """What the engine gets of a call that raised; `format_stack` writes a traceback."""
    if isinstance(error, FunctionLoadError | IndexingError):
        return FunctionFailed(describe_error(error))
    if isinstance(error, FunctionTimedOut):
        return FunctionFailed(str(error))
    raised = error.__cause__ if isinstance(error, FunctionExited) else without_state(error)
    return FunctionFailed(describe_error(error), format_stack(raised or error))


def without_state(error: Exception) -> BaseException:
    """The error itself: the SDK wraps an orchestrator's in one whose text carries the whole state."""
    return error.__cause__ if error.__cause__ and _STATE_LABEL in text_of_error(error) else error


def log_failure(error: Exception, milliseconds: float) -> None:
    """Logs a call that raised after this many milliseconds."""
    if isinstance(error, HostError):  # its sentence is all there is to say
        logger.error("Failed after %d ms: %s", milliseconds, error)
    else:
        logger.error("Failed after %d ms", milliseconds, exc_info=without_state(error))
