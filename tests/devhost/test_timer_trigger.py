"""Timer functions on a clock that the test moves: when they run, and what a restarted host knows of them."""

import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.engine.clock import SystemClock, VirtualClock
from devhost.host import IN_MEMORY, Host, HostOptions
from devhost.settings.host_json import read_host_settings
from devhost.triggers.timer_status import FILE_SUFFIX
from tests.devhost.sample_app import SampleApp
from tests.devhost.storage_app import timer_trigger, until

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DAILY_AT_THREE = "0 0 3 * * *"
NEVER_RAN = "0001-01-01T00:00:00+00:00"

NOTES_REQUEST = """
    import json
    import azure.functions as func
    def main(timer: func.TimerRequest):
        with open("runs", "a") as file:
            file.write(json.dumps([timer.past_due, timer.schedule_status, timer.schedule]) + "\\n")
"""

WRITES_FILE = """
    from pathlib import Path
    def main(timer: str):
        Path("written").touch()
"""

StartAt = Callable[..., AbstractAsyncContextManager[Host]]


@pytest.fixture
def running_at(app: SampleApp) -> StartAt:
    """Runs the app on a clock, inside a block."""

    @contextlib.asynccontextmanager
    async def run(
        clock: Any, *, state: str = IN_MEMORY, fresh: bool = False, grace: float = 2
    ) -> AsyncIterator[Host]:
        options = HostOptions(app.root, port=0, state=state, fresh=fresh)
        host = await Host.start(options, read_host_settings(app.root), clock=clock)
        try:
            yield host
        finally:
            await host.stop(grace=grace)

    return run


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(MIDNIGHT)


@pytest.fixture
def state(tmp_path: Path) -> str:
    return str(tmp_path / "state.db")


def runs(app: SampleApp) -> list[Any]:
    file = app.root / "runs"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def broken(file: str) -> None:
    Path(file).write_text("{")


async def ran(app: SampleApp, count: int) -> list[Any]:
    """The requests of all runs, when there have been so many."""

    await until(lambda: len(runs(app)) >= count)
    return runs(app)


async def test_timer_runs_when_it_is_due_and_not_before(app, running_at, clock):
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    app.function("early", timer_trigger("59 59 2 * * *"), code=WRITES_FILE)
    async with running_at(clock):
        clock.advance_to(MIDNIGHT + 3 * HOUR - timedelta(seconds=1))
        await app.wrote("written")
        assert runs(app) == []
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        await ran(app, 1)


async def test_timer_runs_again_on_each_of_the_following_days(app, running_at, clock):
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock):
        for day in range(5):
            clock.advance_to(MIDNIGHT + day * DAY + 3 * HOUR)
            await ran(app, day + 1)
        assert len(runs(app)) == 5


async def test_first_request_has_no_past_and_knows_what_is_next(app, running_at, clock):
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock):
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        [[past_due, status, schedule]] = await ran(app, 1)
        assert past_due is False
        assert schedule == {"AdjustForDST": True}
        assert status == {
            "Last": NEVER_RAN,
            "Next": "2026-01-01T03:00:00+00:00",
            "LastUpdated": "2026-01-01T00:00:00+00:00",
        }


async def test_restarted_host_knows_when_a_timer_ran_last(app, running_at, clock, state):
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock, state=state):
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        await ran(app, 1)
    async with running_at(clock, state=state):
        clock.advance_to(MIDNIGHT + DAY + 3 * HOUR)
        [_, [past_due, status, _]] = await ran(app, 2)
        assert past_due is False
        assert status["Last"] == "2026-01-01T03:00:00+00:00"


async def test_runs_missed_while_the_host_was_down_are_made_up_for_once_at_its_start(
    app, running_at, clock, state
):
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock, state=state):
        pass
    clock.advance_to(MIDNIGHT + 4 * DAY)
    async with running_at(clock, state=state):
        [[past_due, status, _]] = await ran(app, 1)
        assert past_due is True
        assert status["Next"] == "2026-01-01T03:00:00+00:00"
        clock.advance_to(MIDNIGHT + 4 * DAY + 3 * HOUR)
        assert [run[0] for run in await ran(app, 2)] == [True, False]


