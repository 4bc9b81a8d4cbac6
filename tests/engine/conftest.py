"""A task hub over Python functions, run by the SDK itself; each behaviour is tested on file and in memory."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from devhost.engine.execution import ExecutionCache
from tests.engine.app import App, Hub


@pytest.fixture(params=["file", "memory"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "state.db") if request.param == "file" else ":memory:"


@pytest.fixture
def app() -> App:
    app = App()

    @app.activity
    def echo(value):
        return value

    return app


@pytest.fixture(params=["kept", "read anew"])
async def hub(app: App, state: str, request: pytest.FixtureRequest) -> AsyncIterator[Hub]:
    """Executions are kept in memory between their episodes, or forgotten as if each had a host of its own."""
    async with Hub(app, state) as hub:
        if request.param == "read anew":
            hub._dispatcher._executions = ExecutionCache(0)
        yield hub


@pytest.fixture
def reopen(app: App, tmp_path: Path) -> Callable[[], Hub]:
    """Opens the hub of one state file, again and again, as successive hosts do."""
    return lambda: Hub(app, str(tmp_path / "state.db"))
