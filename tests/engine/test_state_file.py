"""The state file gives back what purged instances have left free."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from devhost.engine.instance import InstanceQuery
from tests.engine.app import App, Hub

LARGE = '"' + "x" * 1_000_000 + '"'


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    @app.orchestrator
    def keep(context):
        return context.get_input()


async def filled(hub: Hub) -> None:
    for _ in range(5):
        await hub.start_orchestration("keep", input_text=LARGE)
    await hub.settle()


async def shrinks_to(path: Path, size: int) -> None:
    async with asyncio.timeout(20):
        while _size(path) > size:
            await asyncio.sleep(0.02)


def _size(path: Path) -> int:
    """Bytes of the file and its log."""
    return path.stat().st_size + path.with_name(f"{path.name}-wal").stat().st_size


async def test_file_shrinks_after_a_purge(reopen: Callable[[], Hub], tmp_path: Path):
    async with reopen() as hub:
        await filled(hub)
        assert await hub.purge_by(InstanceQuery()) == 5
        await shrinks_to(tmp_path / "state.db", 5_000_000)


async def test_file_that_could_not_shrink_once_does_under_the_next_host(
    reopen: Callable[[], Hub], tmp_path: Path
):
    async with reopen() as hub:
        await filled(hub)
        await hub.purge_by(InstanceQuery())
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as connection:
        connection.executescript("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM;")
    connection.close()
    async with reopen() as hub:
        await filled(hub)
        await hub.purge_by(InstanceQuery())
        await shrinks_to(path, 5_000_000)