async def test_host_that_was_down_between_due_times_makes_up_for_nothing(app, running_at, clock, state):
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock, state=state):
        pass
    clock.advance_to(MIDNIGHT + 2 * HOUR)
    async with running_at(clock, state=state):
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        assert [run[0] for run in await ran(app, 1)] == [False]


async def test_fresh_start_forgets_the_timers_too(app, running_at, clock, state):
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock, state=state):
        pass
    clock.advance_to(MIDNIGHT + 4 * DAY)
    async with running_at(clock, state=state, fresh=True):
        clock.advance_to(MIDNIGHT + 4 * DAY + 3 * HOUR)
        assert [run[0] for run in await ran(app, 1)] == [False]


async def test_edited_schedule_is_not_past_due_by_its_new_times(app, running_at, clock, state):
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock, state=state):
        pass
    app.function("tick", timer_trigger("0 0 4 * * *"), code=NOTES_REQUEST)
    clock.advance_to(MIDNIGHT + 2 * DAY)
    async with running_at(clock, state=state):
        clock.advance_to(MIDNIGHT + 2 * DAY + 4 * HOUR)
        [[past_due, status, _]] = await ran(app, 1)
    assert past_due is False
    assert status["Next"] == "2026-01-03T04:00:00+00:00"


async def test_unreadable_state_of_timers_is_reported_and_begins_anew(app, running_at, clock, state, caplog):
    broken(state + FILE_SUFFIX)
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock, state=state):
        assert "is not readable and is replaced" in caplog.text
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        await ran(app, 1)


async def test_unmonitored_timer_has_no_status_and_is_never_past_due(app, running_at, clock, state):
    app.function("tick", timer_trigger(DAILY_AT_THREE, useMonitor=False), code=NOTES_REQUEST)
    async with running_at(clock, state=state):
        pass
    clock.advance_to(MIDNIGHT + 4 * DAY)
    async with running_at(clock, state=state):
        clock.advance_to(MIDNIGHT + 4 * DAY + 3 * HOUR)
        assert await ran(app, 1) == [[False, {}, {"AdjustForDST": True}]]


async def test_timer_of_every_few_seconds_is_not_monitored(app, running_at, clock):
    app.function("tick", timer_trigger("*/10 * * * * *"), code=NOTES_REQUEST)
    async with running_at(clock):
        clock.advance_to(MIDNIGHT + timedelta(seconds=10))
        assert (await ran(app, 1))[0][1] == {}


async def test_run_on_startup_runs_at_once_and_on_schedule(app, running_at, clock):
    app.function("tick", timer_trigger(DAILY_AT_THREE, runOnStartup=True), code=NOTES_REQUEST)
    async with running_at(clock):
        assert [run[0] for run in await ran(app, 1)] == [False]
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        await ran(app, 2)


async def test_run_that_outlasts_the_interval_is_followed_by_one_more_and_not_overlapped(
    app, running_at, clock
):
    code = """
        import asyncio, pathlib
        async def main(timer: str):
            number = len(list(pathlib.Path().glob("began*")))
            pathlib.Path(f"began{number}").touch()
            while not pathlib.Path(f"end{number}").exists():
                await asyncio.sleep(0.005)
            pathlib.Path(f"ended{number}").touch()
    """
    app.function("slow", timer_trigger("0 */5 * * * *"), code=code)
    async with running_at(clock):
        clock.advance_to(MIDNIGHT + 5 * MINUTE)
        await app.wrote("began0")
        clock.advance_to(MIDNIGHT + 12 * MINUTE)
        assert not (app.root / "began1").exists()
        app.file("end0", "")
        await app.wrote("began1")
        assert (app.root / "ended0").exists()
        app.file("end1", "")
        await app.wrote("ended1")
        assert not (app.root / "began2").exists()


