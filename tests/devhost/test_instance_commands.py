"""`python -m devhost instances`, `history` and the other commands against a running host."""

import asyncio
import json
import re
import socket
from typing import Any

import pytest

from devhost.cli import run
from devhost.client import COMMANDS
from devhost.client.management import ManagementClient
from devhost.engine.task_hub import TaskHub
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp

ENTITY = "import azure.durable_functions as df\nmain = df.Entity.create(lambda context: None)\n"


class Terminal:
    """Runs commands against the host of a test."""

    def __init__(self, host_port: int, hub: TaskHub, capsys: pytest.CaptureFixture[str]) -> None:
        self._address = f"localhost:{host_port}"
        self._capsys = capsys
        self.hub = hub

    async def fails(self, *arguments: str) -> tuple[int, str]:
        """The exit code and the sentence of a command that is not carried out."""
        code, out, error = await self._run(arguments)
        assert (out, error.count("\n")) == ("", 1), error
        return code, error

    async def __call__(self, *arguments: str) -> str:
        """What a command prints."""
        code, out, error = await self._run(arguments)
        assert (code, error) == (0, "")
        return out

    async def json(self, *arguments: str) -> Any:
        """What a command prints for programs."""
        return json.loads(await self(*arguments, "--json"))

    async def outcome(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code of a command and all that it says."""
        return await self._run(arguments)

    async def _run(self, arguments: tuple[str, ...]) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run, [*arguments, "--host", self._address])
        return code, *self._capsys.readouterr()


@pytest.fixture
async def terminal(app: SampleApp, start: StartHost, capsys: pytest.CaptureFixture[str]) -> Terminal:
    app.activity("work", "def main(payload): return {'did': payload}\n")
    app.activity("boom", "def main(payload): raise ValueError('boom')\n")
    app.orchestrator("works", "return (yield context.call_activity('work', context.get_input()))")
    app.orchestrator("fails", "return (yield context.call_activity('boom'))")
    app.orchestrator("waits", "return (yield context.wait_for_external_event('go'))")
    app.orchestrator("parent", "return (yield context.call_sub_orchestrator('works', 7))")
    app.function("counter", {"name": "context", "type": "entityTrigger", "direction": "in"}, code=ENTITY)
    host = (await start()).host
    return Terminal(host.port, host.hub, capsys)


async def ended(terminal: Terminal, name: str, instance_id: str) -> None:
    await terminal("start", name, "--id", instance_id)
    await terminal.hub.settle()


async def test_started_orchestration_gets_its_input_as_the_sdk_gives_it(terminal: Terminal):
    shown = await terminal.json("start", "works", '{"n": 1}', "--wait")
    assert shown["output"] == {"did": {"n": 1}}


async def test_start_prints_the_id_alone_for_scripts(terminal: Terminal):
    assert await terminal("start", "works", "--id", "a") == "a\n"


async def test_waiting_for_a_failing_orchestration_fails(terminal: Terminal):
    code, sentence = await terminal.fails("start", "fails", "--id", "a", "--wait")
    assert code == 5
    assert sentence == (
        "Instance 'a' has not completed: its status is Failed. Orchestrator function 'fails' failed: "
        "Activity function 'boom' failed:  ValueError: boom\n"
    )


async def test_instances_are_listed_with_status_and_age(terminal: Terminal):
    await ended(terminal, "works", "a")
    await ended(terminal, "waits", "b")
    listed = (await terminal("instances")).splitlines()
    assert re.fullmatch(r"id +orchestrator +status +created +took *", listed[0])
    assert any(re.match(r"a +works +Completed +\d\d:\d\d:\d\d, .+ ago", line) for line in listed)
    assert any(re.match(r"b +waits +Running ", line) for line in listed)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--status", "failed"], {"bad-1"}),
        (["--status", "Failed", "--status", "Running"], {"bad-1", "open-1"}),
        (["--prefix", "o"], {"ok-1", "open-1"}),
        (["--since", "1h"], {"ok-1", "bad-1", "open-1"}),
        (["--since", "2999-01-01"], set()),
    ],
)
async def test_filters_narrow_the_list(terminal: Terminal, filters: list[str], expected: set[str]):
    for name, instance_id in (("works", "ok-1"), ("fails", "bad-1"), ("waits", "open-1")):
        await ended(terminal, name, instance_id)
    found = await terminal.json("instances", *filters)
    assert {instance["instanceId"] for instance in found} == expected


async def test_more_instances_than_a_page_are_all_counted(terminal: Terminal):
    for number in range(105):
        await terminal("start", "waits", "--id", f"i{number:03}")
    assert "2 of 105; --top 105 shows all." in await terminal("instances", "--top", "2")


async def test_entities_are_listed_only_when_asked_for(app: SampleApp, terminal: Terminal):
    await terminal.hub.signal_entity("counter", "a", "add", None)
    await terminal.hub.settle()
    assert await terminal("instances") == "No instance fits.\n"
    assert [found["instanceId"] for found in await terminal.json("instances", "--entities")] == ["@counter@a"]


async def test_history_shows_steps_with_durations_and_where_the_time_went(terminal: Terminal):
    await ended(terminal, "parent", "a")
    shown = await terminal("history", "a")
    assert re.search(r"parent a +Completed +\d.*: .+ working, .+ waiting", shown)
    assert re.search(r"\+\d+ ms +orchestration +works +\d+ ms +█+ +completed \{\"did\": 7\}", shown)
    assert re.search(r"ended +Completed ", shown)


async def test_history_tells_what_an_activity_waited_from_what_it_took(terminal: Terminal):
    await ended(terminal, "works", "a")
    shown = await terminal("history", "a")
    assert re.search(r"after +step +name +waited +took", shown)
    assert re.search(r"activity +work +\d+ ms +\d+ ms +░*█+ +completed", shown)
    (run,) = [step for step in await terminal.json("history", "a") if step["EventType"] == "TaskCompleted"]
    assert run["ScheduledTime"] <= run["StartedTime"] <= run["Timestamp"]


async def test_history_of_a_failure_shows_its_reason(terminal: Terminal):
    await ended(terminal, "fails", "a")
    assert re.search(
        r"activity +boom .*failed Activity function 'boom' failed:", await terminal("history", "a")
    )


@pytest.mark.parametrize("command", ["show", "history"])
async def test_long_values_are_cut_unless_all_is_asked_for(terminal: Terminal, command: str):
    await terminal("start", "works", json.dumps("x" * 5000), "--id", "a")
    await terminal.hub.settle()
    assert "x" * 301 not in (await terminal(command, "a")).replace("\n", "")
    assert len(re.findall("x", await terminal(command, "a", "--full"))) >= 10000


async def test_history_tells_how_to_see_what_is_cut_where_something_is(terminal: Terminal):
    for instance_id, length in (("short", 5), ("long", 500)):
        await terminal("start", "works", json.dumps("x" * length), "--id", instance_id)
        await terminal.hub.settle()
    assert "--full" not in await terminal("history", "short")
    assert await terminal("history", "long") != await terminal("history", "long", "--full")
    assert "n characters more, which --full shows" in await terminal("history", "long")


async def test_history_of_an_entity_says_that_there_is_none(terminal: Terminal):
    await terminal.hub.signal_entity("counter", "a", "add", "1")
    await terminal.hub.settle()
    assert "There are no steps." in await terminal("history", "@counter@a")


async def test_why_names_the_event_that_each_live_instance_waits_for(terminal: Terminal):
    await ended(terminal, "waits", "a")
    await ended(terminal, "works", "b")
    assert "event 'go'" in await terminal("why", "a")
    assert await terminal("why", "b") == "It has ended.\n"
    assert [*await terminal.json("why")] == ["a"]


async def test_raised_event_reaches_the_code_as_value(terminal: Terminal):
    await ended(terminal, "waits", "a")
    await terminal("raise", "a", "go", '{"n": 1}')
    await terminal.hub.settle()
    assert (await terminal.json("show", "a"))["output"] == {"n": 1}


@pytest.mark.parametrize(
    ("commands", "status"),
    [
        (["suspend"], "Suspended"),
        (["suspend", "resume"], "Running"),
        (["suspend", "terminate"], "Terminated"),
        (["terminate"], "Terminated"),
    ],
)
async def test_commands_move_an_instance(terminal: Terminal, commands: list[str], status: str):
    await ended(terminal, "waits", "a")
    for command in commands:
        assert (await terminal(command, "a", "--reason", "because")).startswith("a ")
        await terminal.hub.settle()
    assert (await terminal.json("show", "a"))["runtimeStatus"] == status


async def test_rewound_instance_tries_its_failed_activity_again(terminal: Terminal):
    await ended(terminal, "fails", "a")
    assert await terminal("rewind", "a") == "a tries its failed tasks again.\n"
    await terminal.hub.settle()
    assert "boom" in (await terminal.json("show", "a"))["output"]


@pytest.mark.parametrize(("option", "same"), [([], False), (["--same-id"], True)])
async def test_restart_uses_a_new_id_unless_told_otherwise(
    terminal: Terminal, option: list[str], *, same: bool
):
    await ended(terminal, "works", "a")
    assert ((await terminal("restart", "a", *option)) == "a\n") is same


async def test_purge_forgets_the_named_instances(terminal: Terminal):
    await ended(terminal, "works", "a")
    assert await terminal("purge", "a") == "1 purged.\n"
    assert (await terminal.fails("show", "a"))[0] == 4


async def test_purge_by_status_spares_the_others(terminal: Terminal):
    for name in ("works", "fails", "waits"):
        await ended(terminal, name, name)
    assert await terminal("purge", "--status", "Failed") == "1 purged.\n"
    assert {found["instanceId"] for found in await terminal.json("instances")} == {"works", "waits"}
    assert await terminal("purge", "--all") == "1 purged.\n"
    assert [found["instanceId"] for found in await terminal.json("instances")] == ["waits"]


async def test_purge_wants_to_know_what_to_purge(terminal: Terminal):
    assert (await terminal.fails("purge"))[0] == 2
    assert (await terminal.fails("purge", "a", "--all"))[0] == 2


WITHOUT_ID = {"instances", "start", "run", "signal", "read", "page"}
NEEDS_ID = [name for name in COMMANDS if name not in WITHOUT_ID]


@pytest.mark.parametrize("command", NEEDS_ID)
async def test_unknown_id_is_told_as_such(terminal: Terminal, command: str):
    event = ["go"] if command == "raise" else []
    code, sentence = await terminal.fails(command, "absent", *event)
    assert (code, sentence[:37]) == (4, "No instance has the id 'absent': `pyt")


@pytest.mark.parametrize(
    ("orchestrator", "arguments", "reason"),
    [
        ("works", ["terminate", "a"], "has ended already: its status is Completed."),
        ("works", ["raise", "a", "go"], "has ended already: its status is Completed."),
        ("works", ["rewind", "a"], 'only orchestrations in the "Failed" state can be rewound.'),
        ("waits", ["resume", "a"], "because instance is in the Running state."),
        ("waits", ["restart", "a", "--same-id"], "with the status Running already exists."),
        ("waits", ["purge", "a"], "has status Running"),
        ("waits", ["start", "waits", "--id", "a"], "with the status Running already exists."),
    ],
)
async def test_wrong_state_is_refused_with_its_name(
    terminal: Terminal, orchestrator: str, arguments: list[str], reason: str
):
    await ended(terminal, orchestrator, "a")
    code, sentence = await terminal.fails(*arguments)
    assert (code, reason in sentence) == (1, True), sentence


@pytest.mark.parametrize(
    "arguments", [["start", "works", "{"], ["raise", "a", "go", "now"], ["instances", "--since", "later"]]
)
async def test_argument_that_cannot_be_read_is_refused_by_name(terminal: Terminal, arguments: list[str]):
    code, sentence = await terminal.fails(*arguments)
    assert code == 2
    assert sentence.startswith(repr(arguments[-1]))


def test_absent_host_is_told_with_how_to_start_one(capsys: pytest.CaptureFixture[str]):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # taken, so that nobody else can answer there, and not listening
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert run(["instances", "--host", address]) == 3
    expected = (
        f"No host answers at {address} (Connection refused): start one with `python -m devhost APP_DIR`"
    )
    assert capsys.readouterr().err.startswith(expected)


async def test_ids_with_odd_characters_are_found(terminal: Terminal):
    await ended(terminal, "works", "a b?c#d%20é")
    assert (await terminal.json("show", "a b?c#d%20é"))["name"] == "works"


def test_address_may_leave_the_scheme_out():
    assert ManagementClient("localhost:7072").origin == ManagementClient("http://localhost:7072/").origin


async def test_what_comes_from_outside_cannot_steer_the_terminal(terminal: Terminal):
    name = "\x1b[2J\x9b31mforged\u202e"
    job = await terminal.hub.start_orchestration(name, input_text='"\\u001b[31m"')
    await terminal.hub.settle()
    shown = [await terminal(*command) for command in (("instances",), ("show", job), ("history", job))]
    shown += [await terminal("instances", "--json"), (await terminal.fails("show", "\x1b[2J"))[1]]
    for text in shown:
        assert "\\u001b" in text or r"\x1b" in text
        assert not {"\x1b", "\x9b", "\u202e"} & set(text)
