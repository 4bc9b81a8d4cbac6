"""The pool and what one would use in its place, each as a function that GETs a path and reads the body."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import httpx
from aiohttp_retry import ExponentialRetry, RetryClient
from httpx_retries import Retry, RetryTransport
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from shared_code.http_pool import Clock, Limits, RetryPolicy, Service, ServicePool, Timeouts

Get = Callable[[str], Awaitable[int]]
Open = Callable[[str, int], AbstractAsyncContextManager[Get]]

ATTEMPTS, WAIT_INITIAL, WAIT_MAX, TIMEOUT = 4, 0.2, 20.0, 2.0
STATUSES = {408, 429, 502, 503, 504}
_TIMEOUT = aiohttp.ClientTimeout(total=TIMEOUT)
_PASSING = (aiohttp.ClientError, TimeoutError)


def _session(concurrency: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency), timeout=_TIMEOUT)


@asynccontextmanager
async def bare_aiohttp(origin: str, concurrency: int) -> AsyncIterator[Get]:
    """One session and no retries: the floor."""
    async with _session(concurrency) as session:

        async def get(path: str) -> int:
            async with session.get(origin + path) as response:
                response.raise_for_status()
                return len(await response.read())

        yield get


@asynccontextmanager
async def pool(origin: str, concurrency: int, clock: Clock | None = None) -> AsyncIterator[Get]:
    """The pool of this project."""
    service = Service(
        name="service",
        base_url=origin,
        limits=Limits(max_connections=concurrency),
        timeouts=Timeouts(connect=TIMEOUT, attempt=TIMEOUT, total=60),
        retries=RetryPolicy(attempts=ATTEMPTS, wait_initial=WAIT_INITIAL, wait_max=WAIT_MAX),
    )
    async with ServicePool(clock=clock) as services:
        caller = services.register(service)

        async def get(path: str) -> int:
            return len((await caller.get(path)).body)

        yield get


@asynccontextmanager
async def aiohttp_retry(origin: str, concurrency: int) -> AsyncIterator[Get]:
    """The session of aiohttp-retry."""
    options = ExponentialRetry(
        attempts=ATTEMPTS, start_timeout=WAIT_INITIAL, max_timeout=WAIT_MAX, statuses=STATUSES
    )
    async with _session(concurrency) as session, RetryClient(session, retry_options=options) as client:

        async def get(path: str) -> int:
            async with client.get(origin + path) as response:
                response.raise_for_status()
                return len(await response.read())

        yield get


@asynccontextmanager
async def tenacity_around(origin: str, concurrency: int) -> AsyncIterator[Get]:
    """A session of aiohttp, and every call decorated with tenacity."""
    async with bare_aiohttp(origin, concurrency) as once:
        yield retry(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=WAIT_INITIAL, max=WAIT_MAX),
            retry=retry_if_exception_type(_PASSING),
            reraise=True,
        )(once)


@asynccontextmanager
async def httpx_retries(origin: str, concurrency: int) -> AsyncIterator[Get]:
    """The client of httpx with the transport of httpx-retries."""
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    policy = Retry(
        total=ATTEMPTS - 1,
        backoff_factor=WAIT_INITIAL,
        max_backoff_wait=WAIT_MAX,
        status_forcelist=STATUSES,
    )
    transport = RetryTransport(httpx.AsyncHTTPTransport(limits=limits), retry=policy)
    # Its time includes the queue for a connection, so that a crowd would time out by itself.
    timeout = httpx.Timeout(TIMEOUT, pool=None)
    async with httpx.AsyncClient(transport=transport, timeout=timeout) as client:

        async def get(path: str) -> int:
            response = await client.get(origin + path)
            response.raise_for_status()
            return len(response.content)

        yield get


@asynccontextmanager
async def session_per_call(origin: str, concurrency: int) -> AsyncIterator[Get]:
    """A session of aiohttp for every call."""

    async def get(path: str) -> int:
        async with bare_aiohttp(origin, concurrency) as once:
            return await once(path)

    yield get


PEERS: dict[str, Open] = {
    "aiohttp alone": bare_aiohttp,
    "ServicePool": pool,
    "aiohttp-retry": aiohttp_retry,
    "tenacity around every call": tenacity_around,
    "httpx with httpx-retries": httpx_retries,
    "a session per call": session_per_call,
}
