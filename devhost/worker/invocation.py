"""One call of a function: what the code learns of it, and which call a log line belongs to."""

import contextvars
import threading
from dataclasses import dataclass, field
from pathlib import Path

current: "contextvars.ContextVar[Invocation | None]" = contextvars.ContextVar("invocation", default=None)

# The app's own threads may set `invocation_id` here, which is how the worker ties their logs to a call.
thread_local_storage = threading.local()


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The distributed trace that the call belongs to; a development host starts none.

    Each value has two names, as the worker has it.
    """

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def Traceparent(self) -> str:  # noqa: N802 - the worker's name
        """As `trace_parent`."""
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802 - the worker's name
        """As `trace_state`."""
        return self.trace_state

    @property
    def Attributes(self) -> dict[str, str]:  # noqa: N802 - the worker's name
        """As `attributes`."""
        return self.attributes


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """How the call that is repeated has failed."""

    source: str
    stack_trace: str
    message: str


@dataclass(frozen=True, slots=True)
class RetryContext:
    """Which attempt of how many a call is; `retry_count` is 0 at the first."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: FailedAttempt | None = None

    @property
    def rpc_exception(self) -> FailedAttempt | None:
        """As `exception`."""
        return self.exception


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of a function; `instance_id` is that of the orchestration which asked for it, if one did."""

    invocation_id: str
    function_name: str
    instance_id: str | None = None
    retry: RetryContext = field(default_factory=RetryContext)


@dataclass(frozen=True, slots=True)
class Context:
    """What a function's `context: func.Context` parameter gets."""

    invocation_id: str
    function_name: str
    function_directory: Path | str
    trace_context: TraceContext = field(default_factory=TraceContext)
    retry_context: RetryContext = field(default_factory=RetryContext)
    thread_local_storage: threading.local = thread_local_storage


def describe_current() -> str:
    """The function and the call, or instance, that the running code works for; empty outside of a call."""
    invocation = current.get()
    if invocation is not None:
        return f"{invocation.function_name} {(invocation.instance_id or invocation.invocation_id)[:8]}"
    return (thread_call_id() or "")[:8]


def thread_call_id() -> str | None:
    """The call that the app says its own thread works for."""
    call_id = getattr(thread_local_storage, "invocation_id", None)
    return None if call_id is None else str(call_id)
