"""What the pool costs when nothing goes wrong: requests a second and CPU, as ratios to aiohttp alone.

The contenders take turns in short rounds on the same server, so that what disturbs one disturbs all; the
medians are of the ratios within a round.
"""

import asyncio
import gc
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.http_peers import PEERS, Get
from benchmarks.http_service import serve
from benchmarks.report import report

ROUNDS = 17
FLOOR = "aiohttp alone"
# Path, concurrency, and requests of one round.
CASES = [
    ("/small", 1, 150),
    ("/small", 100, 500),
    ("/small", 500, 1_000),
    ("/large", 1, 20),
    ("/large", 100, 100),
    ("/large", 500, 500),
]
# They take a multiple of the time and their ratio is far from close, so that they sit out most rounds.
SLOW = {"httpx with httpx-retries", "a session per call"}
SLOW_EVERY = 8
HEADER = ["", "requests/s", "ratio", "CPU us a request", "CPU ratio"]


@dataclass
class Rounds:
    """Seconds a request of each round, on the wall and on the CPU."""

    wall: dict[int, float] = field(default_factory=dict)
    cpu: dict[int, float] = field(default_factory=dict)


def main() -> None:
    """Measures each case and writes a table for it."""
    with serve() as origin:
        for path, concurrency, requests in CASES:
            rounds = asyncio.run(compare(origin, path, concurrency, requests))
            name = f"http_pool_{path.strip('/')}_{concurrency}"
            title = f"GET {path}, {concurrency} at once, {ROUNDS} rounds of {requests} requests"
            report(name, title, HEADER, [_row(peer, rounds) for peer in PEERS])


async def compare(origin: str, path: str, concurrency: int, requests: int) -> dict[str, Rounds]:
    """Lets all take turns; each begins as often as the others do."""
    rounds = {name: Rounds() for name in PEERS}
    async with AsyncExitStack() as stack:
        gets = {
            name: await stack.enter_async_context(peer(origin, concurrency)) for name, peer in PEERS.items()
        }
        for number in range(-1, ROUNDS):
            for name in _turns(number):
                wall, cpu = await _round(gets[name], path, concurrency, requests)
                if number >= 0:  # the one before opens the connections
                    rounds[name].wall[number] = wall
                    rounds[name].cpu[number] = cpu
    return rounds


def _turns(number: int) -> list[str]:
    names = [name for name in PEERS if name not in SLOW or number % SLOW_EVERY == 0]
    start = number % len(names)
    return names[start:] + names[:start]


async def _round(get: Get, path: str, concurrency: int, requests: int) -> tuple[float, float]:
    numbers = iter(range(requests))

    async def work() -> None:
        for _ in numbers:
            await get(path)

    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    return (time.perf_counter() - wall) / requests, (time.process_time() - cpu) / requests


def _row(name: str, rounds: dict[str, Rounds]) -> list[object]:
    floor, own = rounds[FLOOR], rounds[name]
    ratio = median(floor.wall[number] / wall for number, wall in own.wall.items())
    cpu_ratio = median(cpu / floor.cpu[number] for number, cpu in own.cpu.items())
    return [name, round(1 / min(own.wall.values())), ratio, 1e6 * min(own.cpu.values()), cpu_ratio]


if __name__ == "__main__":
    main()
