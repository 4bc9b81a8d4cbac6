"""Commands that follow, end, export and log instances, run functions and talk to entities."""

import asyncio
import json
from pathlib import Path

import pytest

from devhost.cli import run
from devhost.client.running_host import address_of_running_host, leave_address
from devhost.testing import running_app
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp
from tests.devhost.test_instance_commands import Terminal, ended
from tests.devhost.test_management_api import COUNTER


@pytest.fixture
async def terminal(app: SampleApp, start: StartHost, capsys: pytest.CaptureFixture[str]) -> Terminal:
    work = "import logging\ndef main(payload):\n    logging.warning('at work')\n    return {'did': payload}\n"
    app.activity("work", work)
    app.activity("boom", "def main(payload): raise ValueError('boom')\n")
    app.orchestrator("works", "return (yield context.call_activity('work', context.get_input()))")
    app.orchestrator("fails", "return (yield context.call_activity('boom'))")
    waits = "context.set_custom_status('waiting')\nreturn (yield context.wait_for_external_event('go'))"
    app.orchestrator("waits", waits)
    app.function("counter", {"name": "context", "type": "entityTrigger", "direction": "in"}, code=COUNTER)
    app.http("hello")
    host = (await start()).host
    return Terminal(host.port, host.hub, capsys)


async def test_watch_tells_steps_until_the_end_and_shows_the_instance(terminal: Terminal):
    await ended(terminal, "waits", "a")
    watching = asyncio.create_task(terminal("watch", "a"))
    await terminal.hub.raise_event("a", "go", "7")
    shown = (await watching).splitlines()
    assert [line for line in shown if "  event go  7" in line]
    assert [line for line in shown if "  ended Completed  7" in line]
    assert [line for line in shown if line.split() == ["output", "7"]]


async def test_watch_of_an_instance_that_fails_fails(terminal: Terminal):
    await ended(terminal, "fails", "a")
    code, out, error = await terminal.outcome("watch", "a")
    assert code == 5
    assert "activity boom  failed" in out
    assert "its status is Failed" in error


async def test_entity_cannot_be_watched(terminal: Terminal):
    await terminal("signal", "counter", "a", "add", "3")
    await terminal.hub.settle()
    code, sentence = await terminal.fails("watch", "@counter@a")
    assert (code, "is an entity, which never ends" in sentence) == (2, True)


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (["--prefix", "a"], {"b1"}),
        (["--status", "running"], set()),
        (["--status", "Suspended"], {"a1", "a2", "b1"}),
        (["--prefix", "a", "--status", "Running", "--reason", "enough"], {"b1"}),
    ],
)
async def test_terminate_ends_all_that_the_filters_name(
    terminal: Terminal, filters: list[str], left: set[str]
):
    await terminal("signal", "counter", "a", "add", "3")
    for instance_id in ("a1", "a2", "b1"):
        await ended(terminal, "waits", instance_id)
    await ended(terminal, "works", "a3")
    told = await terminal("terminate", *filters)
    await terminal.hub.settle()
    count = 3 - len(left)
    assert told == f"{count} {'is' if count == 1 else 'are'} being terminated.\n"
    assert {found["instanceId"] for found in await terminal.json("instances", "--status", "running")} == left
    assert await terminal("read", "counter", "a") == "3\n"


async def test_terminate_wants_to_know_what_to_terminate(terminal: Terminal):
    assert (await terminal.fails("terminate"))[0] == 2
    assert (await terminal.fails("terminate", "a", "--prefix", "a"))[0] == 2


async def test_signalled_entity_is_read_in_words(terminal: Terminal):
    said = await terminal("signal", "Counter", "a", "add", "3")
    assert said == "add is on its way to @counter@a.\n"
    await terminal.hub.settle()
    assert await terminal("read", "counter", "a") == "3\n"
    assert await terminal.json("read", "counter", "a") == 3
    code, sentence = await terminal.fails("signal", "absent", "a", "add")
    assert (code, "is not an entity function" in sentence) == (1, True)
    assert (await terminal.fails("read", "counter", "b"))[0] == 4


async def test_logs_are_those_of_the_instance(terminal: Terminal):
    await ended(terminal, "works", "a")
    await ended(terminal, "works", "b")
    await ended(terminal, "fails", "c")
    shown = await terminal("logs", "a")
    assert "[work] at work" in shown
    assert len(await terminal.json("logs", "a")) == len(await terminal.json("logs", "b")) >= 1
    assert "ValueError: boom" in await terminal("logs", "c")


async def test_exported_history_replays_on_the_code(
    app: SampleApp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "true")
    app.activity("work", "def main(payload): return payload\n")
    app.orchestrator("works", "return (yield context.call_activity('work', 7))")
    async with running_app(app.root) as running:
        terminal = Terminal(running.host.port, running.host.hub, capsys)
        await ended(terminal, "works", "a")
        history = json.loads(await terminal("export", "a"))
        assert history == await running.history("a")
        assert await running.replay("works", history) is None


async def test_entity_has_no_history_to_export(terminal: Terminal):
    await terminal("signal", "counter", "a", "add", "3")
    await terminal.hub.settle()
    assert (await terminal.fails("export", "@counter@a"))[0] == 1


async def test_run_calls_a_function_and_prints_what_an_activity_returns(terminal: Terminal):
    assert await terminal("run", "work", '{"n": 1}') == '{"did": {"n": 1}}\n'
    assert await terminal.json("run", "Work", "5") == {"did": 5}
    for function, reason in (
        ("boom", "boom failed: ValueError: boom"),
        ("works", "'works' cannot be run by hand: call its route, or start an orchestration."),
        ("hello", "'hello' cannot be run by hand"),
        ("absent", "has no function 'absent'"),
    ):
        code, sentence = await terminal.fails("run", function)
        assert (code, reason in sentence) == (1, True), sentence


def test_commands_ask_the_host_of_the_folder_that_they_are_given_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    inside = tmp_path / "app" / "some" / "folder"
    inside.mkdir(parents=True)
    assert address_of_running_host(inside) == "http://localhost:7071"
    address = leave_address(tmp_path / "app", "http://localhost:1")
    monkeypatch.chdir(inside)
    assert run(["instances"]) == 3
    assert "No host answers at http://localhost:1 " in capsys.readouterr().err
    address.take_away()
    assert address_of_running_host(inside) == "http://localhost:7071"
