"""Everything that can go wrong with an outgoing call, by name.

PoolError
├── PoolClosed, WrongLoop, UnknownService, DuplicateService
└── ServiceError                one request failed; it carries the facts
    ├── ConnectionFailed        nothing was sent: refused, no route, no such host
    │   └── TlsFailed           the certificate or the handshake; never retried
    ├── ConnectionLost          cut after the request may have been read
    ├── AttemptTimeout          one attempt took too long
    ├── ResponseBroken          truncated, of a wrong length, or no HTTP
    │   ├── ResponseTooLarge, ResponseNotJson
    ├── StatusError             answered 400 or more
    ├── RetryBudgetExhausted    not retried: too many retries already
    ├── DeadlineExceeded        no time left for the request or another attempt
    │   ├── Throttled           not sent: the service asked for a pause that outlasts the deadline
    │   └── CircuitOpen         not sent: the service is failing, and its next probe is after the deadline
    └── TokenUnavailable        the token provider failed
"""

from typing import ClassVar


class PoolError(Exception):
    """The pool could not do what was asked."""


class PoolClosed(PoolError):
    """The pool is closed and sends nothing more."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service}: the pool is closed: open a new one for further requests.")
        self.service = service


class WrongLoop(PoolError):
    """The pool's connections belong to another event loop."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service}: the pool belongs to another event loop: make one pool for each loop.")
        self.service = service


class UnknownService(PoolError):
    """No service has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"Service {name!r} is not registered, only {known}: register it first.")
        self.service = name


class DuplicateService(PoolError):
    """A service of this name is registered already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Service {name!r} is registered already: use pool.service({name!r}).")
        self.service = name


class ServiceError(PoolError):
    """A request to a service failed; `url` has no secrets, and `elapsed` is in seconds.

    `retry_after` (seconds) and `retry_at` (unix time) say when the service may be asked again, if that is
    known: when it wants to be, but no later than `RetryPolicy.retry_after_max` from then.
    """

    advice: ClassVar[str] = "see the cause"

    def __init__(
        self,
        what: str,
        *,
        service: str,
        method: str,
        url: str,
        attempts: int,
        elapsed: float,
        status: int | None = None,
        retry_after: float | None = None,
        retry_at: float | None = None,
        body: bytes = b"",
        content_type: str = "",
    ) -> None:
        tries = "attempt" if attempts == 1 else "attempts"
        super().__init__(
            f"{service}: {method} {url} {what} ({attempts} {tries}, {elapsed:.2f} s): {self.advice}."
        )
        self.service = service
        self.method = method
        self.url = url
        self.attempts = attempts
        self.elapsed = elapsed
        self.status = status
        self.retry_after = retry_after
        self.retry_at = retry_at
        self.body = body
        self.content_type = content_type


class ConnectionFailed(ServiceError):
    """No connection came about, so that nothing was sent."""

    advice = "check the service's address and whether it runs"


class TlsFailed(ConnectionFailed):
    """The other side is not whom the address names, or speaks no TLS."""

    advice = "check its certificate, and the authorities that Service.tls trusts"


class ConnectionLost(ServiceError):
    """The connection was cut after the request may have been read."""

    advice = "repeat it if it may run twice, or give it an Idempotency-Key"


class AttemptTimeout(ServiceError):
    """One attempt took longer than it may."""

    advice = "raise Timeouts.attempt if the service is right to take that long"


class ResponseBroken(ServiceError):
    """What came back is not a complete HTTP response."""

    advice = "look for a proxy or a crash between here and the service"


class ResponseTooLarge(ResponseBroken):
    """The body is larger than the service's limit."""

    advice = "read it with stream(), or raise Limits.max_response_bytes"


class ResponseNotJson(ResponseBroken):
    """The body is not JSON."""

    advice = "check that the address is that of an API"


class StatusError(ServiceError):
    """The service answered with a status of 400 or more; `body` is its answer."""

    advice = "see the answer in `body`"

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people, as gateways write them in the place of an API."""
        return self.content_type.lower().startswith("text/html")


class RetryBudgetExhausted(ServiceError):
    """The failure is worth a retry, but retries have been too large a part of the requests."""

    advice = "the cause is the failure itself; send less until the service recovers"


class DeadlineExceeded(ServiceError):
    """There is no time left for the request or for another attempt."""

    advice = "the cause is the last failure, if any; else raise Timeouts.total"


class Throttled(DeadlineExceeded):
    """The service asked for a pause that outlasts the deadline; the cause is the answer that said so."""

    advice = "try again at `retry_at`"


class CircuitOpen(DeadlineExceeded):
    """The service is failing, and its next probe is after the deadline; the cause is its last failure."""

    advice = "try again at `retry_at`"


class TokenUnavailable(ServiceError):
    """There is no token to sign in with."""

    advice = "check the identity that the token provider uses"
