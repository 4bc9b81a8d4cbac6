"""A real browser for the pages: Debian's chromium, without a screen."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright

CHROMIUM = "chromium"

# Without these it looks for updates and other services of its maker at every start.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The one browser of the test run."""
    executable = shutil.which(CHROMIUM)
    if executable is None:
        pytest.skip(
            "the browser tests need chromium, which is not installed (Debian: apt-get install chromium)"
        )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A window of its own, which asks nobody but loopback and logs no error."""
    errors: list[str] = []
    async with await browser.new_context() as context:
        context.set_default_timeout(15_000)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.route(_is_foreign, lambda route: _refuse(route, errors))
        yield page
    assert not errors


def _is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:", "about:"))


async def _refuse(route: Route, errors: list[str]) -> None:
    errors.append(f"The page asked {route.request.url}.")
    await route.abort()
