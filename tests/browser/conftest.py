"""A real browser for the pages, Debian's chromium without a screen, and one host for all tests."""

import shutil
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from azure.storage.blob import ContainerClient
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from local.emulators.azurite import Azurite
from local.host import clean_environment, host, origin
from local.ports import free_port
from local.settings import Port
from tests.browser.console import Console
from tests.browser.host_page import PATIENCE
from tests.browser.world import World, audited_table
from tests.support.api_client import ApiClient
from tests.support.corpus import SEARCHED_DATABASE
from tests.support.forking import forked_host

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
        expect.set_options(timeout=1_000 * PATIENCE)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A window of its own, which asks nobody but loopback, keeps to its policy and logs no error."""
    errors: list[str] = []
    async with await browser.new_context() as context:
        context.set_default_timeout(1_000 * PATIENCE)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.extend(_breaches(line.text)))
        await page.route(_is_foreign, lambda route: _refuse(route, errors))
        yield page
    assert not errors


def _breaches(line: str) -> list[str]:
    return [line] if "Content Security Policy" in line else []


def _is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:", "about:", "file:"))


async def _refuse(route: Route, errors: list[str]) -> None:
    errors.append(f"The page asked {route.request.url}.")
    await route.abort()


@pytest.fixture(scope="session")
def world(
    storage: Azurite,
    embedding_settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """The one host of the browser tests, with jobs that have run."""
    folder = tmp_path_factory.mktemp("console")
    port = Port("PORT", free_port())
    own = {
        "AzureFunctionsJobHost__extensions__durableTask__hubName": f"hub{uuid4().hex[:12]}",
        "AzureWebJobs.live-event-function.Disabled": "true",
        "AUDIT_TABLE": audited_table(storage.connection_string),
        "COSMOS_DATABASE": SEARCHED_DATABASE,
        "EMBEDDINGS_PRICE_PER_MILLION": "1000",
    }
    name = f"console-{uuid4().hex[:12]}"
    environment = clean_environment(storage.connection_string) | embedding_settings | own
    environment["MONTHLY_BUDGETS"] = f"{name}=50"
    with (
        ContainerClient.from_connection_string(storage.connection_string, name) as files,
        host(
            port,
            state_file=folder / "state.db",
            environment=environment,
            log=folder / "log",
            start=forked_host,
        ),
    ):
        files.create_container()
        yield World.made(ApiClient(origin(port)), files, folder / "log", storage.connection_string)


@pytest.fixture
async def console(page: Page, world: World) -> Console:
    """The console in a window of its own."""
    return Console(page, world.api.origin)
