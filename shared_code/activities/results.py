"""What an activity answers: its result, or a failure that a retry does not cure, as a value.

Any other exception goes up to the host, and the step is run again.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from time import monotonic
from typing import Any, TypeGuard

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from shared_code.errors import AccessDenied, AppError, Incurable
from shared_code.telemetry import log_event, log_scope, name_of

_DENIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


async def as_value(
    work: Awaitable[dict[str, Any]],
    *,
    kind: str,
    step: str,
    job_id: str,
    denied: Callable[[HttpResponseError], str],
) -> dict[str, Any]:
    """Awaits a step: `{"ok": true, ...}`, or `{"ok": false, "error": {"code", "message"}, ...}`.

    Args:
        work: what the activity does.
        kind: of the job; it is in every line that is logged meanwhile, as the next two are.
        step: what the activity is called there.
        job_id: of the job.
        denied: the sentence for an Azure service that refused access: which keys and roles to check.
    """
    with log_scope(jobId=job_id, kind=kind, step=step):
        try:
            return {"ok": True, **await work}
        except Incurable as error:
            return failure(error)
        except Exception as error:
            if _is_denial(error):
                return failure(AccessDenied(denied(error)))
            log_event("step.raised", level=logging.WARNING, error=name_of(error))
            raise


def milliseconds_since(began: float) -> int:
    """How long ago a reading of the monotonic clock was."""
    return round(1_000 * (monotonic() - began))


def failure(error: AppError) -> dict[str, Any]:
    """What a step answers when this stopped it."""
    log_event("step.failed", level=logging.WARNING, error=error.code, message=str(error))
    return {"ok": False, "error": {"code": error.code, "message": str(error)}}


def _is_denial(error: Exception) -> TypeGuard[HttpResponseError]:
    if not isinstance(error, HttpResponseError):
        return False
    return isinstance(error, ClientAuthenticationError) or error.status_code in _DENIED
