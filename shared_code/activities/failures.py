"""Which of the three kinds a failure is (ADR 34): decided here, unless the room that raised it has said so.

An item's failure never gets here: it is an entry of the ledger. A permanent one ends the job at once, or
within a minute if a service refuses the app. A passing one is trouble, for which the job waits: services that
are down or throttle, conflicts, processes that were ended from outside. Whatever is left is taken for a fault
of the app and tried three times.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
)
from azure.cosmos.exceptions import CosmosHttpResponseError
from azure.cosmos.http_constants import SubStatusCodes

from shared_code.errors import AccessDenied, AppError, Passing, Permanent, Strange
from shared_code.http_pool import (
    DENIED,
    CircuitOpen,
    ConnectionFailed,
    ConnectionLost,
    ResponseBroken,
    ResponseNotJson,
    ServiceError,
    StatusError,
    Throttled,
    TlsFailed,
    TokenUnavailable,
    may_pass,
)
from shared_code.http_pool.retry_after import parse_retry_after
from shared_code.jobs import Counts, Failure, Json, Trouble
from shared_code.jobs.steps import Failed
from shared_code.network import StrangeAnswer
from shared_code.settings import Settings

# The reason stays in the host's log: what a foreign error says may quote a path, an address or a key.
STEP_FAILED = Failure("StepFailed", "A step of the job failed repeatedly: submit the job again.")
_MOST_TRIES = 3
# While a key is renewed, services refuse the app for about half a minute. Five tries take 35 seconds.
_TRIES_IF_REFUSED = 5
# Services may ask for any number of seconds; a day is longer than a job ever waits between two tries.
_MOST_SECONDS = 86_400.0
_OF_SDKS = f"{Settings.cosmos_endpoint.name} and {Settings.files_storage.name}"
_ADDRESSES = {"embeddings": Settings.embeddings_endpoint.name, "events": Settings.events_endpoint.name}
# Cosmos DB refuses with 403 while its account moves to another region, too.
_MOVING = {SubStatusCodes.WRITE_FORBIDDEN, SubStatusCodes.DATABASE_ACCOUNT_NOT_FOUND}


class Stopped(Exception):
    """A step was stopped after it had done a part of its work.

    Attributes:
        cause: what stopped it.
        counts: what it had done, and spent.
        tallies: of what it had spent, by their names, where storage does not have them.
    """

    def __init__(self, cause: Exception, counts: Counts, tallies: Json | None = None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.counts = counts
        self.tallies: Json = tallies or {}


def failed(error: BaseException, counts: Counts, *, now: datetime) -> Failed:
    """What a step answers that was stopped by this error at this time.

    Args:
        error: what stopped it.
        counts: those of a step that did nothing.
        now: the time, which what a service asks for counts from.
    """
    if isinstance(error, Stopped):
        return replace(failed(error.cause, error.counts, now=now), tallies=error.tallies)
    result = _kind(error)
    pause = _pause(error, now)
    if not result.trouble or pause is None:
        return replace(result, counts=counts)
    until = now + timedelta(seconds=min(pause, _MOST_SECONDS))
    return replace(result, counts=counts, trouble=replace(result.trouble, until=until))


def _kind(error: BaseException) -> Failed:
    if isinstance(error, Permanent):
        return _of_permanent(error)
    if isinstance(error, Passing):
        trouble = Trouble(
            service=error.service,
            most_tries=error.most_tries,
            is_endless=error.is_endless,
            is_brief=error.is_brief,
        )
        return Failed(failure=Failure.of(error), trouble=trouble)
    if isinstance(error, TokenUnavailable) and isinstance(error.__cause__, AppError):
        return _kind(error.__cause__)
    if isinstance(error, ServiceError):
        return _of_pool(error)
    if isinstance(error, CosmosHttpResponseError):
        return _of_cosmos(error)
    if isinstance(error, IncompleteReadError):  # for the SDK it is a DecodeError, too
        return _passing("network", type(error).__name__, "An answer broke off.")
    if isinstance(error, (JSONDecodeError, DecodeError, StrangeAnswer)):
        return _strange("azure", "Cosmos DB or storage", _OF_SDKS)
    if isinstance(error, AzureError):
        return _of_storage(error)
    if isinstance(error, (ConnectionError, TimeoutError)):
        return _passing("network", type(error).__name__, "A connection failed.")
    return Failed(failure=STEP_FAILED, trouble=Trouble(service="app", most_tries=_MOST_TRIES))


def _of_permanent(error: Permanent) -> Failed:
    if error.refused_by is None:
        return Failed(failure=Failure.of(error))
    trouble = Trouble(service=error.refused_by, most_tries=_TRIES_IF_REFUSED, is_brief=True)
    return Failed(failure=Failure.of(error), trouble=trouble)


def _of_pool(error: ServiceError) -> Failed:
    what, fix = f"{error.service}: {type(error).__name__}", _fix(error)
    if isinstance(error, TlsFailed):
        return Failed(failure=Failure(type(error).__name__, f"{what}: {error.advice}; {fix}."))
    is_refusal = isinstance(error, StatusError) and not _may_pass(error.status)
    is_page = isinstance(error, StatusError) and error.is_page
    if isinstance(error, ResponseNotJson) or (is_refusal and is_page):
        named = f"{error.service} (status {error.status})"
        return _strange(error.service, named, _address_of(error.service))
    if is_refusal:
        what = f"{error.service} refused a request with status {error.status}"
        return Failed(failure=Failure("ServiceRefused", f"{what}: {fix}."))
    message = f"{what}: {_described(error)}, and the job goes on when that is over; if this lasts, {fix}."
    return _passing(error.service, type(error).__name__, message)


def _described(error: ServiceError) -> str:
    """What the service does, for a client of the app; the pool's own words are for who programs with it."""
    if error.status == HTTPStatus.TOO_MANY_REQUESTS or isinstance(error, Throttled):
        return "the service asks for fewer requests"
    if error.status:
        return f"the service answered {error.status}"
    if isinstance(error, TokenUnavailable):
        return "there is no token to sign in with"
    if isinstance(error, (ConnectionFailed, CircuitOpen)):
        return "the service cannot be reached"
    if isinstance(error, (ConnectionLost, ResponseBroken)):
        return "the service broke off its answer"
    return "the service does not answer in time"


