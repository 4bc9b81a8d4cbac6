"""The HTTP answers of the app: the 202 of a submitted job, JSON, and problem+json for whatever went wrong.

Nothing else shapes an answer; this module starts and reads no jobs.

ADR 3 has the reasons.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import azure.functions as func

from shared_code.edge import ends_call
from shared_code.errors import (
    AppError,
    BudgetReached,
    ContainerNotAllowed,
    DateRangeError,
    DecisionTaken,
    EventRunning,
    IdempotencyKeyReused,
    IndexUnavailable,
    InvalidField,
    InvalidIdempotencyKey,
    JobNotFound,
    JobRunning,
    NoLiveVersion,
    NothingToApprove,
    NothingToRetry,
    PromotionError,
    RequestFailed,
    RequestTooLarge,
    SettingsError,
    TrackingIdReused,
    Unavailable,
    VersionNotFound,
)
from shared_code.settings import Settings
from shared_code.telemetry import log_event

STATUS_PATH = "/api/status/"
POLL_SECONDS = "1"
# The largest body that any route has a use for is that of a path, some two thousand bytes.
MAX_BODY_BYTES = 64 * 1024

Client = TypeVar("Client")

_STATUS_OF = {
    DateRangeError: HTTPStatus.BAD_REQUEST,
    InvalidField: HTTPStatus.BAD_REQUEST,
    InvalidIdempotencyKey: HTTPStatus.BAD_REQUEST,
    ContainerNotAllowed: HTTPStatus.FORBIDDEN,
    JobNotFound: HTTPStatus.NOT_FOUND,
    NoLiveVersion: HTTPStatus.NOT_FOUND,
    VersionNotFound: HTTPStatus.NOT_FOUND,
    EventRunning: HTTPStatus.CONFLICT,
    NothingToApprove: HTTPStatus.CONFLICT,
    DecisionTaken: HTTPStatus.CONFLICT,
    JobRunning: HTTPStatus.CONFLICT,
    NothingToRetry: HTTPStatus.CONFLICT,
    PromotionError: HTTPStatus.CONFLICT,
    RequestTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    BudgetReached: HTTPStatus.TOO_MANY_REQUESTS,
    IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    TrackingIdReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    SettingsError: HTTPStatus.INTERNAL_SERVER_ERROR,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    IndexUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_AUTHORITY = re.compile(r"[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")


async def guarded(
    answer: Callable[[func.HttpRequest, Client], Awaitable[func.HttpResponse]],
    request: func.HttpRequest,
    client: Client,
) -> func.HttpResponse:
    """Answers a request, unless it is too large; whatever goes wrong becomes its problem.

    A host that gets an exception answers 500 without a word.
    """
    try:
        _require_small(request)
        return await answer(request, client)
    except AppError as error:
        return problem(error)
    except BaseException as error:  # a fault of the app, whose traceback is in the log, or a library's panic
        if ends_call(error):
            raise
        fault = RequestFailed()
        fault.__cause__ = error
        return problem(fault)


def _require_small(request: func.HttpRequest) -> None:
    if len(request.get_body()) > MAX_BODY_BYTES:
        raise RequestTooLarge(MAX_BODY_BYTES)


def json_body(request: func.HttpRequest, example: str) -> Any:
    """The JSON value that a request carries.

    Raises:
        InvalidField: its body is not JSON; the example shows what is.
    """
    try:
        return request.get_json()
    except (ValueError, RecursionError):
        raise InvalidField("body", f"send {example}") from None


def json_answer(
    body: Mapping[str, Any], *, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """A JSON answer that no cache keeps."""
    return func.HttpResponse(
        json.dumps(body),
        status_code=status,
        mimetype="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def accepted(
    job_id: str, runtime_status: str, *, origin: str, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """The 202 of a job that was submitted, now or by an earlier request with the same key, or is to end."""
    return json_answer(
        {"id": job_id, "statusUri": status_uri(origin, job_id), "status": runtime_status},
        status=HTTPStatus.ACCEPTED,
        headers={**_locations(origin, job_id), "Retry-After": POLL_SECONDS, **(headers or {})},
    )


def ended(status: Mapping[str, Any], *, origin: str, headers: Mapping[str, str]) -> func.HttpResponse:
    """The 200 of a job that ended while the client that submitted it was waiting."""
    uri = status_uri(origin, status["id"])
    return json_answer({**status, "statusUri": uri}, headers={**_locations(origin, status["id"]), **headers})


def status_uri(origin: str, job_id: str) -> str:
    """Where a client reads its job, and cancels it."""
    return f"{origin}{STATUS_PATH}{job_id}"


def _locations(origin: str, job_id: str) -> dict[str, str]:
    uri = status_uri(origin, job_id)
    return {"Location": uri, "Operation-Location": uri}


def problem(error: AppError) -> func.HttpResponse:
    """RFC 9457, with the stable `code` and the sentence once more as `error`, where first clients read it."""
    status = next(
        (status for kind, status in _STATUS_OF.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    cause = error if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
    log_event("request.refused", cause=cause, code=error.code, status=int(status))
    headers = {"Retry-After": error.retry_after} if error.retry_after else {}
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": str(error),
        "code": error.code,
        "error": str(error),
        **error.members,
    }
    return func.HttpResponse(
        json.dumps(body),
        status_code=status,
        mimetype="application/problem+json",
        headers={"Cache-Control": "no-store", **headers},
    )


def public_origin(request: func.HttpRequest, settings: Settings) -> str:
    """Scheme and host as the client knows them; empty, which makes URIs relative, if none can be used.

    Raises:
        InvalidSetting: a setting about origins cannot be used.
    """
    if settings.public_origin:
        return settings.public_origin
    scheme = urlsplit(request.url).scheme
    authority = request.headers.get("host", "")
    if settings.trust_forwarded_headers:
        # A chain of proxies lists the client's side first.
        authority = request.headers.get("x-forwarded-host", authority).split(",")[0].strip()
        scheme = request.headers.get("x-forwarded-proto", scheme).split(",")[0].strip()
    usable = scheme in {"http", "https"} and _AUTHORITY.fullmatch(authority)
    return f"{scheme}://{authority}" if usable else ""
