"""What the pool and its peers do when a service fails: how hard they press it, what they lose, how long.

The loop's time runs ten times as fast as the clock, for all of them alike.
"""

import asyncio
import gc
import logging
import os
import selectors
import time
import warnings
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableSequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random

from benchmarks import http_peers
from benchmarks.http_peers import PEERS, Get, Open
from benchmarks.processes import resident_megabytes
from benchmarks.report import report
from shared_code.http_pool import Clock, Limits, Request, Response, RetryPolicy, Service, ServicePool

SPEED = 10
CALLERS = 20
STORM = 200
MANY = 100_000
PARTS = 10
FAULTY = 0.05
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\nContent-Length: 0\r\n\r\n"
_FAILING = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class _FastSelector(selectors.DefaultSelector):
    """Waits a tenth of the time that it is asked to."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout and timeout / SPEED)


class _FastLoop(asyncio.SelectorEventLoop):
    """A loop in whose time ten seconds take one."""

    def __init__(self) -> None:
        super().__init__(_FastSelector())

    def time(self) -> float:
        return time.monotonic() * SPEED


class _FastClock(Clock):
    """The pool's clock on that loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = loop.time


@dataclass
class Peer:
    """A service whose mood the benchmark sets; it notes when it was asked in each."""

    answer: Answer
    asked: MutableSequence[float] = field(default_factory=list)
    serving: set["asyncio.Task[object] | None"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.serving.add(asyncio.current_task())
        try:
            while not writer.is_closing():
                await reader.readuntil(b"\r\n\r\n")
                self.asked.append(asyncio.get_running_loop().time())
                await self.answer(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()
            self.serving.discard(asyncio.current_task())

    def asked_between(self, start: float, end: float) -> int:
        """How many requests came in this time."""
        return sum(start <= at < end for at in self.asked)


def _saying(response: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(response)

    return answer


async def _cut(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@asynccontextmanager
async def _served(peer: Peer) -> AsyncIterator[str]:
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, backlog=2_000)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        while peer.serving:  # noqa: ASYNC110 - connections end without telling anybody
            await asyncio.sleep(0.01)


async def outage(open_peer: Open, dead: Answer) -> list[object]:
    """Twenty callers ask every half second; the service is well for 5 s, dead for 60 s, and well for 20 s."""
    loop, peer = asyncio.get_running_loop(), Peer(_saying(_OK))
    outcomes: list[tuple[float, bool]] = []
    async with _served(peer) as origin, open_peer(origin, CALLERS) as get:
        began = loop.time()
        loop.call_at(began + 5, setattr, peer, "answer", dead)
        loop.call_at(began + 65, setattr, peer, "answer", _saying(_OK))
        await asyncio.gather(*(_ask_on(get, began + 85, outcomes) for _ in range(CALLERS)))
    well = began + 65
    recovered = min(at for at, succeeded in outcomes if succeeded and at > well)
    asked_again = min(at for at in peer.asked if at >= well)
    lost = [at for at, succeeded in outcomes if not succeeded]
    lost_since = sum(at > well for at in lost)
    asked = peer.asked_between(began + 5, well)
    return [asked, len(outcomes), len(lost), lost_since, recovered - well, recovered - asked_again]


async def _ask_on(get: Get, until: float, outcomes: list[tuple[float, bool]]) -> None:
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        succeeded = await _succeeds(get)
        outcomes.append((loop.time(), succeeded))
        await asyncio.sleep(0.5)


async def _succeeds(get: Get) -> bool:
    try:
        await get("/")
    except Exception:  # noqa: BLE001 - each peer has errors of its own
        return False
    return True


async def storm(open_peer: Open) -> list[object]:
    """One caller is answered 429 with a time ten seconds ahead; a second later 200 more come."""
    loop, peer = asyncio.get_running_loop(), Peer(_saying(_BUSY))
    async with _served(peer) as origin, open_peer(origin, STORM) as get:
        began = loop.time()
        first = asyncio.create_task(_succeeds(get))
        await asyncio.sleep(1)
        named = loop.time() + 9
        loop.call_at(named, setattr, peer, "answer", _saying(_OK))
        succeeded = await asyncio.gather(first, *(_succeeds(get) for _ in range(STORM)))
        ended = loop.time()
    return [peer.asked_between(began + 0.5, named), succeeded.count(False), ended - named]


def compare(scene: Callable[[Open], Awaitable[list[object]]]) -> list[list[object]]:
    """The scene with each peer, each on a loop of its own."""
    rows = []
    for name, open_peer in PEERS.items():
        with asyncio.Runner(loop_factory=_FastLoop) as runner:
            if open_peer is http_peers.pool:
                open_peer = partial(http_peers.pool, clock=_FastClock(runner.get_loop()))  # noqa: PLW2901
            rows.append([name, *runner.run(scene(open_peer))])  # type: ignore[arg-type] # scenes are coroutines
    return rows


async def many() -> list[object]:
    """Many requests of which one in twenty meets a fault, at a concurrency of 500."""
    chance = Random(5)  # noqa: S311 - the same faults in each run
    faults = [_cut, _saying(_FAILING), _hang_up]

    async def answer(writer: asyncio.StreamWriter) -> None:
        await (chance.choice(faults) if chance.random() < FAULTY else _saying(_OK))(writer)

    peer = Peer(answer, asked=deque(maxlen=0))  # what it noted would count as memory that the pool keeps
    limits = Limits(max_connections=500)
    async with _served(peer) as origin, ServicePool() as pool:
        policy = RetryPolicy(wait_initial=0.01, budget=10_000)
        caller = pool.register(Service(name="many", base_url=origin, limits=limits, retries=policy))
        answered, failed, held = 0, 0, []
        for _ in range(PARTS):
            outcomes = await caller.batch((Request(path="/") for _ in range(MANY // PARTS)), concurrency=500)
            succeeded = sum(isinstance(outcome, Response) for outcome in outcomes)
            answered, failed = answered + succeeded, failed + len(outcomes) - succeeded
            gc.collect()
            held.append(resident_megabytes(os.getpid()))
        figures = caller.figures()
    return [answered + failed, answered, failed, figures.retries, figures.in_flight, held[1], held[-1]]


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.write(_OK[:-1])
    writer.close()


def main() -> None:
    """Runs the scenes and writes a table for each; anything left open is an error."""
    warnings.simplefilter("error", ResourceWarning)
    logging.disable(logging.WARNING)
    header = [
        "",
        "requests it got",
        "calls",
        "calls lost",
        "lost after it was well",
        "s to recover",
        "s from the next request",
    ]
    for name, dead in {"resets": _cut, "answers 503": _saying(_FAILING)}.items():
        rows = compare(partial(outage, dead=dead))
        slug = name.replace(" ", "_")
        report(f"http_pool_dead_{slug}", f"A service that {name} for 60 s, {CALLERS} callers", header, rows)
    header = ["", "requests before the named time", "calls lost", "s until all were answered"]
    report("http_pool_storm", f"429 with Retry-After: 10 and {STORM} callers", header, compare(storm))
    header = [
        "requests",
        "answered",
        "errors",
        "retries",
        "left in flight",
        "MB after a fifth",
        "MB at the end",
    ]
    report(
        "http_pool_many", "100,000 requests, 500 at once, one in twenty faulty", header, [asyncio.run(many())]
    )


if __name__ == "__main__":
    main()
