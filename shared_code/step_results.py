"""What an activity answers: its result, or a failure that a retry does not cure, as a value.

Any other exception goes up to the host, and the step is run again.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from time import monotonic
from typing import Any

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from shared_code.errors import AccessDenied, AppError, Incurable
from shared_code.telemetry import log_event

_DENIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


async def as_value(
    step: Awaitable[dict[str, Any]], *, denied: Callable[[HttpResponseError], str]
) -> dict[str, Any]:
    """Awaits a step: `{"ok": true, ...}`, or `{"ok": false, "error": {"code", "message"}}`.

    Args:
        step: what the activity does.
        denied: the sentence for an Azure service that refused access: which keys and roles to check.
    """
    try:
        return {"ok": True, **await step}
    except Incurable as error:
        return _failure(error)
    except HttpResponseError as error:
        if not isinstance(error, ClientAuthenticationError) and error.status_code not in _DENIED:
            raise
        return _failure(AccessDenied(denied(error)))


def milliseconds_since(began: float) -> int:
    """How long ago a reading of the monotonic clock was."""
    return round(1_000 * (monotonic() - began))


def _failure(error: AppError) -> dict[str, Any]:
    log_event("step.failed", error=error.code, message=str(error))
    return {"ok": False, "error": {"code": error.code, "message": str(error)}}
