"""A registered service, ready to be called: the layers of a request, outermost first.

request -> _retried (after a failure only) -> _admitted -> _signed -> Transport.exchange. The deadline goes
along in the call, so that every wait is bounded by it and the first attempt pays for no timer beside its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar, Unpack

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from shared_code.http_pool.admission import Admission
from shared_code.http_pool.auth import Auth, FixedAuth
from shared_code.http_pool.calls import Call, HeadOptions, Request, RequestOptions, Response
from shared_code.http_pool.clock import Clock
from shared_code.http_pool.errors import (
    DeadlineExceeded,
    PoolClosed,
    RetryBudgetExhausted,
    ServiceError,
    StatusError,
    TokenUnavailable,
)
from shared_code.http_pool.observer import Figures, Hooks, Observer
from shared_code.http_pool.service import Service
from shared_code.http_pool.transport import Transport

Answer = TypeVar("Answer")
Send = Callable[[Call], Awaitable[Response]]


class StreamedResponse:
    """A response whose body is read as it arrives."""

    def __init__(self, response: Response, parts: AsyncIterator[bytes]) -> None:
        self.status = response.status
        self.headers = response.headers
        self._parts = parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The parts of the body, in the sizes in which they arrive; raises ServiceError if it breaks off."""
        return self._parts


