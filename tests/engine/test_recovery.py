"""What survives the host: everything that was stored, and nothing twice."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from devhost.engine.errors import StateFileInUse, StateFileOutdated
from devhost.engine.listing import ListQuery
from devhost.engine.options import HubOptions
from devhost.engine.store import Store
from tests.engine.app import App, Hub, output


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    @app.orchestrator
    def chain(context):
        first = yield context.call_activity("echo", 1)
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        event = yield context.wait_for_external_event("go")
        return [first, event]


async def test_timers_and_waits_go_on_under_the_next_host(reopen: Callable[[], Hub]):
    async with reopen() as hub:
        await hub.begin("chain", instance_id="one")
        await hub.settle()
    async with reopen() as hub:
        await hub.run_until_idle()
    async with reopen() as hub:
        await hub.raise_event("one", "go", '"now"')
        await hub.run_until_idle()
        assert output(await hub.state_of("one")) == [1, "now"]


async def test_state_of_a_host_that_had_no_lists_is_listed(reopen: Callable[[], Hub], tmp_path: Path):
    async with reopen() as hub:
        await hub.begin("chain", instance_id="one")
        await hub.settle()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        for index in ("roots_by_age", "instances_by_age", "children_by_age"):
            connection.execute(f"DROP INDEX {index}")
    connection.close()
    async with reopen() as hub:
        for query in (ListQuery(9), ListQuery(9, name="chain"), ListQuery(9, parent="one")):
            found = [instance.instance_id for instance in await hub.list_newest(query)]
            assert found == ([] if query.parent else ["one"])


async def test_activity_that_was_running_runs_again_under_the_next_host(app: App, reopen: Callable[[], Hub]):
    started = asyncio.Event()
    runs: list[str] = []

    @app.activity
    async def slow(value):
        runs.append(value)
        started.set()
        if len(runs) == 1:
            await asyncio.Event().wait()
        return value

    @app.orchestrator
    def job(context):
        result = yield context.call_activity("slow", "x")
        return result

    hub = reopen()
    await hub.start()
    await hub.begin("job", instance_id="one")
    await started.wait()
    await hub.stop(grace=0)
    async with reopen() as hub:
        await hub.run_until_idle()
        assert output(await hub.state_of("one")) == "x"
    assert runs == ["x", "x"]


async def test_message_that_was_stored_but_not_taken_is_taken_by_the_next_host(reopen: Callable[[], Hub]):
    hub = reopen()
    await hub.begin("chain", instance_id="one")
    await hub.stop(grace=0)
    async with reopen() as hub:
        await hub.settle()
        assert (await hub.state_of("one")).status == "Running"


async def test_state_file_belongs_to_one_host_at_a_time(reopen: Callable[[], Hub], tmp_path: Path):
    async with reopen():
        with pytest.raises(StateFileInUse, match="is in use by another host"):
            Store.open(str(tmp_path / "state.db"))


async def test_state_file_of_another_schema_is_refused(tmp_path: Path):
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StateFileOutdated, match="--fresh"):
        Store.open(str(path))


async def test_outcome_of_an_activity_of_an_earlier_execution_is_dropped(app: App, hub: Hub):
    """The instance is terminated and started again while the old activity still runs."""
    release = asyncio.Event()

    @app.activity
    async def slow(value):
        if value == "old":
            await release.wait()
        return value

    @app.orchestrator
    def job(context):
        result = yield context.call_activity("slow", context.get_input())
        return result

    await hub.begin("job", "old", instance_id="one")
    await until(hub._dispatcher._calls.empty)
    await hub.terminate("one", None)
    await ended(hub, "one")
    await hub.begin("job", "new", instance_id="one")
    release.set()
    await hub.run_until_idle()
    assert output(await hub.state_of("one")) == "new"


async def test_activities_run_at_most_as_many_at_once_as_the_options_say(app: App, tmp_path: Path):
    running = 0
    most = 0

    @app.activity
    async def work(_value):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    @app.orchestrator
    def fan_out(context):
        yield context.task_all([context.call_activity("work", n) for n in range(30)])

    async with Hub(app, ":memory:", HubOptions(max_concurrent_activities=3)) as hub:
        await hub.run("fan_out")
    assert most == 3


async def test_failed_operation_leaves_others_of_its_commit_alone(hub: Hub):
    """Changes share commits; one that is refused undoes nothing but itself."""
    outcomes = await asyncio.gather(
        *(hub.begin("chain", instance_id="same") for _ in range(5)),
        *(hub.begin("chain", instance_id=f"other-{n}") for n in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 4
    assert sum(outcome == "same" for outcome in outcomes) == 1


async def until(condition: Callable[[], bool]) -> None:
    """Lets the loop run until the condition holds."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def ended(hub: Hub, instance_id: str) -> None:
    """Waits for the end of an instance while other work of it goes on."""
    async with asyncio.timeout(30):
        while not (await hub.state_of(instance_id)).status.is_terminal:
            await asyncio.sleep(0.001)
