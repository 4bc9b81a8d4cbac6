"""The smallest durable app that a host can be measured with, and a client of its management API."""

import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from local.host import clean_environment, origin
from local.ports import LOOPBACK, free_port, is_free
from local.services import RunningService, Service, running
from local.settings import ROOT, Port

_ACTIVITY = "def main(payload):\n    return payload\n"
_SIZE = "def main(payload):\n    return len(payload)\n"
_ORCHESTRATOR = "import azure.durable_functions as df\n{code}\nmain = df.Orchestrator.create(run)\n"
_ONE = "def run(context):\n    return (yield context.call_activity('echo', 1))\n"
_FAN_OUT = """
def run(context):
    results = yield context.task_all([context.call_activity('echo', n) for n in range(context.get_input())])
    return len(results)
"""
_TICKS = """
import datetime
def run(context):
    for _ in range(context.get_input()):
        yield context.create_timer(context.current_utc_datetime + datetime.timedelta(seconds=1))
"""
_READS = """
def run(context):
    records = context.get_input()
    for number in range(20):
        yield context.call_activity('echo', number)
    return len(records)
"""
_SPREADS = """
def run(context):
    records = context.get_input()
    sizes = yield context.task_all([context.call_activity('size', records) for _ in range(20)])
    return sum(sizes)
"""
_ROOT = "/runtime/webhooks/durabletask"


@contextmanager
def durable_host(
    prepare: Callable[[Path], None] = lambda _: None,
) -> Iterator[tuple["ManagementClient", RunningService]]:
    """The app on the development host, its state on disk; `prepare` may fill the state file before."""
    on_disk = ROOT / ".local"  # where the system's own folder for such things may be memory
    on_disk.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=on_disk) as folder:
        app = Path(folder)
        _write_app(app)
        prepare(app / ".devhost" / "state.db")
        port = free_port()
        service = Service(
            name="The development host",
            command=[sys.executable, "-m", "devhost", folder, "--port", str(port)],
            ready=lambda: not is_free(port),
            environment=clean_environment("") | {"PYTHONPATH": str(ROOT)},
            log=app / "host.log",
        )
        with running(service) as process, ManagementClient(port) as client:
            yield client, process


def _write_app(app: Path) -> None:
    (app / "host.json").write_text('{"version": "2.0"}')
    _write_function(app / "echo", "activityTrigger", "payload", _ACTIVITY)
    _write_function(app / "size", "activityTrigger", "payload", _SIZE)
    orchestrators = {"one": _ONE, "fan-out": _FAN_OUT, "ticks": _TICKS, "reads": _READS, "spreads": _SPREADS}
    for name, code in orchestrators.items():
        _write_function(app / name, "orchestrationTrigger", "context", _ORCHESTRATOR.format(code=code))


def _write_function(folder: Path, trigger: str, parameter: str, code: str) -> None:
    folder.mkdir()
    binding = {"name": parameter, "type": trigger, "direction": "in"}
    (folder / "function.json").write_text(json.dumps({"scriptFile": "main.py", "bindings": [binding]}))
    (folder / "main.py").write_text(code)


class ManagementClient:
    """Starts orchestrations and waits for them, over one connection."""

    def __init__(self, port: int) -> None:
        self.origin = origin(Port("PORT", port))
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def start(self, name: str, value: Any = None) -> str:
        """Starts an orchestration with a JSON value and returns its id."""
        body = "null" if value is None else json.dumps(json.dumps(value))
        started: dict[str, str] = self._call("POST", f"{_ROOT}/orchestrators/{name}", body)
        return started["id"]

    def wait(self, instance_id: str) -> Any:
        """Polls an instance, without a pause, to its end; its output."""
        while True:
            status = self._call("GET", f"{_ROOT}/instances/{instance_id}")
            if status["runtimeStatus"] not in {"Pending", "Running"}:
                return status["output"]

    def has_ended(self, instance_id: str) -> bool:
        """Whether an instance has ended, without its input."""
        status = self._call("GET", f"{_ROOT}/instances/{instance_id}?showInput=false")
        return status["runtimeStatus"] not in {"Pending", "Running"}

    def wait_for_all(self, count: int) -> None:
        """Waits until this many instances have completed."""
        pages = f"{_ROOT}/instances?runtimeStatus=Pending,Running&top=1"
        while self._call("GET", pages):
            time.sleep(0.005)
        completed = self._call("GET", f"{_ROOT}/instances?runtimeStatus=Completed&top={count}")
        if len(completed) < count:
            raise RuntimeError(f"Only {len(completed)} of {count} instances have completed.")

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        headers = {"Content-Type": "application/json"} if body else {}
        self._connection.request(method, path, body, headers)
        return json.loads(self._connection.getresponse().read())
