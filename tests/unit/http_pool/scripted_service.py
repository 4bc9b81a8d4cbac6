"""A service that behaves as a test writes down, request by request, on a socket of this process."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from shared_code.http_pool import Clock, Service, ServicePool


@dataclass
class Received:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Peer:
    """The other side of the connection that a request came on."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


Step = Callable[[Peer], Awaitable[None]]


def answer(status: int = 200, body: bytes = b"{}", length: int | None = None, **headers: str) -> Step:
    """A response; its length may be a lie. `retry_after` stands for `Retry-After`, and so on."""

    async def step(peer: Peer) -> None:
        named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body) if length is None else length}\r\n"
        peer.writer.write(f"{head}{named}\r\n".encode() + body)

    return step


def answer_json(value: Any, status: int = 200) -> Step:
    """A response of JSON."""
    return answer(status, json.dumps(value).encode(), content_type="application/json")


def raw(data: bytes) -> Step:
    """These bytes, and then the end of the connection."""

    async def step(peer: Peer) -> None:
        peer.writer.write(data)
        peer.writer.close()

    return step


async def garble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A connection, not a request, that is answered with something that nobody asked for."""
    writer.write(b"220 mail.example ESMTP\r\n")
    writer.close()


async def reset(peer: Peer) -> None:
    """Cuts the connection without an answer."""
    peer.writer.transport.abort()


async def silence(peer: Peer) -> None:
    """Answers nothing for as long as the client stays."""
    await peer.reader.read()


async def half_a_body(peer: Peer) -> None:
    """Begins to answer, and then falls silent."""
    peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ")
    await peer.reader.read()


async def trickle(peer: Peer) -> None:
    """Answers a byte at a time, for as long as the client stays."""
    named = b"Content-Range: bytes 0-999999/1000000\r\nx-ms-request-id: 1\r\n"
    peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n" + named + b"\r\n")
    while not peer.writer.is_closing():
        peer.writer.write(b" ")
        await peer.writer.drain()
        await asyncio.sleep(0.01)


def until(event: asyncio.Event, step: Step) -> Step:
    """A step that waits for an event, or for the client to leave."""

    async def held(peer: Peer) -> None:
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(peer.reader.read())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if event.is_set():
            await step(peer)

    return held


@dataclass
class ScriptedService:
    """Takes one step of its script for each request, and the last one for all that follow."""

    script: list[Step]
    clock: Clock
    received: list[Received] = field(default_factory=list)
    open_connections: set[asyncio.StreamWriter] = field(default_factory=set)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.open_connections.add(writer)
        try:
            while not writer.is_closing():
                await self._serve_request(Peer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            self.open_connections.discard(writer)
            writer.close()

    async def _serve_request(self, peer: Peer) -> None:
        head = (await peer.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:-2])}
        body = await peer.reader.readexactly(int(headers.get("content-length", 0)))
        step = self.script[min(len(self.received), len(self.script) - 1)]
        self.received.append(Received(method, target, headers, body, self.clock.now()))
        await step(peer)
        await peer.writer.drain()


@asynccontextmanager
async def serving(
    *script: Step, clock: Clock | None = None, **sockets: Any
) -> AsyncIterator[ScriptedService]:
    """Serves the script on a free port of the loopback."""
    service = ScriptedService(list(script) or [answer()], clock or Clock())
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0, backlog=1_000, **sockets)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield service
    finally:
        server.close()
        for writer in list(service.open_connections):
            writer.transport.abort()
        await server.wait_closed()
        await eventually(lambda: not service.open_connections)


class JumpingClock(Clock):
    """A clock on which no wait takes time: it jumps to the end of each."""

    def __init__(self, chance: float = 1.0) -> None:
        self.time = 1_000.0
        self.slept: list[float] = []
        self.now = lambda: self.time
        self.wall = lambda: 1_700_000_000 + self.time
        self.random = lambda: chance
        self.sleep = self._sleep  # type: ignore[assignment]

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class HeldClock(JumpingClock):
    """A clock that stands still until the test moves it on."""

    def __init__(self, chance: float = 0.0) -> None:
        super().__init__(chance)
        self.sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        woken = asyncio.get_running_loop().create_future()
        heappush(self.sleepers, (self.time + seconds, len(self.slept), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Moves on and wakes those whose time has come."""
        self.time += seconds
        while self.sleepers and self.sleepers[0][0] <= self.time:
            woken = heappop(self.sleepers)[2]
            if not woken.done():
                woken.set_result(None)


@asynccontextmanager
async def calling(*script: Step, clock: Clock | None = None, **options: Any) -> AsyncIterator[Any]:
    """A service that behaves as scripted, and the pool's caller of it, with these options."""
    clock = clock or JumpingClock()
    hooks = options.pop("hooks", None)
    async with serving(*script, clock=clock) as service, ServicePool(clock=clock, hooks=hooks) as pool:
        yield service, pool.register(Service(name="peer", base_url=service.url, **options))


async def eventually(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)
