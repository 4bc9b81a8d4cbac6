"""Fixtures that several test levels share."""

import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from azure.cosmos import CosmosClient
from hypothesis import settings

from local.emulators.azurite import Azurite, azurite
from local.emulators.cosmos.service import KEY, Cosmos, cosmos
from local.emulators.embeddings.service import Embeddings, embeddings
from local.ports import free_port
from local.settings import Port, StackSettings

# No property here is about time, and a busy machine is no reason to fail one.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# A shell lets what it starts in the background ignore Ctrl-C, which tests send to what they start themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def stack_settings(tmp_path_factory: pytest.TempPathFactory) -> StackSettings:
    """A stack of the test run's own: free ports, and a state folder that is thrown away."""
    return settings_in(tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="session")
def storage(stack_settings: StackSettings) -> Iterator[Azurite]:
    """The one Azurite of the test run."""
    with azurite(stack_settings, in_memory=True) as serving:
        yield serving


@pytest.fixture(scope="session")
def cosmos_emulator(stack_settings: StackSettings) -> Iterator[Cosmos]:
    """The one Cosmos DB emulator of the test run; each test has a database or container of its own."""
    with cosmos(stack_settings) as serving:
        yield serving


@pytest.fixture(scope="session")
def cosmos_client(cosmos_emulator: Cosmos) -> Iterator[CosmosClient]:
    """The one client of the tests themselves: to open one takes longer than most of what it is asked."""
    with CosmosClient(cosmos_emulator.endpoint, KEY) as client:
        yield client


@pytest.fixture(scope="session")
def embeddings_process(stack_settings: StackSettings) -> Iterator[Embeddings]:
    """The one embeddings server of the test run."""
    with embeddings(stack_settings) as serving:
        yield serving


@pytest.fixture
def embeddings_server(embeddings_process: Embeddings) -> Iterator[Embeddings]:
    """The embeddings server without faults, limits and counts; what a test orders ends with it."""
    embeddings_process.reset()
    yield embeddings_process
    embeddings_process.reset()


@pytest.fixture(scope="session")
def embedding_settings(cosmos_emulator: Cosmos, embeddings_process: Embeddings) -> dict[str, str]:
    """What a host needs for embedding jobs; `embeddings_server` resets the server for one test."""
    return cosmos_emulator.app_settings() | embeddings_process.app_settings()


def settings_in(state: Path) -> StackSettings:
    """Settings with ports that are free now."""
    names = "host", "blob", "queue", "table", "cosmos", "embeddings"
    ports = {name: Port(name.upper(), free_port(), chosen=True) for name in names}
    return StackSettings(**ports, model="hashing", state=state, fresh=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What was logged goes from one test process to the other, which halves of surrogate pairs cannot."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report
