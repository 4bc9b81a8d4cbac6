"""`python -m devhost`, as a process of its own."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devhost.cli import _parse, _parser, run
from devhost.client import COMMANDS
from tests.devhost.sample_app import RETURN, SampleApp, http_trigger

PROJECT = Path(__file__).parents[2]
STARTER = {"name": "starter", "type": "durableClient", "direction": "in"}


@contextlib.contextmanager
def started(
    app: SampleApp, *arguments: str, program: Sequence[str] = ("-m", "devhost"), app_dir: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """A host process on a free port, in the folder of the app's folder; what still runs later is killed."""
    command = [sys.executable, *program, app_dir or str(app.root), "--port", "0", *arguments]
    with subprocess.Popen(
        command,
        cwd=app.root.parent,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
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
    with urllib.request.urlopen(url, data, timeout=5) as response:  # noqa: S310 - loopback
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


def test_banner_names_the_functions_that_are_in_error(app: SampleApp):
    app.http("hello")
    app.http("broken", "import nothing_there\n")
    app.function("unknown", {"name": "e", "type": "eventHubTrigger", "direction": "in"})
    with started(app) as process:
        text = banner(process)
    assert "Errors   broken, unknown: see above\n" in text


def test_app_gets_nothing_that_lies_beside_the_host_nor_where_it_was_started(app: SampleApp):
    (app.root.parent / "beside.py").write_text("")
    app.file("shared_code/__init__.py", "NAME = 'the app'")
    code = """
        import importlib.util, subprocess, sys
        import shared_code
        FIND = "import importlib.util as u; print(bool(u.find_spec('local') or u.find_spec('beside')))"
        def main(req):
            found = [name for name in ("local", "beside") if importlib.util.find_spec(name)]
            child = subprocess.run([sys.executable, "-c", FIND], capture_output=True, text=True)
            return f"{shared_code.NAME} {found} {child.stdout.strip()}"
    """
    app.http("asks", code)
    with started(app, "--memory") as process:
        assert read(origin(process) + "/api/asks") == "the app [] False"


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
            connection.sendall(b"GET /api/stuck HTTP/1.1\r\nHost: localhost\r\n\r\n")
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


def test_fresh_start_does_not_read_the_state_file_that_it_deletes(app: SampleApp):
    path = app.root / "state.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")
    assert "newer host" in refusal(app, "--port", "0", "--state", str(path))
    with started(app, "--state", str(path), "--fresh") as process:
        assert json.loads(read(origin(process) + "/runtime/webhooks/durabletask/instances")) == []


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


def test_second_host_of_a_folder_is_told_of_the_first_whose_address_stays(app: SampleApp):
    told = f"{app.root}/.devhost/address"
    with started(app, "--memory") as first:
        place = origin(first).replace("127.0.0.1", "localhost")
        with started(app, "--memory") as second:
            origin(second)
            assert f"Another host runs this folder, at {place}. Each has instances" in stopped(second)
        assert Path(told).read_text() == f"{place}\n"
        first.kill()
        first.wait()
    with started(app, "--memory") as third:
        origin(third)
        assert "Another host" not in stopped(third)
    assert not Path(told).exists()


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


SUBMIT = """
    import azure.durable_functions as df
    async def main(req, starter: str):
        client = df.DurableOrchestrationClient(starter)
        return await client.start_new("quick")
"""


def quiet(app: SampleApp) -> None:
    """Logs nothing but warnings and errors, and gives no reason for the SDK's own."""
    app.file("host.json", {"logging": {"logLevel": {"default": "Warning"}}})
    app.file("local.settings.json", {"Values": {"AZURE_FUNCTIONS_DURABLE_STRICT_TYPING": "true"}})


def stopped(process: subprocess.Popen[str]) -> str:
    """What a host has complained of when it has stopped."""
    process.send_signal(signal.SIGTERM)
    errors = process.communicate(timeout=10)[1]
    assert process.returncode == 0
    return errors


def test_host_that_served_durable_client_calls_stops_silently(app: SampleApp):
    quiet(app)
    app.orchestrator("quick", "return 1\nyield")
    app.function("submit", http_trigger(), RETURN, STARTER, code=SUBMIT)
    with started(app, "--memory") as process:
        assert len(read(origin(process) + "/api/submit")) == 32
        assert stopped(process) == ""


def test_complaints_at_the_end_of_the_interpreter_are_logged_in_one_line(app: SampleApp):
    quiet(app)
    code = """
        import aiohttp, builtins
        async def main(req):
            builtins.kept_to_the_very_end = aiohttp.ClientSession()
            return "left open"
    """
    app.http("careless", code)
    with started(app, "--memory") as process:
        read(origin(process) + "/api/careless")
        errors = stopped(process)
    assert "Unclosed client session" in errors
    assert "Error" not in errors


def test_process_that_the_app_forks_and_ends_leaves_the_host_alone(app: SampleApp):
    quiet(app)
    code = """
        import multiprocessing
        def main(req):
            with multiprocessing.get_context("fork").Pool(2) as pool:
                return f"sum {sum(pool.map(abs, [-1, -2]))}"
    """
    app.http("forks", code)
    with started(app, "--memory") as process:
        place = origin(process)
        assert [read(f"{place}/api/forks") for _ in range(2)] == ["sum 3", "sum 3"]
        assert stopped(process) == ""


