"""What can be seen of a service: its figures, hooks and log lines; never a header, a body or a secret."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from shared_code.http_pool.admission import Admission
from shared_code.http_pool.calls import Call
from shared_code.http_pool.clock import Clock
from shared_code.http_pool.errors import PoolError, ServiceError
from shared_code.http_pool.restraint import CircuitState

logger = logging.getLogger("shared_code.http_pool")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A service at one moment: attempts under way, counts since it was registered, and what holds it back."""

    in_flight: int
    requests: int
    attempts: int
    retries: int
    failures: int
    circuit: CircuitState
    budget: float
    paused_for: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An attempt, a retry or a result; `seconds` is how long it took, `wait` how long until the retry."""

    service: str
    method: str
    url: str
    attempt: int
    seconds: float
    status: int | None
    error: str | None
    wait: float | None
    figures: Figures


Hook = Callable[[Facts], None]


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """Called at the end of each attempt, before the wait of each retry, and at the end of each request.

    Retries and failures that no hook takes are lines of the log.
    """

    on_attempt: Hook | None = None
    on_retry: Hook | None = None
    on_result: Hook | None = None


class Observer:
    """Counts what happens to one service, logs it, and tells the hooks."""

    def __init__(self, service: str, hooks: Hooks, admission: Admission, clock: Clock) -> None:
        self.requests = 0
        self.attempts = 0
        self.retries = 0
        self.failures = 0
        self._service = service
        self._hooks = hooks
        self._admission = admission
        self._clock = clock

    def figures(self) -> Figures:
        """The figures of this moment."""
        return Figures(
            in_flight=self._admission.slots.taken,
            requests=self.requests,
            attempts=self.attempts,
            retries=self.retries,
            failures=self.failures,
            circuit=self._admission.circuit.state,
            budget=self._admission.budget.left,
            paused_for=self._admission.held_for(),
        )

    def attempted(self, call: Call, outcome: int | BaseException) -> None:
        """An attempt came to a status or a failure."""
        if self._hooks.on_attempt:
            self._tell(self._hooks.on_attempt, call, call.sent, outcome)

    def retrying(self, call: Call, failure: ServiceError, wait: float) -> None:
        """A call will be sent again after a wait, in seconds."""
        self.retries += 1
        if self._hooks.on_retry:
            self._tell(self._hooks.on_retry, call, call.started, failure, wait)
            return
        logger.warning(
            "%s: attempt %d failed (%s, status %s): next in %.2f s",
            self._service,
            call.attempts,
            type(failure).__name__,
            failure.status,
            wait,
        )

    def ended(self, call: Call, outcome: int | PoolError) -> None:
        """A request came to a status or a failure."""
        if isinstance(outcome, PoolError):
            self.failures += 1
            if not self._hooks.on_result:
                logger.warning("%s", outcome)
        if self._hooks.on_result:
            self._tell(self._hooks.on_result, call, call.started, outcome)

    def _tell(
        self, hook: Hook, call: Call, began: float, outcome: int | BaseException, wait: float | None = None
    ) -> None:
        error = outcome if isinstance(outcome, BaseException) else None
        facts = Facts(
            service=self._service,
            method=call.method,
            url=call.shown_url(),
            attempt=call.attempts,
            seconds=self._clock.now() - began,
            status=getattr(error, "status", None) if isinstance(outcome, BaseException) else outcome,
            error=type(error).__name__ if error else None,
            wait=wait,
            figures=self.figures(),
        )
        try:
            hook(facts)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            # Even a panic of a native library must not cost the call that it reports.
            logger.exception("%s: a hook failed", self._service)
