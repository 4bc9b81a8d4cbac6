"""`python -m local.screenshots`: the pictures of the console and of the host's page, on the sample data."""

import asyncio
import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from local.emulators.all import emulators
from local.host import clean_environment, host, origin
from local.ports import free_port
from local.samples.questions import SHOWN
from local.screenshots.data import ENV, SETTINGS, run_jobs, write_samples
from local.settings import ROOT, Port, StackSettings

FOLDER = ROOT / "docs" / "images"
_ARGUMENTS = ["--disable-gpu", "--no-sandbox"]
_LARGE, _PHONE = (1120, 760), (360, 740)


@dataclass(frozen=True)
class Picture:
    """A screen, and how it is looked at.

    Attributes:
        name: of the file.
        screen: the address below the host, with what stands behind the #.
        ready: what it shows when it is complete.
    """

    name: str
    screen: str
    ready: str
    size: tuple[int, int] = _LARGE
    dark: bool = False


def pictures(waits: str) -> list[Picture]:
    """What is taken, with the id of a job that waits for an approval."""
    question = SHOWN[1].replace(" ", "+")
    console, page = "api/console#", "devhost#"
    return [
        Picture("console-jobs", f"{console}/jobs", "5 failed"),
        Picture("console-jobs-phone", f"{console}/jobs", "5 failed", _PHONE, dark=True),
        Picture("console-job-approval", f"{console}/jobs/{waits}", "Approve or reject"),
        Picture("console-search", f"{console}/search?env={ENV}&q={question}", "results from", dark=True),
        Picture("console-versions", f"{console}/versions/{ENV}", "Promotions"),
        Picture("console-usage", f"{console}/usage/{ENV}", "Cost by month"),
        Picture("devhost-instances", f"{page}/instances", waits),
        Picture("devhost-instance", f"{page}/instances/{waits}", "It waits for the external", dark=True),
    ]


def main(folder: Path = FOLDER) -> int:
    """Starts the stack, runs jobs, and takes the pictures; the exit code."""
    executable = shutil.which("chromium")
    if executable is None:
        print("The pictures are taken with chromium, which is not installed.", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as closing:
        state = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        stack = closing.enter_context(emulators(_settings(state)))
        write_samples(stack)
        environment = clean_environment(stack.storage.connection_string) | stack.app_settings() | SETTINGS
        port = Port("PORT", free_port())
        closing.enter_context(
            host(port, state_file=state / "state.db", environment=environment, log=state / "log")
        )
        waits = run_jobs(origin(port))
        asyncio.run(_take_all(executable, origin(port), pictures(waits), folder))
    return 0


def _settings(state: Path) -> StackSettings:
    names = "host", "blob", "queue", "table", "cosmos", "embeddings"
    ports = {name: Port(name.upper(), free_port(), chosen=True) for name in names}
    return StackSettings(**ports, model="hashing", state=state, fresh=False)


async def _take_all(executable: str, address: str, wanted: list[Picture], folder: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        for picture in wanted:
            await _take(browser, f"{address}/{picture.screen}", picture, folder)
        await browser.close()


async def _take(browser: Browser, address: str, picture: Picture, folder: Path) -> None:
    width, height = picture.size
    async with await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if picture.dark else "light",
        reduced_motion="reduce",
        locale="en-GB",
    ) as context:
        page = await context.new_page()
        page.on("pageerror", lambda error: print(f"{picture.name}: {error}", file=sys.stderr))
        page.on("console", lambda line: print(f"{picture.name}: {line.text}", file=sys.stderr))
        await page.goto(address)
        await page.locator("main").get_by_text(picture.ready).first.wait_for()
        path = folder / f"{picture.name}.png"
        await page.screenshot(path=path)
        print(path)


if __name__ == "__main__":
    sys.exit(main())
