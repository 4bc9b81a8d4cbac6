"""A request on its way through the layers, and what comes back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from typing import Any, TypedDict, TypeVar
from urllib.parse import parse_qsl, urlencode

from shared_code.http_pool.clock import Clock
from shared_code.http_pool.errors import PoolError, ResponseNotJson, ServiceError
from shared_code.http_pool.service import Service

_JSON = {"Content-Type": "application/json"}
_REPLAYABLE = (bytes, str, Mapping, type(None))
# aiohttp writes larger bodies of bytes in one piece, which it warns of.
_WRITTEN_AT_ONCE = 1024 * 1024
_SECRET_WORDS = ("sig", "code", "key", "token", "secret", "pass", "pwd", "auth", "credential")

Failure = TypeVar("Failure", bound=ServiceError)


class HeadOptions(TypedDict, total=False):
    """What a request may have beside method, path and body."""

    params: Mapping[str, str | int] | None
    headers: Mapping[str, str] | None


class RequestOptions(HeadOptions, total=False):
    """What a request may have beside method and path: `json` is encoded, `data` is sent as it is."""

    json: Any
    data: Any


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request of a batch, as `ServiceCaller.request` takes it."""

    method: str = "GET"
    path: str
    params: Mapping[str, str | int] | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    data: Any = field(default=None, repr=False)


class Call:
    """One request under way: what is sent, until when, how often so far, and how often of it as a probe."""

    __slots__ = (
        "attempts",
        "clock",
        "data",
        "deadline",
        "failure",
        "headers",
        "method",
        "params",
        "probes",
        "reply",
        "sent",
        "service",
        "started",
        "streamed",
        "url",
    )  # fmt: skip

    def __init__(
        self, clock: Clock, service: Service, method: str, path: str, options: RequestOptions
    ) -> None:
        self.clock = clock
        self.service = service.name
        self.method = method.upper()
        self.url = service.base_url + path
        self.params: Mapping[str, str | int] | None = None
        self.headers: Mapping[str, str] = {}
        self.data: Any = None
        self.attempts = 0
        self.probes = 0
        self.streamed = False
        self.reply: Any = None
        self.failure: PoolError | None = None
        if options:
            self._take(options)
        self.started = self.sent = clock.now()
        self.deadline = self.started + service.timeouts.total

    def _take(self, options: RequestOptions) -> None:
        self.params = options.get("params")
        self.headers = options.get("headers") or {}
        self.data = options.get("data")
        if (value := options.get("json")) is not None:
            self.data = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
            self.headers = {**_JSON, **self.headers}

    @property
    def replayable(self) -> bool:
        """Whether the body can be sent a second time."""
        return isinstance(self.data, _REPLAYABLE)

    def body(self) -> Any:
        """The body for one attempt."""
        data = self.data
        return BytesIO(data) if isinstance(data, bytes) and len(data) > _WRITTEN_AT_ONCE else data

    def shown_url(self) -> str:
        """The URL without secrets: for errors, logs and hooks."""
        path, _, query = self.url.partition("?")
        pairs = [*parse_qsl(query, keep_blank_values=True), *(self.params or {}).items()]
        shown = [(name, "***" if _is_secret(name) else value) for name, value in pairs]
        return f"{path}?{urlencode(shown, safe='*/:$')}" if shown else path

    def failed(
        self, kind: type[Failure], what: str, *, retry_after: float | None = None, **facts: Any
    ) -> Failure:
        """An error of this kind with the facts so far."""
        return kind(
            what,
            service=self.service,
            method=self.method,
            url=self.shown_url(),
            attempts=self.attempts,
            elapsed=self.clock.now() - self.started,
            retry_after=retry_after,
            retry_at=None if retry_after is None else self.clock.wall() + retry_after,
            **facts,
        )


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


@dataclass(slots=True, eq=False)
class Response:
    """A response with its whole body; not frozen only because that costs each request a microsecond."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    call: Call = field(repr=False)

    @property
    def text(self) -> str:
        """The body as UTF-8; what is none shows as a replacement character."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The decoded body; None for a status that has none.

        Raises:
            ResponseNotJson: the body is something else.
        """
        if self.status == HTTPStatus.NO_CONTENT:
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            what = f"answered {self.status} without JSON"
            raise self.call.failed(ResponseNotJson, what, status=self.status) from error
