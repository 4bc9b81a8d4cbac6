"""Which failures are worth another attempt, and how long to wait for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from shared_code.http_pool.errors import (
    AttemptTimeout,
    ConnectionFailed,
    ConnectionLost,
    ResponseBroken,
    ResponseNotJson,
    ResponseTooLarge,
    ServiceError,
    StatusError,
    TlsFailed,
)

DEFAULT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
DEFAULT_STATUSES = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""The statuses by which a service refuses whoever asks."""

# Beyond the defaults: a conflict, a lock or a precondition, another server, a moving partition of a database.
_PASSING = DEFAULT_STATUSES | {
    HTTPStatus.CONFLICT,
    HTTPStatus.GONE,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.LOCKED,
    HTTPStatus.FAILED_DEPENDENCY,
    HTTPStatus.TOO_EARLY,
    449,  # Cosmos DB: a concurrent write was not committed; retry
}
_INTERRUPTED = (ConnectionLost, AttemptTimeout, ResponseBroken)
_FINAL = (TlsFailed, ResponseTooLarge, ResponseNotJson)


def may_pass(status: int) -> bool:
    """Whether the same request may have another answer later, for which the pool need not wait itself."""
    return status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Times are in seconds; `attempts` counts the first one, and none that was the probe of an open circuit.

    A method outside of `methods` is repeated if the request has an Idempotency-Key, or if nothing was sent.
    `retry_after_max` is the longest pause that a service is believed; if it asks for more, it is probed then.
    `budget` retries may run ahead of the successes, of which each earns `budget_refill` retries.
    """

    attempts: int = 4
    wait_initial: float = 0.2
    wait_max: float = 20.0
    retry_after_max: float = 60.0
    methods: frozenset[str] = DEFAULT_METHODS
    statuses: frozenset[int] = DEFAULT_STATUSES
    budget: int = 100
    budget_refill: float = 0.1

    def __post_init__(self) -> None:
        """Refuses what would never end or never begin."""
        if self.attempts < 1 or self.budget < 0:
            raise ValueError("A retry policy needs one attempt or more, and no negative budget.")
        if not 0 <= self.wait_initial <= self.wait_max or self.retry_after_max < 0 or self.budget_refill < 0:
            raise ValueError("A retry policy's waits are not negative, and wait_initial is at most wait_max.")

    def backoff(self, attempt: int, chance: float) -> float:
        """Full jitter: the wait after this attempt, for a chance from 0 to 1."""
        # Past 2 ** 64 a float's range comes near, and every wait_max was reached long before.
        return chance * min(self.wait_max, self.wait_initial * 2.0 ** min(attempt - 1, 64))

    def covers(self, method: str, headers: Mapping[str, str], failure: ServiceError) -> bool:
        """Whether a request that can be sent again should be, after this failure."""
        if self.attempts == 1 or isinstance(failure, _FINAL):
            return False
        if isinstance(failure, ConnectionFailed):
            return True
        keyed = any(name.lower() == "idempotency-key" for name in headers)
        if not keyed and method not in self.methods:
            return False
        if isinstance(failure, StatusError):
            return failure.status in self.statuses or (
                keyed and failure.status == HTTPStatus.INTERNAL_SERVER_ERROR
            )
        return isinstance(failure, _INTERRUPTED)