async def test_failed_run_does_not_stop_the_schedule(app, running_at, clock):
    code = NOTES_REQUEST + "        raise ValueError('cannot')\n"
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=code)
    async with running_at(clock):
        for day in range(2):
            clock.advance_to(MIDNIGHT + day * DAY + 3 * HOUR)
            await ran(app, day + 1)


async def test_interval_counts_from_the_start_of_the_host(app, running_at):
    clock = VirtualClock(MIDNIGHT + 7 * MINUTE)
    app.function("tick", timer_trigger("01:30:00"), code=NOTES_REQUEST)
    async with running_at(clock):
        clock.advance_to(clock.now() + 90 * MINUTE)
        assert (await ran(app, 1))[0][2] == {"AdjustForDST": False}


async def test_schedule_is_read_from_a_setting(app, running_at, clock, monkeypatch):
    monkeypatch.setenv("RETENTION_SCHEDULE", DAILY_AT_THREE)
    app.function("tick", timer_trigger("%RETENTION_SCHEDULE%"), code=NOTES_REQUEST)
    async with running_at(clock):
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        await ran(app, 1)


async def test_time_zone_of_the_site_decides_when_it_is_three_o_clock(app, running_at, clock, monkeypatch):
    monkeypatch.setenv("WEBSITE_TIME_ZONE", "Europe/Berlin")
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock):
        clock.advance_to(MIDNIGHT + 2 * HOUR)
        assert (await ran(app, 1))[0][1]["Next"] == "2026-01-01T02:00:00+00:00"


async def test_unknown_time_zone_is_an_error_that_names_the_setting(
    app, running_at, clock, monkeypatch, caplog
):
    monkeypatch.setenv("WEBSITE_TIME_ZONE", "Mars/Olympus")
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock):
        assert "WEBSITE_TIME_ZONE is 'Mars/Olympus', which is not a time zone" in caplog.text


async def test_impossible_schedule_is_an_error_of_that_function_alone(app, running_at, clock, caplog):
    app.function("bad", timer_trigger("61 * * * * *"), code=NOTES_REQUEST)
    app.function("tick", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    async with running_at(clock):
        assert "The 'bad' function is in error: The schedule expression was not recognized" in caplog.text
        assert "61 is not a valid second" in caplog.text
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        await ran(app, 1)


async def test_disabled_timer_does_not_run_and_is_said_to_be_disabled(
    app, running_at, clock, monkeypatch, caplog
):
    caplog.set_level(logging.INFO, "devhost")
    monkeypatch.setenv("AzureWebJobs.off.Disabled", "true")
    app.function("off", timer_trigger(DAILY_AT_THREE, runOnStartup=True), code=NOTES_REQUEST)
    app.function("on", timer_trigger(DAILY_AT_THREE), code=WRITES_FILE)
    async with running_at(clock):
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        await app.wrote("written")
        assert runs(app) == []
        assert "The function 'off' is disabled by its setting." in caplog.text


async def test_timer_runs_by_the_clock_of_the_machine(app, running_at):
    app.function("tick", timer_trigger("* * * * * *"), code=NOTES_REQUEST)
    async with running_at(SystemClock()):
        await ran(app, 2)


async def test_run_that_a_stop_cut_off_is_past_due_at_the_next_start(app, running_at, clock, state):
    code = NOTES_REQUEST.replace("def main", "async def main") + "        await asyncio.Event().wait()\n"
    app.function("slow", timer_trigger(DAILY_AT_THREE), code="\n    import asyncio" + code)
    async with running_at(clock, state=state, grace=0):
        clock.advance_to(MIDNIGHT + 3 * HOUR)
        await ran(app, 1)
    app.function("slow", timer_trigger(DAILY_AT_THREE), code=NOTES_REQUEST)
    clock.advance_to(MIDNIGHT + 4 * HOUR)
    async with running_at(clock, state=state):
        assert [run[0] for run in await ran(app, 2)] == [False, True]