class ServiceCaller:
    """Calls one service; obtained from `ServicePool.register` or `ServicePool.service`.

    Every method raises ServiceError, of the kind that tells what happened, or PoolClosed.
    """

    def __init__(self, service: Service, hooks: Hooks, clock: Clock) -> None:
        self.service = service
        self._clock = clock
        self._admission = Admission(service, clock)
        self._observer = Observer(service.name, hooks, self._admission, clock)
        self._transport = Transport(service, clock)
        auth = None if isinstance(service.auth, FixedAuth) else service.auth
        self._send: Send = partial(self._signed, auth) if auth else self._sent
        self._closing = False
        self._under_way = 0
        self._idle = asyncio.Event()

    def get(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, Response]:
        """Sends a GET."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, Response]:
        """Sends a HEAD."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, Response]:
        """Sends a POST; it is retried only with an Idempotency-Key, by policy, or if nothing was sent."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, Response]:
        """Sends a PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, Response]:
        """Sends a PATCH; it is retried as a POST is."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, Response]:
        """Sends a DELETE."""
        return self.request("DELETE", path, **options)

    async def get_json(self, path: str, **options: Unpack[RequestOptions]) -> Any:
        """The decoded JSON that a GET answers."""
        return (await self.request("GET", path, **options)).json()

    async def post_json(self, path: str, json: Any, **options: Unpack[HeadOptions]) -> Any:
        """The decoded JSON that a POST of JSON answers."""
        return (await self.request("POST", path, json=json, **options)).json()

    async def batch(
        self, requests: Iterable[Request], *, concurrency: int = 10
    ) -> list[Response | Exception]:
        """Sends many requests; the outcomes in their order, each a response or its error.

        At most `concurrency` are under way at a time. The requests may come from a generator, which is read
        only as fast as they are sent.
        """
        numbered = enumerate(requests)
        outcomes: dict[int, Response | Exception] = {}

        async def work() -> None:
            for number, request in numbered:
                outcomes[number] = await self._outcome(request)

        async with asyncio.TaskGroup() as workers:
            for _ in range(concurrency):
                workers.create_task(work())
        return [outcomes[number] for number in range(len(outcomes))]

    async def _outcome(self, request: Request) -> Response | Exception:
        try:
            return await self.request(
                request.method,
                request.path,
                params=request.params,
                headers=request.headers,
                json=request.json,
                data=request.data,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this request's outcome
            return error

    async def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> Response:
        """Sends a request, and again as the retry policy allows; statuses from 400 on are errors.

        Redirects are not followed. A body is sent again only if it is bytes, text, a form or JSON.
        """
        call = self._begin(method, path, options)
        try:
            response = await self._admitted(call)
        except ServiceError as failure:
            response = await self._retried(call, failure)
        finally:
            self._end()
        self._observer.ended(call, response.status)
        return response

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, **options: Unpack[RequestOptions]
    ) -> AsyncIterator[StreamedResponse]:
        """Sends a request and hands out the body as it arrives; only what comes before it is retried."""
        call = self._begin(method, path, options)
        call.streamed = True
        try:
            try:
                response = await self._admitted(call)
            except ServiceError as failure:
                response = await self._retried(call, failure)
            with self._held_open(call, response):
                yield StreamedResponse(response, self._transport.parts(call))
        finally:
            self._end()

    @contextmanager
    def _held_open(self, call: Call, response: Response) -> Iterator[None]:
        """Gives connection and slot of a stream back, however its reader leaves."""
        try:
            yield
        finally:
            call.reply.close()
            self._admission.slots.give_back()
            self._observer.ended(call, call.failure or response.status)

    async def _retried(self, call: Call, failure: ServiceError) -> Response:
        """What comes of a call whose first attempt has failed."""
        try:
            if self._is_worth_retrying(call, failure):
                return await self._again(call, failure)
            raise failure
        except ServiceError as last:
            self._observer.ended(call, last)
            raise

    async def _again(self, call: Call, failure: ServiceError) -> Response:
        """Repeats the call; for tenacity the failed attempt is the first one, so that it counts and waits."""
        failed = [failure]

        async def attempt() -> Response:
            if failed:
                raise failed.pop()
            return await self._admitted(call)

        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            stop=lambda state: state.attempt_number - call.probes >= self.service.retries.attempts,
            wait=partial(self._wait, call),
            retry=retry_if_exception(lambda error: self._is_worth_retrying(call, error)),
            before_sleep=lambda state: self._before_retry(call, state),
            reraise=True,
        )
        return await retrying(attempt)

    def _is_worth_retrying(self, call: Call, failure: BaseException) -> bool:
        return (
            isinstance(failure, ServiceError)
            and call.replayable
            and self.service.retries.covers(call.method, call.headers, failure)
        )

    def _wait(self, call: Call, state: RetryCallState) -> float:
        """Full jitter on top of what the service asks for; it stays small where admission waits anyway."""
        asked = _failure_of(state).retry_after or 0.0
        attempt = state.attempt_number - call.probes if self._admission.circuit.flows else 1
        return asked + self.service.retries.backoff(attempt, self._clock.random())

    def _before_retry(self, call: Call, state: RetryCallState) -> None:
        admission, failure, wait = self._admission, _failure_of(state), state.upcoming_sleep
        asked = failure.retry_after
        facts: dict[str, Any] = {"status": failure.status, "retry_after": asked, "body": failure.body}
        admission.refuse_hopeless(call)
        if self._clock.now() + wait >= call.deadline:
            raise call.failed(DeadlineExceeded, "has no time left for a retry", **facts) from failure
        # What is held back, or put off to a time of the service's own, is not the load that it complains of.
        if admission.circuit.flows and not asked and not admission.budget.spend():
            raise call.failed(RetryBudgetExhausted, "is not retried", **facts) from failure
        self._observer.retrying(call, failure, max(wait, admission.held_for()))

    async def _admitted(self, call: Call) -> Response:
        """Holds a slot for the attempt, and learns from it; a stream keeps its slot until it is closed."""
        if not self._admission.enters_at_once():
            await self._admission.enter(call)
        try:
            response = await self._send(call)
        except BaseException as failure:
            self._admission.slots.give_back()
            self._admission.failed(call, failure)
            self._observer.attempted(call, failure)
            raise
        if not call.streamed:
            self._admission.slots.give_back()
        self._admission.succeeded(call)
        self._observer.attempted(call, response.status)
        return response

    async def _signed(self, auth: Auth, call: Call) -> Response:
        """Signs the attempt, and once more if the service says 401."""
        signature = await self._sign(call, auth.headers(call.method, call.url))
        try:
            return await self._sent(call, {**call.headers, **signature})
        except StatusError as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED or not call.replayable:
                raise
            if not await self._sign(call, auth.renew(signature)):
                raise
        signature = await self._sign(call, auth.headers(call.method, call.url))
        return await self._sent(call, {**call.headers, **signature})

    async def _sign(self, call: Call, signing: Awaitable[Answer]) -> Answer:
        """What the service's Auth says, in time."""
        left = call.deadline - self._clock.now()
        try:
            async with asyncio.timeout(min(self.service.timeouts.attempt, left)):
                return await signing
        except Exception as error:
            raise call.failed(TokenUnavailable, "was not sent: there is no token") from error

    def _sent(self, call: Call, headers: Mapping[str, str] | None = None) -> Coroutine[Any, Any, Response]:
        """One attempt, without further layers."""
        self._observer.attempts += 1
        send = self._transport.open if call.streamed else self._transport.exchange
        return send(call, headers or call.headers)

    def figures(self) -> Figures:
        """What the service is doing, and has done."""
        return self._observer.figures()

    async def close(self, drain: float) -> None:
        """Refuses new requests, gives those under way this many seconds to end, and cuts the rest."""
        self._closing = True
        if self._under_way:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), drain)
        await self._transport.close()

    def _begin(self, method: str, path: str, options: RequestOptions) -> Call:
        self._transport.require_own_loop()
        if self._closing:
            raise PoolClosed(self.service.name)
        if path and path[0] not in "/?":
            # Appended to the base URL it could name another host.
            raise ValueError(f"{self.service.name}: a path begins with / or ?, not as {path[:20]!r} does.")
        call = Call(self._clock, self.service, method, path, options)
        self._under_way += 1
        self._observer.requests += 1
        return call

    def _end(self) -> None:
        self._under_way -= 1
        if self._closing and not self._under_way:
            self._idle.set()


def _failure_of(state: RetryCallState) -> ServiceError:
    """The failure that tenacity is about to retry: it retries no other kind."""
    failure = state.outcome.exception() if state.outcome else None
    if not isinstance(failure, ServiceError):
        raise TypeError(f"Only a ServiceError is retried, not {failure!r}.")
    return failure
