"""What a service is to the pool: where it is, how to sign in, and what it and its callers can take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ssl import SSLContext
from urllib.parse import urlsplit

from shared_code.http_pool.auth import Auth, FixedAuth
from shared_code.http_pool.policy import RetryPolicy


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds: to connect, for one attempt with its body, and for a request with its waits and retries.

    An attempt's time begins when it has its slot. A stream has `attempt` to begin, and between its parts.
    """

    connect: float = 5.0
    attempt: float = 30.0
    total: float = 120.0

    def __post_init__(self) -> None:
        """Refuses timeouts that let nothing pass."""
        if min(self.connect, self.attempt, self.total) <= 0:
            raise ValueError("Timeouts are longer than 0 seconds.")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`max_connections` is also how many requests are under way at once: further ones wait for a slot.

    Seconds: `keep_alive` is how long an idle connection is kept, `dns_ttl` how long a resolved name is.
    """

    max_connections: int = 100
    keep_alive: float = 30.0
    dns_ttl: int = 30
    max_response_bytes: int = 256 * 1024 * 1024

    def __post_init__(self) -> None:
        """Refuses limits that let nothing pass."""
        if self.max_connections < 1 or self.max_response_bytes < 1 or min(self.keep_alive, self.dns_ttl) < 0:
            raise ValueError("Limits are 1 or more, and their times not negative.")


@dataclass(frozen=True, kw_only=True)
class CircuitBreaker:
    """After `failures` failures in a row the service gets no request but a probe every `open_for` seconds."""

    failures: int = 20
    open_for: float = 5.0

    def __post_init__(self) -> None:
        """Refuses a circuit that is never closed."""
        if self.failures < 1 or self.open_for < 0:
            raise ValueError("A circuit breaker needs one failure or more, and no negative time.")


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service to register; `tls` replaces the machine's trusted authorities."""

    name: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: FixedAuth | Auth | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    tls: SSLContext | None = None

    def __post_init__(self) -> None:
        """Refuses a base URL that requests could not be appended to, or that holds a secret."""
        parts = urlsplit(self.base_url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
        if not usable or parts.query or parts.fragment:
            raise ValueError(
                f"Service {self.name!r}: base_url is scheme, host and path, no user and no query."
            )
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
