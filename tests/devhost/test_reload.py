"""Which files count as the app's, and what a change of them does to a running host."""

import asyncio
import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from devhost.reload import SourceWatcher, look_at
from tests.devhost.sample_app import SampleApp
from tests.devhost.test_command_line import banner, origin, quiet, read, started

ANSWER = "def main(req): return {!r}\n"


def relative(app: SampleApp) -> set[str]:
    return {str(Path(path).relative_to(app.root)) for path in look_at(app.root)}


def line_with(stream: object, text: str) -> str:
    """The next line of a process that holds a text."""
    for line in stream:  # type: ignore[attr-defined]
        if text in line:
            return str(line)
    raise AssertionError(f"the process ended without a word of {text!r}")


def test_code_and_settings_are_watched_at_any_depth(app: SampleApp):
    app.http("hello")
    app.file("shared/deep/module.py", "")
    app.file("local.settings.json", {})
    app.file("notes.txt", "")
    assert relative(app) == {
        "host.json",
        "local.settings.json",
        "hello/main.py",
        "hello/function.json",
        "shared/deep/module.py",
    }


@pytest.mark.parametrize("folder", [".venv", ".git", "node_modules", "tests", "__pycache__", "env"])
def test_folders_that_are_not_the_app_are_not_watched(app: SampleApp, folder: str):
    app.file("env/pyvenv.cfg", "")
    app.file(f"{folder}/module.py", "")
    assert relative(app) == {"host.json"}


async def next_look(watcher: SourceWatcher) -> None:
    """Returns when the watcher has looked again and done what follows from it."""
    last = watcher._seen
    async with asyncio.timeout(30):
        while watcher._seen is last:
            await asyncio.sleep(0)


async def test_files_saved_one_after_another_are_one_change(app: SampleApp):
    watcher = SourceWatcher(app.root, interval=0.05)
    change = asyncio.create_task(watcher.loadable_change(lambda _: None))
    first = app.file("first.py", "")
    await next_look(watcher)
    second = app.file("second.py", "")
    assert await asyncio.wait_for(change, 30) == [first, second]


async def test_deleted_file_is_a_change(app: SampleApp):
    path = app.file("module.py", "")
    watcher = SourceWatcher(app.root, interval=0.01)
    path.unlink()
    assert await asyncio.wait_for(watcher.loadable_change(lambda _: None), 30) == [path]


@pytest.mark.parametrize(
    ("name", "broken", "whole", "problem"),
    [
        ("module.py", "def main(", "x = 1", "module.py, line 1: SyntaxError: '(' was never closed"),
        ("host.json", "{", "{}", "host.json cannot be used: it is not JSON"),
        ("work/function.json", "{", "{}", "work/function.json: Expecting property name"),
    ],
)
async def test_change_that_cannot_be_loaded_is_told_and_waited_for(
    app: SampleApp, name: str, broken: str, whole: str, problem: str
):
    watcher = SourceWatcher(app.root, interval=0.01)
    told: list[str] = []
    change = asyncio.create_task(watcher.loadable_change(told.append))
    app.file(name, broken)
    async with asyncio.timeout(30):
        while not told:
            await asyncio.sleep(0.01)
    app.file(name, whole)
    assert await asyncio.wait_for(change, 30) == [app.root / name]
    assert len(told) == 1
    assert problem in told[0]


async def test_problem_that_persists_is_told_once(app: SampleApp):
    watcher = SourceWatcher(app.root, interval=0.01)
    told: list[str] = []
    change = asyncio.create_task(watcher.loadable_change(told.append))
    app.file("module.py", "def main(")
    for name in ("another.py", "third.py"):
        for _ in range(3):
            await next_look(watcher)
        app.file(name, "")
    app.file("module.py", "")
    assert len(await asyncio.wait_for(change, 30)) == 3
    assert len(told) == 1


def test_host_serves_new_code_on_the_same_port_by_the_same_process(app: SampleApp):
    app.http("hello", ANSWER.format("old"))
    with started(app) as process:
        address = origin(process)
        assert read(f"{address}/api/hello") == "old"
        app.file("hello/main.py", ANSWER.format("new one"))
        assert line_with(process.stdout, "Reloading") == "Reloading: hello/main.py changed.\n"
        line_with(process.stdout, "Reloaded")
        assert read(f"{address}/api/hello") == "new one"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_no_request_is_lost_by_a_reload(app: SampleApp):
    quiet(app)  # nobody reads the log, which is as long as there are requests
    app.http("hello", ANSWER.format("old"))

    def ask_until_new(url: str) -> set[str]:
        answers: set[str] = set()
        while "new one" not in answers:
            answers.add(read(url))
        return answers

    with started(app) as process, ThreadPoolExecutor() as pool:
        url = origin(process) + "/api/hello"
        clients = [pool.submit(ask_until_new, url) for _ in range(4)]
        app.file("hello/main.py", ANSWER.format("new one"))
        assert [client.result(timeout=20) for client in clients] == [{"old", "new one"}] * 4


