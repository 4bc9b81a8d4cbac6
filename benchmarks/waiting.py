"""What clients cost that wait for the end of their jobs: with `Prefer: wait=n`, and with ten polls a second.

Each client has a job of its own, which an operator has suspended, so that the host has nothing else to do. As
many polls as that many clients send are more than the host can answer: fewer of them poll, and what counts is
what each one costs.
"""

import argparse
import asyncio
import itertools
from collections.abc import Callable, Coroutine

import aiohttp

from benchmarks.jobs import Stack, stack, storage
from benchmarks.processes import cpu_seconds
from benchmarks.report import report
from local.http_client import request

CLIENTS = 200
POLLING = 5
SECONDS = 40
_POLLS_A_SECOND = 10
_QUERY = "s=2021-02-03&e=2021-06-05"
HEADER = ["clients", "how they wait", "requests answered a second", "% of a core", "for each client",
          "share of a polling client's"]  # fmt: skip

Client = Callable[[aiohttp.ClientSession, str], Coroutine[None, None, None]]


async def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    seconds = parser.parse_args().seconds
    with storage() as account, stack(account, account) as running:
        jobs = [await asyncio.to_thread(_suspended, running) for _ in range(CLIENTS)]
        polls = await _measure(running, jobs[:POLLING], _poll, seconds)
        waits = await _measure(running, jobs, _wait(seconds), seconds)
    each_poll, each_wait = polls[1] / POLLING, waits[1] / CLIENTS
    rows = [
        [POLLING, f"{_POLLS_A_SECOND} polls a second", *polls, each_poll, 1.0],
        [CLIENTS, f"Prefer: wait={seconds}", *waits, each_wait, each_wait / each_poll],
    ]
    if seconds == SECONDS:
        report("waiting", f"Clients that wait for {SECONDS} s", HEADER, rows)
    else:
        print(*rows, sep="\n")


def _suspended(running: Stack) -> str:
    """The status URI of a job that an operator has suspended."""
    submitted = request("POST", f"{running.origin}/api/submit/query?{_QUERY}").json()
    instances = f"{running.origin}/runtime/webhooks/durabletask/instances"
    request("POST", f"{instances}/{submitted['id']}/suspend")
    return str(submitted["statusUri"])


async def _measure(running: Stack, jobs: list[str], client: Client, seconds: int) -> tuple[float, float]:
    """How many requests were answered a second, and the share of a core that the host took, in percent."""
    answered = itertools.count()
    tracing = aiohttp.TraceConfig()

    async def count(*_: object) -> None:
        next(answered)

    tracing.on_request_end.append(count)
    before = cpu_seconds(running.pid)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, trace_configs=[tracing]) as session:
        clients = [asyncio.create_task(client(session, job)) for job in jobs]
        await asyncio.sleep(seconds)
        used = cpu_seconds(running.pid) - before
        for each in clients:
            each.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    return next(answered) / seconds, 100 * used / seconds


async def _poll(session: aiohttp.ClientSession, job: str) -> None:
    while True:
        pause = asyncio.create_task(asyncio.sleep(1 / _POLLS_A_SECOND))
        async with session.get(job) as answer:
            await answer.read()
        await pause


def _wait(seconds: int) -> Client:
    async def wait(session: aiohttp.ClientSession, job: str) -> None:
        while True:
            async with session.get(job, headers={"Prefer": f"wait={seconds}"}) as answer:
                await answer.read()

    return wait


if __name__ == "__main__":
    asyncio.run(main())
