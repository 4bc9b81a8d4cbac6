"""The host's page as its tests use it, with the host behind it."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, expect

from devhost.engine.instance import RuntimeStatus
from devhost.host import Host

PATIENCE = 20  # seconds that a test waits for something to come true


@dataclass
class Shop:
    """A running host with the sample app.

    Attributes:
        folder: the app's.
    """

    host: Host
    folder: Path
    started: int = field(default=0)

    async def start(self, name: str, value: Any = None, instance_id: str | None = None) -> str:
        """The id of a new instance."""
        self.started += 1
        text = None if value is None else json.dumps(json.dumps(value))
        return await self.host.hub.start_orchestration(
            name, instance_id=instance_id or f"{name}-{self.started}", input_text=text
        )

    async def status(self, instance_id: str) -> RuntimeStatus:
        instance = await self.host.hub.get_instance(instance_id)
        assert instance
        return instance.status

    async def ended(self, instance_id: str) -> str:
        """The instance when it has ended."""
        async with asyncio.timeout(PATIENCE):
            while not (await self.status(instance_id)).is_terminal:
                await asyncio.sleep(0.02)
        return instance_id

    async def run(self, name: str, value: Any = None, instance_id: str | None = None) -> str:
        """The id of an instance that has ended."""
        return await self.ended(await self.start(name, value, instance_id))


@dataclass
class HostPage:
    """The page in one window."""

    page: Page
    shop: Shop

    @property
    def main(self) -> Locator:
        """What the screen shows."""
        return self.page.locator("main")

    async def open(self, screen: str = "instances") -> None:
        """Opens a screen, or goes to it."""
        await self.page.goto(f"{self.shop.host.origin}/devhost#/{screen}")

    async def press(self, name: str, within: str = "main") -> None:
        """Presses a button."""
        await self.page.locator(within).get_by_role("button", name=name, exact=True).click()

    async def shows(self, *texts: str) -> None:
        """Waits until all of that is shown."""
        for text in texts:
            await expect(self.main).to_contain_text(text)

    async def fill(self, **values: str) -> None:
        """Fills fields by their labels; blanks are written as underscores."""
        for label, value in values.items():
            await self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)

    def steps(self, text: str) -> Locator:
        """The rows of the timeline that hold a text."""
        return self.main.get_by_role("treeitem").filter(has_text=text)