def test_host_with_a_syntax_error_serves_the_old_code_until_it_is_mended(app: SampleApp):
    app.http("hello", ANSWER.format("old"))
    with started(app) as process:
        url = origin(process) + "/api/hello"
        app.file("hello/main.py", "def main(req:\n")
        assert "hello/main.py, line 1: SyntaxError" in line_with(process.stderr, "Not reloaded")
        assert read(url) == "old"
        app.file("hello/main.py", ANSWER.format("mended"))
        line_with(process.stdout, "Reloaded")
        assert read(url) == "mended"


def test_orchestration_goes_on_across_a_reload(app: SampleApp):
    app.activity("stuck", "import threading\ndef main(payload): threading.Event().wait(30)\n")
    app.orchestrator("waits", "return (yield context.call_activity('stuck'))")
    with started(app) as process:
        api = origin(process) + "/runtime/webhooks/durabletask"
        read(f"{api}/orchestrators/waits/a", b"")
        app.activity("stuck", "def main(payload): return 'new code'\n")
        line_with(process.stdout, "Reloaded")
        assert until_completed(f"{api}/instances/a")["output"] == "new code"


V2 = """
import azure.durable_functions as df
app = df.DFApp(http_auth_level="ANONYMOUS")
@app.route()
def hello(req): return {!r}
@app.orchestration_trigger(context_name="context")
def quick(context):
    return 1
    yield
"""


def test_app_of_the_v2_model_is_reloaded_and_its_jobs_wait_while_it_cannot_be_indexed(app: SampleApp):
    app.file("function_app.py", V2.format("old"))
    with started(app) as process:
        address = origin(process)
        api = f"{address}/runtime/webhooks/durabletask"
        app.file("function_app.py", V2.format("broken") + "1 / 0\n")
        assert "function_app.py, line 10)" in line_with(process.stderr, "0 functions loaded")
        line_with(process.stdout, "Reloaded")
        read(f"{api}/orchestrators/quick/a", b"")
        app.file("function_app.py", V2.format("new one"))
        line_with(process.stdout, "Reloaded")
        assert read(f"{address}/api/hello") == "new one"
        until_completed(f"{api}/instances/a")


def until_completed(url: str) -> dict[str, Any]:
    """The status of an instance when it has completed."""
    deadline = time.monotonic() + 5
    while (job := json.loads(read(url)))["runtimeStatus"] != "Completed":
        assert time.monotonic() < deadline, job
    return dict(job)


def test_setting_changed_in_its_file_holds_after_the_reload(app: SampleApp):
    app.file("local.settings.json", {"Values": {"GREETING": "old"}})
    app.http("hello", "import os\ndef main(req): return os.environ['GREETING']\n")
    with started(app) as process:
        url = origin(process) + "/api/hello"
        assert read(url) == "old"
        app.file("local.settings.json", {"Values": {"GREETING": "new"}})
        line_with(process.stdout, "Reloaded")
        assert read(url) == "new"


def test_fresh_state_outlives_a_reload(app: SampleApp):
    app.orchestrator("quick", "return 1\nyield")
    with started(app, "--fresh") as process:
        api = origin(process) + "/runtime/webhooks/durabletask"
        read(f"{api}/orchestrators/quick/a", b"")
        app.file("module.py", "")
        line_with(process.stdout, "Reloaded")
        assert json.loads(read(f"{api}/instances/a"))["instanceId"] == "a"


def test_host_that_cannot_start_anew_does_so_after_the_next_change(app: SampleApp):
    with started(app, "--memory") as process:
        address = origin(process)
        app.file("local.settings.json", {"IsEncrypted": True})
        line_with(process.stderr, "it is encrypted")
        app.file("local.settings.json", {"Values": {}})
        line_with(process.stdout, "Reloaded")
        assert read(f"{address}/admin/host/ping") == ""


def test_no_reload_option_turns_watching_off(app: SampleApp):
    with started(app, "--no-reload") as process:
        assert "Reload   off\n" in banner(process)


def test_stopped_host_refuses_connections_although_it_could_reload(app: SampleApp):
    app.http("hello")
    with started(app) as process:
        port = int(origin(process).rpartition(":")[2])
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
