"""One attempt over aiohttp: its session, its timeouts, and the names that its failures have here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from math import inf

import aiohttp

from shared_code.http_pool.attempt_timer import AttemptTimer
from shared_code.http_pool.auth import FixedAuth
from shared_code.http_pool.calls import Call, Response
from shared_code.http_pool.clock import Clock
from shared_code.http_pool.errors import (
    AttemptTimeout,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    PoolClosed,
    PoolError,
    ResponseBroken,
    ResponseTooLarge,
    StatusError,
    TlsFailed,
    WrongLoop,
)
from shared_code.http_pool.retry_after import parse_retry_after
from shared_code.http_pool.service import Service

_FIRST_ERROR_STATUS = 400
# A body that is read whole anyway need not stop its sender in between; one that is streamed must.
_READ_AHEAD = 1024 * 1024
_READ_AHEAD_OF_STREAM = 64 * 1024
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)
# The class says it in these words, and aiohttp's own messages may quote what was received.
_NAMES: tuple[tuple[type[Exception], type[ConnectionFailed | ConnectionLost | ResponseBroken], str], ...] = (
    (aiohttp.ClientSSLError, TlsFailed, "found no TLS that it trusts"),
    (aiohttp.ClientConnectorDNSError, ConnectionFailed, "found no such host"),
    (aiohttp.ClientConnectorError, ConnectionFailed, "was refused a connection"),
    (aiohttp.ConnectionTimeoutError, ConnectionFailed, "got no connection in time"),
    (aiohttp.ClientPayloadError, ResponseBroken, "was answered in part"),
    (aiohttp.ClientResponseError, ResponseBroken, "was not answered in HTTP"),
    (Exception, ConnectionLost, "lost its connection"),
)


class Transport:
    """The connections to one service; opened in the event loop of its first request."""

    _session: aiohttp.ClientSession
    _timer: AttemptTimer

    def __init__(self, service: Service, clock: Clock) -> None:
        timeouts = service.timeouts
        self._service = service
        self._clock = clock
        self._attempt = timeouts.attempt
        self._whole = aiohttp.ClientTimeout(sock_connect=timeouts.connect)
        self._parts = aiohttp.ClientTimeout(sock_read=timeouts.attempt, sock_connect=timeouts.connect)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def require_own_loop(self) -> None:
        """The first request decides which loop the connections belong to.

        Raises:
            WrongLoop: this is another one.
        """
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop:
            raise WrongLoop(self._service.name)
        self._loop = loop
        self._session = self._open_session()
        self._timer = AttemptTimer(self._attempt)

    def _open_session(self) -> aiohttp.ClientSession:
        service, limits = self._service, self._service.limits
        fixed = {service.auth.name: service.auth.value} if isinstance(service.auth, FixedAuth) else {}
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.max_connections,
                keepalive_timeout=limits.keep_alive,
                ttl_dns_cache=limits.dns_ttl,
                ssl=service.tls or True,
            ),
            headers={**service.headers, **fixed},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # aiohttp would by itself repeat a request whose connection is lost; this is its one switch.
        session._retry_connection = False  # noqa: SLF001
        return session

    async def close(self) -> None:
        """Cuts every connection."""
        self._closed = True
        if self._loop:
            self._timer.close()
            await self._session.close()

    async def exchange(self, call: Call, headers: Mapping[str, str]) -> Response:
        """Sends the call once and reads the whole answer."""
        remaining = self._remaining(call)
        cut = remaining < self._attempt
        timeout = aiohttp.ClientTimeout(total=remaining, ceil_threshold=inf) if cut else self._whole
        timed = self._timer.start()
        try:
            reply = await self._request(call, headers, timeout, _READ_AHEAD)
            body = await self._read(call, reply)
        except _FAILURES as error:
            raise self._named(call, error, cut=cut) from error
        except asyncio.CancelledError as cancelled:
            if timed.take_back():
                raise self._named(call, TimeoutError(), cut=cut) from cancelled
            raise
        finally:
            self._timer.stop(timed)
        return self._accepted(call, reply, body)

    async def open(self, call: Call, headers: Mapping[str, str]) -> Response:
        """Sends the call once and leaves the body to be read from `call.reply`, unless it is an error's."""
        remaining = self._remaining(call)
        cut = remaining < self._attempt
        try:
            async with asyncio.timeout(min(remaining, self._attempt)):
                reply = await self._request(call, headers, self._parts, _READ_AHEAD_OF_STREAM)
                failed = reply.status >= _FIRST_ERROR_STATUS
                body = await self._read(call, reply) if failed else b""
        except _FAILURES as error:
            raise self._named(call, error, cut=cut) from error
        call.reply = reply
        return self._accepted(call, reply, body)

    async def parts(self, call: Call) -> AsyncIterator[bytes]:
        """The body of an opened call as it arrives."""
        try:
            async for part in call.reply.content.iter_any():
                yield part
        except _FAILURES as error:
            call.failure = self._named(call, error, cut=False)
            raise call.failure from error

    def _remaining(self, call: Call) -> float:
        if self._closed:
            raise PoolClosed(call.service)
        call.sent = self._clock.now()
        remaining = call.deadline - call.sent
        if remaining <= 0:
            raise call.failed(DeadlineExceeded, "has no time left")
        call.attempts += 1
        return remaining

    def _request(
        self, call: Call, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout, read_ahead: int
    ) -> Awaitable[aiohttp.ClientResponse]:
        return self._session.request(
            call.method,
            call.url,
            params=call.params,
            headers=headers,
            data=call.body(),
            # A redirect would carry keys to wherever it points.
            allow_redirects=False,
            timeout=timeout,
            read_bufsize=read_ahead,
        )

    async def _read(self, call: Call, reply: aiohttp.ClientResponse) -> bytes:
        blocks, room = [], self._service.limits.max_response_bytes
        try:
            while room >= 0 and (block := await reply.content.readany()):
                blocks.append(block)
                room -= len(block)
        except BaseException:
            reply.close()
            raise
        if room < 0:
            reply.close()
            what = f"was answered with more than {self._service.limits.max_response_bytes} bytes"
            raise call.failed(ResponseTooLarge, what, status=reply.status)
        return b"".join(blocks)

    def _accepted(self, call: Call, reply: aiohttp.ClientResponse, body: bytes) -> Response:
        status = reply.status
        if status < _FIRST_ERROR_STATUS:
            return Response(status, reply.headers, body, call)
        retry_after = parse_retry_after(reply.headers, self._clock.wall())
        if retry_after is not None:
            retry_after = min(retry_after, self._service.retries.retry_after_max)
        what, content_type = f"was refused with status {status}", reply.headers.get("Content-Type", "")
        raise call.failed(
            StatusError,
            what,
            status=status,
            retry_after=retry_after,
            body=body,
            content_type=content_type,
        )

    def _named(self, call: Call, error: Exception, *, cut: bool) -> PoolError:
        if self._closed:
            return PoolClosed(call.service)
        if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ConnectionTimeoutError):
            kind = DeadlineExceeded if cut else AttemptTimeout
            return call.failed(kind, "was not answered in time")
        name, what = next((name, what) for cause, name, what in _NAMES if isinstance(error, cause))
        return call.failed(name, what)
