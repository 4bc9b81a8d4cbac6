"""The host's page with 100,000 instances, a history of 20,000 events, and 20 open pages."""

import asyncio
import json
import shutil
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, async_playwright

from benchmarks.durable_app import ManagementClient, durable_host
from benchmarks.processes import cpu_seconds
from benchmarks.report import report
from devhost.engine.history import format_time
from devhost.engine.store import Store
from local.http_client import request
from local.services import RunningService

INSTANCES = 100_000
EVENTS = 20_000
PAGES = 20
SECONDS = 20
LONG = "long-history"
# How often a job begins while the list moves.
_PACE = 1.0
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_ASKS = 30
_PATIENCE = 120_000  # milliseconds, for pages that are opened all at once
_PARENT = json.dumps({"instance_id": "i000000", "execution_id": "e", "name": "one", "task_id": 0})
_VIEWS = {
    "first view": "instances?top=50",
    "the oldest ones": "instances?top=50&after=2026-01-01T00:01:00.000000Z,",
    "status that a few have": "instances?top=50&status=Failed",
    "status that none has": "instances?top=50&status=Suspended",
    "ids that begin with": "instances?top=50&prefix=i0777",
    "children of one": "instances?top=50&parent=i000000",
}
_WORDS = ("4321", "999", "completed", "docs/77", "echo", "nothing like it", "12", "chunks", "pdf")
# How long the page takes from a word in its search to the picture of what has it.
_FILTER = """async (word) => {
    const box = document.querySelector("[data-search]");
    const began = performance.now();
    box.value = word;
    box.dispatchEvent(new Event("input"));
    const filtered = performance.now() - began;
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return [filtered, performance.now() - began];
}"""


async def main() -> None:
    """Measures all of it and writes the tables."""
    with durable_host(_fill) as (client, process):
        rows = [[what, *_answer_times(client, path)] for what, path in _VIEWS.items()]
        title = f"Answers to the page with {INSTANCES:,} instances, in milliseconds"
        report("host_page_lists", title, ["list", "median", f"slowest of {_ASKS}"], rows)
        async with AsyncExitStack() as closing:
            playwright = await closing.enter_async_context(async_playwright())
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            closing.push_async_callback(browser.close)
            await _report_views(browser, client)
            await _report_cost(browser, client, process)


def _answer_times(client: ManagementClient, path: str) -> list[float]:
    times = []
    for number in range(_ASKS):
        began = time.perf_counter()
        # A query that nobody has asked yet, so that it is not answered from memory.
        request("GET", f"{client.origin}/admin/{path}&n={number}").json()
        times.append(1_000 * (time.perf_counter() - began))
    return [statistics.median(times), max(times)]


async def _report_views(browser: Browser, client: ManagementClient) -> None:
    page = await (await browser.new_context()).new_page()
    began = time.perf_counter()
    await page.goto(f"{client.origin}/devhost")
    await page.locator("tbody tr").first.wait_for()
    rows: list[list[object]] = [[f"list of {INSTANCES:,} instances", 1_000 * (time.perf_counter() - began)]]
    began = time.perf_counter()
    await page.goto(f"{client.origin}/devhost#/instances/{LONG}")
    await page.get_by_text(f"{EVENTS // 2 + 1:,}").first.wait_for()
    rows.append([f"history of {EVENTS:,} events, read and shown", 1_000 * (time.perf_counter() - began)])
    for tab in ("Timeline", "Events"):
        await page.get_by_role("button", name=tab).click()
        times = [await page.evaluate(_FILTER, word) for word in _WORDS]
        first, *others = (filtered for filtered, _ in times)
        rows.append([f"{tab} searched a first time", first])
        rows.append([f"{tab} searched again, median", statistics.median(others)])
        rows.append([f"{tab} searched, up to the picture, median", statistics.median(p for _, p in times)])
    report("host_page_views", "Views of the page in the browser, in milliseconds", ["view", "ms"], rows)
    await page.context.close()


async def _report_cost(browser: Browser, client: ManagementClient, process: RunningService) -> None:
    pid = process.process.pid
    ticking = client.start("ticks", 100 * SECONDS)
    rows: list[list[object]] = []
    for what, screen, moves in (
        ("list, while a job a second runs", "instances", True),
        ("list, while a job ticks", "instances", False),
        ("job that ticks", f"instances/{ticking}", False),
    ):
        for pages in (0, PAGES):
            share = await _share(browser, client, pid, screen, pages, moves=moves)
            rows.append([what, pages, share])
    title = f"Open pages of the host over {SECONDS} s, with {INSTANCES:,} instances"
    report("host_page", title, ["screen", "pages", "% of a core"], rows)


async def _share(
    browser: Browser, client: ManagementClient, pid: int, screen: str, pages: int, *, moves: bool
) -> float:
    """The share of a core that the host takes, in percent."""
    contexts = [await browser.new_context() for _ in range(pages)]
    await asyncio.gather(*(_open(context, f"{client.origin}/devhost#/{screen}") for context in contexts))
    before = cpu_seconds(pid)
    for _ in range(int(SECONDS / _PACE)):
        if moves:
            client.start("one")
        await asyncio.sleep(_PACE)
    used = cpu_seconds(pid) - before
    for context in contexts:
        await context.close()
    return 100 * used / SECONDS


async def _open(context: BrowserContext, address: str) -> None:
    context.set_default_timeout(_PATIENCE)
    page = await context.new_page()
    await page.goto(address)
    await page.locator(".badge").first.wait_for()


def _fill(state: Path) -> None:
    """Writes instances and a long history into a new state file."""
    Store.open(str(state)).close()
    with sqlite3.connect(state) as connection:
        marks = ", ".join("?" * 12)
        connection.executemany(f"INSERT INTO instances VALUES ({marks})", _instances())  # noqa: S608 - marks
        connection.executemany("INSERT INTO history VALUES (?, ?, ?)", _history())
    connection.close()


def _instances() -> Iterator[tuple[Any, ...]]:
    """Every second one is the child of the first."""
    status = ["Completed"] * 999 + ["Failed"]
    for number in range(INSTANCES):
        at = format_time(_FIRST + timedelta(seconds=number))
        parent = _PARENT if number % 2 else None
        yield (
            f"i{number:06}",
            "e",
            "one",
            None,
            status[number % 1_000],
            "1",
            None,
            at,
            at,
            0,
            0,
            parent,
        )
    yield (LONG, "e", "one", None, "Completed", "1", None, at, at, 0, 0, None)


def _history() -> Iterator[tuple[str, int, str]]:
    events = [_event(0, 0, Name="one", Input="null", OrchestrationInstance={"InstanceId": LONG})]
    for task in range(EVENTS // 2):
        result = json.dumps(json.dumps({"file": f"docs/{task}.pdf", "chunks": task % 40}))
        events.append(_event(task, 4, EventId=task, Name="echo"))
        events.append(_event(task + 1, 5, TaskScheduledId=task, Result=result))
    for position, event in enumerate(events):
        yield LONG, position, json.dumps(event)


def _event(second: int, event_type: int, **fields: Any) -> dict[str, Any]:
    at = format_time(_FIRST + timedelta(seconds=second))
    return {"EventType": event_type, "EventId": -1, "Timestamp": at, "IsPlayed": True, **fields}


if __name__ == "__main__":
    asyncio.run(main())
