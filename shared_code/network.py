"""How the clients of a process reach services: the clock that they wait by, the pool, the transport of SDKs.

A test passes in a network of its own, on which no wait takes time. Nothing in here knows a service's address.
ADR 70 says whose answers are believed.
"""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.request import getproxies

from azure.core.exceptions import AzureError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import AioHttpTransport

from shared_code.http_pool import DENIED, Clock, ServicePool
from shared_code.http_pool.retry_after import parse_retry_after

# Seconds; the SDKs' own are up to 300 for an answer, and a few tries of that outlast a function.
_CONNECT, _ANSWER = 5.0, 20.0
# For all of a request and its answer, which may come byte by byte.
_WHOLE = 60.0
# The longest that a request waits in here because Cosmos DB throttles it; beyond that, its workflow does.
_MOST_THROTTLED = 10.0
_TRIES = 10

_FORMS = ("application/json", "application/xml")
_NOTHING = {b"", b"null"}
# Gateways write these themselves while a service is away, or where a request is too large for them. The
# first is the answer to a batch, which nobody but Cosmos DB gives.
_UNNAMED = {
    HTTPStatus.MULTI_STATUS,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS,
}


class StrangeAnswer(AzureError):
    """An answer that is not a service's own.

    It has no status, of which the SDKs would make the word of the service, such as that a blob is absent.
    """


@dataclass(frozen=True)
class Network:
    """What the clients of one process share on their way to services.

    Attributes:
        clock: what they wait by.
        pool: the class of the pool.
        answer: how long, in seconds, the requests of SDKs wait for an answer or its next part.
        whole: how long, in seconds, they take with all of their answers, unless those are streamed.
    """

    clock: Clock = field(default_factory=Clock)
    pool: type[ServicePool] = ServicePool
    answer: float = _ANSWER
    whole: float = _WHOLE

    def transport(self) -> "SdkTransport":
        """What the client of an SDK sends its requests with; each client closes its own."""
        return SdkTransport(self.clock, answer=self.answer, whole=self.whole)


class SdkTransport(AioHttpTransport):  # type: ignore[misc] # the SDK ships no complete types
    """The SDKs' own transport, within bounds: for an answer, and for the pauses that services ask for."""

    def __init__(self, clock: Clock, *, answer: float, whole: float) -> None:
        # For each request the SDKs look for proxies and logins in the environment, partly on another thread.
        # That is a tenth of what a request costs. Where no proxy is set, nothing can be found.
        super().__init__(use_env_settings=bool(getproxies()), connection_timeout=_CONNECT)
        self._clock = clock
        self._answer = answer
        self._whole = whole

    async def sleep(self, duration: float) -> None:
        """Waits between two tries of the SDK."""
        await self._clock.sleep(duration)

    async def send(self, request: Any, **config: Any) -> Any:
        """Sends a request, and again where it was throttled for a moment."""
        # Of some queries the SDK says that there is no bound.
        config["read_timeout"] = min(config.get("read_timeout") or self._answer, self._answer)
        began = self._clock.now()
        for _ in range(_TRIES - 1):
            response = await self._send(request, config)
            pause = self._throttled_for(response)
            if pause is None or self._clock.now() + pause > began + _MOST_THROTTLED:
                return response
            await self._clock.sleep(pause)
        return await self._send(request, config)

    async def _send(self, request: Any, config: dict[str, Any]) -> Any:
        try:
            async with asyncio.timeout(self._whole):
                response = await super().send(request, **config)
        except TimeoutError as error:
            raise ServiceResponseTimeoutError("The whole answer did not come in time.") from error
        try:
            _require_own(response)
            if not config.get("stream"):
                _require_body(request, response)
        except StrangeAnswer:
            response.internal_response.close()
            raise
        return response

    def _throttled_for(self, response: Any) -> float | None:
        if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            return None
        return parse_retry_after(response.headers, self._clock.wall())


def _require_own(response: Any) -> None:
    """Raises for an answer that is not the service's: each of those has a header of Azure's.

    Else a page in the place of a service would be a file, or an answer without a body the word that there
    is none.
    """
    status, content_type = response.status_code, response.headers.get("Content-Type", "")
    if status in _UNNAMED or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    if status in DENIED and not content_type.lower().startswith("text/html"):
        return
    if not any(name.lower().startswith("x-ms-") for name in response.headers):
        raise StrangeAnswer("Something else answers in the place of a service.")


def _require_body(request: Any, response: Any) -> None:
    """Raises for JSON or XML in which nothing is, at which the SDKs stumble, unless none was asked for."""
    has_form = response.headers.get("Content-Type", "").lower().startswith(_FORMS)
    is_wanted = request.method != "HEAD" and "return=minimal" not in request.headers.get("Prefer", "")
    is_due = response.status_code == HTTPStatus.OK and has_form and is_wanted
    if is_due and response.body().strip() in _NOTHING:
        raise StrangeAnswer("A service answers nothing where JSON or XML is due.")
