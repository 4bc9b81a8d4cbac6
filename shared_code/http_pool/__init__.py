"""ServicePool: every outgoing HTTP call of the app, with limits, retries and sign-in per service.

A request goes through layers, each one concern: retries within a deadline (policy.py), admission (slots,
pause, circuit: admission.py, restraint.py), sign-in (auth.py), one attempt (transport.py); see caller.py.
The first attempt pays for none that it does not need. Nothing in here knows the app: no settings, no tables.

ADR 15 has the reasons.
"""

from shared_code.http_pool.auth import Auth, FixedAuth, Token, TokenAuth, basic, bearer, header
from shared_code.http_pool.caller import ServiceCaller, StreamedResponse
from shared_code.http_pool.calls import HeadOptions, Request, RequestOptions, Response
from shared_code.http_pool.clock import Clock
from shared_code.http_pool.errors import (
    AttemptTimeout,
    CircuitOpen,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    DuplicateService,
    PoolClosed,
    PoolError,
    ResponseBroken,
    ResponseNotJson,
    ResponseTooLarge,
    RetryBudgetExhausted,
    ServiceError,
    StatusError,
    Throttled,
    TlsFailed,
    TokenUnavailable,
    UnknownService,
    WrongLoop,
)
from shared_code.http_pool.observer import Facts, Figures, Hooks
from shared_code.http_pool.policy import DEFAULT_METHODS, DEFAULT_STATUSES, DENIED, RetryPolicy, may_pass
from shared_code.http_pool.pool import ServiceClient, ServicePool
from shared_code.http_pool.restraint import CircuitState
from shared_code.http_pool.service import CircuitBreaker, Limits, Service, Timeouts

__all__ = [
    "DEFAULT_METHODS",
    "DEFAULT_STATUSES",
    "DENIED",
    "AttemptTimeout",
    "Auth",
    "CircuitBreaker",
    "CircuitOpen",
    "CircuitState",
    "Clock",
    "ConnectionFailed",
    "ConnectionLost",
    "DeadlineExceeded",
    "DuplicateService",
    "Facts",
    "Figures",
    "FixedAuth",
    "HeadOptions",
    "Hooks",
    "Limits",
    "PoolClosed",
    "PoolError",
    "Request",
    "RequestOptions",
    "Response",
    "ResponseBroken",
    "ResponseNotJson",
    "ResponseTooLarge",
    "RetryBudgetExhausted",
    "RetryPolicy",
    "Service",
    "ServiceCaller",
    "ServiceClient",
    "ServiceError",
    "ServicePool",
    "StatusError",
    "StreamedResponse",
    "Throttled",
    "Timeouts",
    "TlsFailed",
    "Token",
    "TokenAuth",
    "TokenUnavailable",
    "UnknownService",
    "WrongLoop",
    "basic",
    "bearer",
    "header",
    "may_pass",
]