def _fix(error: ServiceError) -> str:
    if error.status == HTTPStatus.TOO_MANY_REQUESTS or isinstance(error, Throttled):
        return "raise its quota or send less"
    if isinstance(error, TokenUnavailable):
        return "check the app's identity"
    return f"check {_address_of(error.service)}"


def _address_of(service: str) -> str:
    """Where the address of one of the pool's services is set; the name of a table says so itself."""
    return _ADDRESSES.get(service, "the setting in that name")


def _of_cosmos(error: CosmosHttpResponseError) -> Failed:
    status = error.status_code
    if status in DENIED and error.sub_status not in _MOVING:
        fix = f"check {Settings.cosmos_key.name} or the app's data role; a role cannot create the container"
        return _kind(AccessDenied(f"Cosmos DB refused access: {fix}.", refused_by="index"))
    if _may_pass(status) or status in DENIED:
        return _passing("index", "IndexUnavailable", f"Cosmos DB answered {status}.")
    named = f"Cosmos DB (status {status})"
    names = f"{Settings.cosmos_endpoint.name} and {Settings.cosmos_database.name}"
    if status == HTTPStatus.NOT_FOUND:  # what was there a moment ago, or has just been created
        return _strange("index", named, names)
    return Failed(failure=_unlike(named, names))


def _of_storage(error: AzureError) -> Failed:
    """Blobs, and what the SDKs of Azure raise where there was no answer at all."""
    if isinstance(error, ClientAuthenticationError) or _status_of(error) in DENIED:
        fix = f"check the keys and roles of {Settings.files_storage.name}"
        return _kind(AccessDenied(f"Storage refused access: {fix}.", refused_by="storage"))
    status = _status_of(error)
    if status is None:
        fix = f"if this lasts, check {_OF_SDKS}"
        return _passing("azure", "ServiceUnreachable", f"Cosmos DB or storage cannot be reached: {fix}.")
    if _may_pass(status):
        return _passing("storage", "StorageUnavailable", f"Storage answered {status}.")
    named = f"Storage (status {status})"
    if status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.NOT_FOUND:  # gone as soon as it was created
        return _strange("storage", named, Settings.files_storage.name)
    return Failed(failure=_unlike(named, Settings.files_storage.name))


def _status_of(error: AzureError) -> int | None:
    return error.status_code if isinstance(error, HttpResponseError) else None


def _may_pass(status: int | None) -> bool:
    return status is None or may_pass(status)


def _unlike(service: str, settings: str) -> Failure:
    return Failure(
        "EndpointUnusable", f"{service} returned something that the app cannot use: check {settings}."
    )


def _pause(error: BaseException | None, now: datetime) -> float | None:
    """In how many seconds the service of a failed request expects to be ready again, if it says so."""
    if isinstance(error, ServiceError):
        return error.retry_after
    if isinstance(error, HttpResponseError):
        response: Any = error.response
        return parse_retry_after(response.headers, now.timestamp()) if response else None
    return _pause(error.__cause__, now) if isinstance(error, Passing) else None


def _strange(service: str, named: str, settings: str) -> Failed:
    """Of an answer that the service cannot have meant: it may be another one's."""
    trouble = Trouble(service=service, most_tries=Strange.most_tries)
    return Failed(failure=_unlike(named, settings), trouble=trouble)


def _passing(service: str, code: str, message: str) -> Failed:
    return Failed(failure=Failure(code, message), trouble=Trouble(service=service))
