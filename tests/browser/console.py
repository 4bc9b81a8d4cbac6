"""The console as its tests use it: screens by name, and an app that may refuse or answer anything."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Locator, Page, Route, expect

KEY = "the-key-of-this-test"


@dataclass
class Console:
    """The page in one window.

    Attributes:
        asked: the addresses of all requests so far.
    """

    page: Page
    origin: str
    asked: list[str] = field(default_factory=list)

    async def open(self, screen: str = "jobs") -> None:
        """Opens a screen, or goes to it."""
        self.page.on("request", lambda request: self.asked.append(request.url))
        await self.page.goto(f"{self.origin}/api/console#/{screen}")

    @property
    def main(self) -> Locator:
        """What the screen shows."""
        return self.page.locator("main")

    async def fill(self, **values: str) -> None:
        """Fills fields by their labels; blanks are written as underscores."""
        for label, value in values.items():
            await self.main.get_by_label(label.replace("_", " "), exact=True).fill(value)

    async def press(self, name: str, within: str = "main") -> None:
        """Presses a button."""
        await self.page.locator(within).get_by_role("button", name=name).click()

    async def shows(self, *texts: str) -> None:
        """Waits until all of that is shown."""
        for text in texts:
            await expect(self.main).to_contain_text(text)

    async def ask_for_key(self, path: str = "**/api/**") -> None:
        """Has the app refuse requests without a key as Azure does, without a body."""

        async def check(route: Route) -> None:
            is_page = route.request.url.split("#")[0].endswith("/console")
            if is_page or route.request.headers.get("x-functions-key") == KEY:
                await route.fallback()
            else:
                await route.fulfill(status=401)

        await self.page.route(path, check)

    async def answer(
        self, path: str | re.Pattern[str], body: Any, *, status: int = 200, **headers: str
    ) -> None:
        """Has the app answer this instead of what it would."""

        async def fulfill(route: Route) -> None:
            await route.fulfill(
                status=status,
                headers={name.replace("_", "-"): value for name, value in headers.items()},
                content_type="application/json",
                body=json.dumps(body(route.request.url) if callable(body) else body),
            )

        await self.page.route(path, fulfill)
