"""Settings of the property tests, as a busy machine is no reason to fail; and an Azure site to run on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.configuration_services import ConfigurationServices, configuration_services

settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture
async def azure_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConfigurationServices]:
    """A site that gives its app an identity, beside a store and a vault."""
    async with configuration_services(tmp_path) as (services, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield services
