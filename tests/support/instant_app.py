"""The app in this process, on a clock that skips whatever a job waits for between two tries of a step."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from devhost.testing import AppUnderTest, running_app
from local.host import clean_environment
from local.settings import ROOT
from shared_code.clients import opening
from shared_code.network import Network
from shared_code.settings import settings
from tests.support import app_modules
from tests.support.api_client import ApiClient
from tests.support.app_time import months_ago
from tests.support.corpus import Corpus

__all__ = ["InstantApp", "app_modules", "instant_app"]  # what one app has imported, the next has too


@dataclass(frozen=True)
class InstantApp:
    """Runs jobs that are submitted over HTTP, as on any host."""

    running: AppUnderTest

    async def run(self, corpus: Corpus, **fields: Any) -> dict[str, Any]:
        """The last status of a job over the files of a corpus."""
        api = ApiClient(self.running.host.origin)
        submitted = await asyncio.to_thread(corpus.submit, api, **fields)
        await self.running.run_until_idle()
        return await asyncio.to_thread(api.finished, submitted.json()["id"])


@asynccontextmanager
async def instant_app(
    storage: str, own: Mapping[str, str], network: Network | None = None
) -> AsyncIterator[InstantApp]:
    """A running app on the storage of that connection string, with settings and a network of its own."""
    with pytest.MonkeyPatch.context() as patched:
        # Where months pass in an instant, an hourly timer would run for most of the time.
        purge = {"AzureWebJobs.purge-history-function.Disabled": "true"}
        for name, value in {**clean_environment(storage), **purge, **own}.items():
            patched.setenv(name, value)
        settings.cache_clear()  # a process reads them once, and this one goes on to be another app
        opening.network = network
        try:
            async with running_app(ROOT, start=months_ago()) as running:
                yield InstantApp(running)
        finally:
            opening.network = None
            settings.cache_clear()
