"""What a test asks of the server: faults one after another, a limit, latency; and what it counted."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from local.emulators.embeddings.errors import InvalidRequest, TooManyRequests

BURST_SECONDS = 10.0
"""The limit of a minute is watched over a shorter span, as the real API does."""


class Kind(StrEnum):
    """What a fault does to one request."""

    STATUS = "status"
    """Answers with `status`; a 429 names `retry_after`."""
    HANG = "hang"
    """Never answers, until the client gives up."""
    DISCONNECT = "disconnect"
    """Closes the connection without an answer."""
    MISSING = "missing"
    """Leaves out the last vector."""
    NAN = "nan"
    """Puts a NaN into the first vector: a null among numbers, since JSON has no other."""
    REVERSED = "reversed"
    """Answers rightly, in the reverse order of the indexes."""


@dataclass(frozen=True)
class Fault:
    """A fault that meets one request."""

    kind: Kind
    status: int = 500
    retry_after: float = 1.0


@dataclass
class Counters:
    """What reached the embeddings routes since the last reset."""

    requests: int = 0
    answered: int = 0
    """With embeddings, be they wrong ones."""
    inputs: int = 0
    """In the answered requests; and so are the tokens."""
    tokens: int = 0
    most_at_once: int = 0


@dataclass
class Behaviour:
    """How the server treats its requests from now on."""

    clock: Callable[[], float] = time.monotonic
    latency: float = 0.0
    """In seconds, added to every request."""
    requests_per_minute: float | None = None
    faults: deque[Fault] = field(default_factory=deque)
    counters: Counters = field(default_factory=Counters)
    at_once: int = 0
    _allowance: float = 0.0
    _seen: float = 0.0

    def configure(self, order: Any) -> None:
        """Takes a test's order: `latency`, `requests_per_minute` and `faults`, each as it was if absent.

        Raises:
            InvalidRequest: it cannot be understood.
        """
        try:
            parsed = _Order.parse(order)
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidRequest(f"The order cannot be understood: {error}.") from error
        self.latency = self.latency if parsed.latency is None else parsed.latency
        self.faults.extend(parsed.faults)
        if parsed.requests_per_minute is not None:
            self.requests_per_minute = parsed.requests_per_minute
            self._allowance, self._seen = self._burst(), self.clock()

    def reset(self) -> None:
        """Behaves well again, and counts from zero."""
        self.latency, self.requests_per_minute = 0.0, None
        self.faults.clear()
        self.counters = Counters()

    def next_fault(self) -> Fault | None:
        """The fault that meets this request; each meets one."""
        return self.faults.popleft() if self.faults else None

    def admit(self) -> None:
        """Lets a request through.

        Raises:
            TooManyRequests: the limit is reached.
        """
        if self.requests_per_minute is None:
            return
        rate, now = self.requests_per_minute / 60, self.clock()
        self._allowance = min(self._burst(), self._allowance + (now - self._seen) * rate)
        self._seen = now
        if self._allowance < 1:
            raise TooManyRequests((1 - self._allowance) / rate)
        self._allowance -= 1

    def report(self) -> dict[str, int]:
        """The counters as JSON."""
        return asdict(self.counters)

    def _burst(self) -> float:
        return max(1.0, (self.requests_per_minute or 0) / 60 * BURST_SECONDS)


@dataclass(frozen=True)
class _Order:
    latency: float | None
    requests_per_minute: float | None
    faults: list[Fault]

    @classmethod
    def parse(cls, order: Any) -> Self:
        known = {"latency", "requests_per_minute", "faults"}
        if not known.issuperset(order):
            raise ValueError(f"it may hold {', '.join(sorted(known))} only")
        return cls(
            _number(order, "latency", least=0),
            _number(order, "requests_per_minute", least=1),
            [fault for item in order.get("faults", ()) for fault in _faults(**item)],
        )


def _number(order: Any, name: str, *, least: float) -> float | None:
    if name not in order:
        return None
    number = float(order[name])
    if not number >= least:
        raise ValueError(f"{name} is at least {least}")
    return number


def _faults(*, kind: str, times: int = 1, **details: Any) -> list[Fault]:
    return [Fault(Kind(kind), **details)] * times
