"""Fixtures that several test levels share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from local.azurite import Azurite, azurite
from local.ports import free_port
from local.settings import Port, StackSettings

# No property here is about time, and a busy machine is no reason to fail one.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def stack_settings(tmp_path_factory: pytest.TempPathFactory) -> StackSettings:
    """A stack of the test run's own: free ports, and a state folder that is thrown away."""
    return settings_in(tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="session")
def storage(stack_settings: StackSettings) -> Iterator[Azurite]:
    """The one Azurite of the test run."""
    with azurite(stack_settings, in_memory=True) as serving:
        yield serving


def settings_in(state: Path) -> StackSettings:
    """Settings with ports that are free now."""
    ports = {
        name: Port(name.upper(), free_port(), chosen=True) for name in ("host", "blob", "queue", "table")
    }
    return StackSettings(**ports, state=state, fresh=False)
