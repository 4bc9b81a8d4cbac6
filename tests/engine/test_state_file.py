"""The state file: what is written to it and when, what it gives back, and files of earlier hosts."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from devhost.engine.entity import EntityState
from devhost.engine.instance import InstanceQuery
from devhost.engine.state_file import prepare
from tests.engine.app import App, Hub, output

LARGE = '"' + "x" * 1_000_000 + '"'
_AS_SCHEMA_2 = """
ALTER TABLE instances ADD COLUMN input TEXT;
UPDATE instances SET input = (SELECT input FROM inputs WHERE inputs.instance_id = instances.instance_id);
DROP TABLE inputs;
PRAGMA user_version = 2;
"""


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    @app.orchestrator
    def keep(context):
        return context.get_input()

    @app.orchestrator
    def steps(context):
        for _ in range(10):
            yield context.wait_for_external_event("step")
        return len(context.get_input())

    @app.entity
    def counter(context):
        context.set_state((context.get_state() or 0) + context.get_input())


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


async def test_steps_do_not_write_a_large_input_again(hub: Hub):
    job = await hub.begin("steps", "x" * 1_000_000)
    await hub.settle()
    statements: list[str] = []
    hub._store._connection.set_trace_callback(statements.append)
    for _ in range(10):
        await hub.raise_event(job, "step", "1")
        await hub.settle()
    assert output(await hub.state_of(job)) == 1_000_000
    assert sum(map(len, statements)) < 100_000


async def test_file_of_the_schema_before_goes_on_where_it_was(reopen: Callable[[], Hub], tmp_path: Path):
    async with reopen() as hub:
        job = await hub.begin("steps", "four")
        await hub.begin("keep", "again", instance_id="ended")
        await hub.signal_entity("counter", "a", "add", json.dumps("3"))
        await hub.settle()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.executescript(_AS_SCHEMA_2)
    connection.close()
    async with reopen() as hub:
        for _ in range(10):
            await hub.raise_event(job, "step", "1")
            await hub.settle()
        await hub.signal_entity("counter", "a", "add", json.dumps("4"))
        restarted = await hub.restart("ended", new_id=True)
        await hub.settle()
        assert output(await hub.state_of(job)) == 4
        assert output(await hub.state_of(restarted)) == "again"
        assert await hub.get_entity("counter", "a") == EntityState(exists=True, state="7")


async def test_upgraded_file_has_the_tables_of_a_new_one(reopen: Callable[[], Hub], tmp_path: Path):
    async with reopen():
        pass
    path = tmp_path / "state.db"
    new = columns(path)
    with sqlite3.connect(path) as connection:
        connection.executescript(_AS_SCHEMA_2)
    connection.close()
    async with reopen():
        pass
    assert columns(path) == new


def columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Name, type and constraints of each column, by table."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in tables}


async def test_upgrade_that_fails_midway_is_done_by_the_next_host(reopen: Callable[[], Hub], tmp_path: Path):
    path = tmp_path / "state.db"
    async with reopen() as hub:
        await hub.begin("keep", "x" * 1_000_000, instance_id="ended")
        await hub.settle()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"{_AS_SCHEMA_2} VACUUM;")
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 10}")  # room for a table, not for the input
    with pytest.raises(sqlite3.OperationalError, match="full"):
        prepare(connection, str(path))
    connection.close()
    async with reopen() as hub:
        restarted = await hub.restart("ended", new_id=True)
        await hub.settle()
        assert output(await hub.state_of(restarted)) == "x" * 1_000_000