@pytest.mark.parametrize(
    "code",
    [
        "logging.config.dictConfig({'version': 1, 'root': {'handlers': []}})",
        "logging.basicConfig(force=True, level=logging.CRITICAL)",
        "logging.getLogger().handlers.clear()",
        "logging.disable()",
    ],
)
def test_app_that_sets_up_logging_does_not_silence_the_host(app: SampleApp, code: str):
    app.http("fails", f"import logging.config\n{code}\ndef main(req):\n    raise ValueError('told')\n")
    with started(app, "--memory") as process:
        with pytest.raises(urllib.error.HTTPError):
            read(f"{origin(process)}/api/fails")
        assert "Failed after" in (errors := stopped(process))
    assert "ValueError: told" in errors


def test_json_option_logs_one_object_a_line_and_nothing_else(app: SampleApp):
    app.http("fails", "def main(req):\n    raise ValueError('boom')\n")
    with started(app, "--memory", "--json") as process:
        assert process.stderr is not None
        ready = json.loads(process.stderr.readline())
        address = re.search(r"http://localhost:(\d+)", ready["message"])
        assert address is not None
        with pytest.raises(urllib.error.HTTPError):
            read(f"http://127.0.0.1:{address[1]}/api/fails")
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=10)
    failed = next(line for line in map(json.loads, errors.splitlines()) if line["error"])
    assert (failed["function"], failed["error"]["line"]) == ("fails", 2)
    assert out == ""


@pytest.mark.parametrize(("option", "whole"), [([], False), (["--verbose"], True)])
def test_traceback_is_whole_only_when_verbose(app: SampleApp, option: list[str], *, whole: bool):
    app.http("fails", "import json\ndef main(req):\n    json.loads('{')\n")
    with started(app, "--memory", *option) as process:
        with pytest.raises(urllib.error.HTTPError):
            read(origin(process) + "/api/fails")
        errors = stopped(process)
    assert f'File "{app.root}/fails/main.py", line 3, in main' in errors
    assert ("json/decoder.py" in errors) is whole


def test_value_that_no_binding_takes_is_told_without_the_lines_of_the_host(app: SampleApp):
    app.http("answers", "def main(req): return ('a pair', 201)\n")
    with started(app, "--memory") as process:
        with pytest.raises(urllib.error.HTTPError):
            read(f"{origin(process)}/api/answers")
        errors = stopped(process)
    assert 'TypeError: unable to encode outgoing TypedData: unsupported type "http"' in errors
    assert "line " not in errors


def test_storage_that_does_not_answer_is_told_with_what_to_do(app: SampleApp):
    with socket.create_server(("127.0.0.1", 0)) as account:
        port = account.getsockname()[1]
        endpoint = f"AccountName=a;AccountKey=secret;BlobEndpoint=http://127.0.0.1:{port}/a"
        app.file("local.settings.json", {"Values": {"AzureWebJobsStorage": endpoint}})
        with started(app, "--memory") as process:
            assert storage_line(process) == f"Storage  found at http://127.0.0.1:{port}\n"
    with started(app, "--memory") as process:
        line = storage_line(process)
    assert line.startswith(f"Storage  not found at http://127.0.0.1:{port}: start it")
    assert "secret" not in line


def storage_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if line.startswith("Storage"))


def test_debugger_turns_reloading_off(app: SampleApp):
    traced = (
        "import sys, threading; from devhost.cli import run; trace = lambda *_: None; "
        "threading.settrace(trace); sys.settrace(trace); sys.exit(run(sys.argv[1:]))"
    )
    app.http("hello")
    with started(app, "--memory", program=("-c", traced)) as process:
        text = banner(process)
        address = re.search(r"Ready +http://localhost:(\d+)", text)
        assert address is not None
        assert read(f"http://127.0.0.1:{address[1]}/api/hello") == "hello"
        assert "Reload   off\n" in text
        assert stopped(process).count("\n") == 1


def test_folder_named_like_a_command_is_run_as_an_app(tmp_path: Path):
    folder = SampleApp(tmp_path / "instances")
    folder.http("hello")
    with started(folder, "--memory", app_dir="./instances") as process:
        assert read(origin(process) + "/api/hello") == "hello"


def test_document_names_every_option_and_command():
    document = (PROJECT / "docs/devhost.md").read_text()
    options = {option for action in _parser()._actions for option in action.option_strings}
    assert {option for option in options if f"`{option}" not in document} == {"-h", "--help"}
    assert [command for command in COMMANDS if f"`{command}" not in document] == []


@pytest.mark.parametrize(("arguments", "port"), [([], 7979), (["--port", "7000"], 7000)])
def test_port_is_that_of_local_settings_unless_named(app: SampleApp, arguments: list[str], port: int):
    app.file("local.settings.json", {"Host": {"LocalHttpPort": 7979}})
    assert _parse([str(app.root), *arguments]).host.port == port


def test_port_is_7071_where_nobody_names_one(app: SampleApp):
    assert _parse([str(app.root)]).host.port == 7071


def test_port_of_local_settings_that_is_none_is_reported(app: SampleApp, capsys: pytest.CaptureFixture[str]):
    app.file("local.settings.json", {"Host": {"LocalHttpPort": 70000}})
    assert run([str(app.root)]) == 1
    assert "Host.LocalHttpPort is 70000: use 0 to 65535." in capsys.readouterr().err
