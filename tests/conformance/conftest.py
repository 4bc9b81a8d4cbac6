"""The scenario app on this host, driven by the recorded requests: once as it is, once in strict parity."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from devhost.host import Host, HostOptions
from devhost.settings.host_json import read_host_settings
from tests.conformance.comparison import compare
from tests.conformance.differences import Difference
from tests.conformance.records import Run, recorded_run, run_of
from tests.conformance.replay import Replay
from tests.conformance.scenario_app import write_scenario_app


@dataclass(frozen=True)
class Trial:
    """A run of this host, and in what it differs from the recorded one."""

    strict_parity: bool
    run: Run
    differences: list[Difference]

    def differences_of(self, kind: str) -> list[Difference]:
        """The differences of `exchange`, `execution`, `entity` or `starter`."""
        return [difference for difference in self.differences if difference.path.startswith(kind)]


@pytest.fixture(scope="session")
def recorded() -> Run:
    return recorded_run()


@pytest.fixture(scope="session", params=[False, True], ids=["default", "strict parity"])
async def trial(
    request: pytest.FixtureRequest, recorded: Run, tmp_path_factory: pytest.TempPathFactory
) -> Trial:
    app = tmp_path_factory.mktemp("scenario")
    write_scenario_app(app)
    options = HostOptions(app, port=0, grace=5, strict_parity=request.param)
    async with _started(options) as host, aiohttp.ClientSession() as session:
        exchanges = await Replay(host, session).run(recorded.exchanges)
    run = run_of(app, exchanges)
    return Trial(request.param, run, list(compare(recorded, run)))


@contextlib.asynccontextmanager
async def _started(options: HostOptions) -> AsyncIterator[Host]:
    host = await Host.start(options, read_host_settings(options.app_dir))
    try:
        yield host
    finally:
        await host.stop()
