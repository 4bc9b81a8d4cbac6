"""`python -m devhost`, as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.devhost.sample_app import RETURN, SampleApp, http_trigger

PROJECT = Path(__file__).parents[2]
STARTER = {"name": "starter", "type": "durableClient", "direction": "in"}


@contextlib.contextmanager
def started(app: SampleApp, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A host process on a free port; what still runs afterwards is killed."""
    command = [sys.executable, "-m", "devhost", str(app.root), "--port", "0", *arguments]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def banner(process: subprocess.Popen[str]) -> str:
    """What the host writes until it is ready."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ready"):
            return "".join(lines)
    raise AssertionError(f"the host did not start: {process.communicate(timeout=5)[1]}")


def origin(process: subprocess.Popen[str]) -> str:
    """Where the host answers."""
    found = re.search(r"Ready +(\S+)", banner(process))
    assert found is not None
    return found[1].replace("localhost", "127.0.0.1")


def read(url: str, data: bytes | None = None) -> str:
    with urllib.request.urlopen(url, data, timeout=5) as response:  # noqa: S310 (loopback)
        text: str = response.read().decode()
        return text


def refusal(app: SampleApp, *arguments: str) -> str:
    """What a host that cannot start writes; checks that it is one sentence and the exit code 1."""
    command = [sys.executable, "-m", "devhost", str(app.root), *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    return done.stderr


def test_banner_lists_functions_urls_state_and_slots(app: SampleApp):
    app.http("hello", methods=["get"])
    app.activity("work", "def main(payload): return 1\n")
    with started(app) as process:
        text = banner(process)
    assert re.search(r"hello: \[GET\] http://localhost:\d+/api/hello", text)
    assert f"State    {app.root}/.devhost/state.db" in text
    assert re.search(r"Slots    10 activities, 5 orchestrators, \d+ threads", text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_the_host_with_exit_code_zero(app: SampleApp, number: signal.Signals):
    app.http("hello")
    with started(app, "--memory") as process:
        assert read(origin(process) + "/api/hello") == "hello"
        process.send_signal(number)
        assert process.wait(timeout=10) == 0


def test_request_in_flight_is_answered_before_the_host_stops(app: SampleApp):
    code = """
        import asyncio, pathlib
        import azure.durable_functions as df
        async def main(req, starter: str):
            client = df.DurableOrchestrationClient(starter)
            await client.get_status("absent")
            pathlib.Path("started").touch()
            while not pathlib.Path("go-on").exists():
                await asyncio.sleep(0.01)
            await client.get_status("absent")
            return "answered"
    """
    app.function("slow", http_trigger(), RETURN, STARTER, code=code)
    with started(app, "--memory") as process, ThreadPoolExecutor() as pool:
        call = pool.submit(read, origin(process) + "/api/slow")
        asyncio.run(app.wrote("started"))
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert any(line.startswith("Stopping") for line in process.stdout)
        app.file("go-on", "")
        assert call.result(timeout=5) == "answered"
        assert process.wait(timeout=10) == 0


def test_second_signal_stops_at_once(app: SampleApp):
    app.http("stuck", "import threading\ndef main(req): threading.Event().wait(60)\n")
    with started(app, "--memory") as process:
        address = origin(process).removeprefix("http://")
        with socket.create_connection(address.split(":")) as connection:  # type: ignore[arg-type]
            connection.sendall(b"GET /api/stuck HTTP/1.1\r\nHost: x\r\n\r\n")
            process.send_signal(signal.SIGTERM)
            assert process.stdout is not None
            assert any(line.startswith("Stopping") for line in process.stdout)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=5) == 130


def test_state_outlives_the_host_unless_it_starts_fresh(app: SampleApp):
    app.orchestrator("quick", "return 1\nyield")
    start = "/runtime/webhooks/durabletask/orchestrators/quick/a"
    instances = "/runtime/webhooks/durabletask/instances"
    with started(app) as process:
        read(origin(process) + start, b"")
    with started(app) as process:
        assert [found["instanceId"] for found in json.loads(read(origin(process) + instances))] == ["a"]
    with started(app, "--fresh") as process:
        assert json.loads(read(origin(process) + instances)) == []


def test_sdk_client_starts_and_reads_an_instance(app: SampleApp):
    app.orchestrator("quick", "return context.get_input()\nyield")
    code = """
        import azure.durable_functions as df
        async def main(req, starter: str):
            client = df.DurableOrchestrationClient(starter)
            id = await client.start_new("quick", None, {"n": 1})
            return await client.wait_for_completion_or_create_check_status_response(req, id, 5000, 10)
    """
    app.function("submit", http_trigger(), RETURN, STARTER, code=code)
    with started(app, "--memory") as process:
        assert json.loads(read(origin(process) + "/api/submit")) == {"n": 1}


def test_taken_port_is_refused_by_name(app: SampleApp):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = refusal(app, "--port", str(port), "--memory")
    assert sentence.startswith(f"Port {port} cannot be used (Address already in use): stop the program")


def test_port_that_is_none_is_refused(app: SampleApp):
    assert refusal(app, "--port", "70000", "--memory").startswith("Port 70000 cannot be used (")


def test_state_file_that_is_none_is_refused_by_name(app: SampleApp):
    path = app.file("notes.txt", "no database " * 1000)
    assert refusal(app, "--port", "0", "--state", str(path)).startswith(
        f"The state file {path} cannot be used ("
    )


def test_state_file_in_use_is_refused_by_name(app: SampleApp):
    with started(app) as process:
        origin(process)
        assert refusal(app, "--port", "0").startswith(
            f"The state file {app.root}/.devhost/state.db is in use"
        )
        assert refusal(app, "--port", "0", "--fresh").startswith("The state file ")


def test_folder_without_host_json_is_refused(app: SampleApp):
    (app.root / "host.json").unlink()
    assert refusal(app) == f"{app.root} holds no host.json: name the folder of a Functions app.\n"


@pytest.mark.parametrize("name", ["host.json", "local.settings.json"])
def test_broken_settings_file_is_refused_by_name(app: SampleApp, name: str):
    app.file(name, "{")
    assert refusal(app, "--port", "0", "--memory").startswith(
        f"{app.root}/{name} cannot be used: it is not JSON"
    )


def test_broken_function_does_not_keep_the_host_from_starting(app: SampleApp):
    app.http("broken", "import absent_module")
    with started(app, "--memory") as process:
        origin(process)
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=10)[1]
    assert "cannot load the broken function: ModuleNotFoundError" in errors
    assert errors.count("absent_module") == 1
