"""What open pages of the console cost the host: CPU seconds of its process, with 20 pages and without any."""

import asyncio
import shutil
from contextlib import AsyncExitStack

from playwright.async_api import Browser, async_playwright

from benchmarks.jobs import Stack, stack, storage
from benchmarks.processes import cpu_seconds
from benchmarks.report import report
from local.http_client import request
from local.job_polling import statuses

PAGES = 20
SECONDS = 60
JOBS = 25
# How often a job begins while the list moves.
_PACE = 3.0
_QUERY = "s=2021-02-03&e=2021-06-05"


async def main() -> None:
    """Measures the list and a job, and writes the table."""
    with storage() as account, stack(account, account) as running:
        for _ in range(JOBS):
            await asyncio.to_thread(_run, running)
        suspended = await asyncio.to_thread(_suspend, running)
        rows = [
            [what, pages, await _share(running, screen, pages, moves=moves)]
            for what, screen, moves in _screens(suspended)
            for pages in (0, PAGES)
        ]
    title = f"Open pages of the console over {SECONDS} s, with {JOBS} jobs in the list"
    report("console", title, ["screen", "pages", "% of a core"], rows)


def _screens(suspended: str) -> list[tuple[str, str, bool]]:
    """What is looked at, and whether jobs begin and end meanwhile."""
    return [
        ("list, while jobs run", "jobs", True),
        ("list, while nothing runs", "jobs", False),
        ("job that waits", f"jobs/{suspended}", False),
    ]


def _run(running: Stack) -> None:
    """Runs a job to its end; there is nothing to count, and it fails."""
    submitted = request("POST", f"{running.origin}/api/submit/query?{_QUERY}").json()
    for _ in statuses(submitted["statusUri"], seconds=60, interval=0.05):
        pass


def _suspend(running: Stack) -> str:
    """The id of a job that an operator has suspended."""
    job_id: str = request("POST", f"{running.origin}/api/submit/query?{_QUERY}").json()["id"]
    request("POST", f"{running.origin}/runtime/webhooks/durabletask/instances/{job_id}/suspend")
    return job_id


async def _share(running: Stack, screen: str, pages: int, *, moves: bool) -> float:
    """The share of a core that the host takes, in percent."""
    async with AsyncExitStack() as closing:
        playwright = await closing.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        closing.push_async_callback(browser.close)
        await asyncio.gather(
            *(_open(browser, f"{running.origin}/api/console#/{screen}") for _ in range(pages))
        )
        before = cpu_seconds(running.pid)
        steps = int(SECONDS / _PACE)
        for _ in range(steps):
            pause = asyncio.sleep(_PACE)
            await asyncio.gather(pause, *([asyncio.to_thread(_run, running)] if moves else []))
        return 100 * (cpu_seconds(running.pid) - before) / SECONDS


async def _open(browser: Browser, address: str) -> None:
    page = await (await browser.new_context()).new_page()
    await page.goto(address)
    await page.get_by_text("Submitted").first.wait_for()


if __name__ == "__main__":
    asyncio.run(main())
