"""A task hub over Python functions, run by the SDK itself; each behaviour is tested on file and in memory."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from .app import App, Hub


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


@pytest.fixture
async def hub(app: App, state: str) -> AsyncIterator[Hub]:
    async with Hub(app, state) as hub:
        yield hub


@pytest.fixture
def reopen(app: App, tmp_path: Path) -> Callable[[], Hub]:
    """Opens the hub of one state file, again and again, as successive hosts do."""
    return lambda: Hub(app, str(tmp_path / "state.db"))
