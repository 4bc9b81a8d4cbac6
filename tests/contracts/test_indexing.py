"""The folders pass what Azure checks when it indexes functions, and broken folders do not.

Two judges: the loader of the development host, which knows the Functions host's checks too, and the Python
worker's own, from its package, where that is installed (Python 3.13 and newer).
"""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devhost.app.app_folder import AppFolder
from devhost.app.functions import Function
from devhost.app.loader import index_app
from devhost.errors import FunctionLoadError
from tests.devhost.sample_app import ACTIVITY, ORCHESTRATION, RETURN, SampleApp, http_trigger

ROOT = Path(__file__).parents[2]
WORKER = "azure_functions_runtime_v1"

Judge = Callable[[AppFolder, Function], object]


def judge_of_the_host(folder: AppFolder, function: Function) -> None:
    """Loads a function as the development host does."""
    folder.load(function)


def judge_of_the_worker(folder: AppFolder, function: Function) -> None:
    """Registers a function as the worker does."""
    functions = importlib.import_module(f"{WORKER}.functions")
    importlib.import_module(f"{WORKER}.bindings.meta").load_binding_registry()
    directions = {"in": 0, "out": 1, "inout": 2}
    bindings = {
        binding.name: SimpleNamespace(type=binding.type, direction=directions[binding.direction], data_type=0)
        for binding in function.bindings
    }
    metadata = SimpleNamespace(name=function.name, directory=str(function.folder), bindings=bindings)
    protos = SimpleNamespace(BindingInfo=SimpleNamespace(**directions, undefined=0))
    try:
        functions.Registry().add_function(function.name, folder._import(function), metadata, protos)
    except (ImportError, functions.FunctionLoadError) as error:
        raise FunctionLoadError(function.name, f"{type(error).__name__}: {error}") from error


JUDGES = [
    judge_of_the_host,
    pytest.param(
        judge_of_the_worker,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(WORKER) is None, reason="the worker's package needs Python 3.13"
        ),
    ),
]


def complaints(app_dir: Path, judge: Judge) -> Iterator[str]:
    """What keeps folders of an app from being functions."""
    index = index_app(app_dir)
    yield from (f"{error.function}: {error.reason}" for error in index.errors)
    folder = AppFolder(app_dir)
    folder.enter()
    try:
        for function in index.functions:
            try:
                judge(folder, function)
            except FunctionLoadError as error:
                yield str(error)
    finally:
        folder.leave()


@pytest.mark.parametrize("judge", JUDGES)
def test_every_folder_of_the_app_is_indexed(judge: Judge) -> None:
    assert list(complaints(ROOT, judge)) == []
    assert len(index_app(ROOT).functions) == len(list(ROOT.glob("*/function.json")))


QUEUE = {"name": "message", "type": "queueTrigger", "direction": "in", "queueName": "q", "connection": "C"}
TIMER = {"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": "0 0 4 * * *"}
ENTITY = {"name": "context", "type": "entityTrigger", "direction": "in"}
STARTER = {"name": "starter", "type": "durableClient", "direction": "in"}
OUT = {"name": "notice", "type": "queue", "direction": "out", "queueName": "q", "connection": "C"}
FUNC = "import azure.functions as func\nimport azure.durable_functions as df\n"
SOUND = {
    "http": ([http_trigger(), STARTER, RETURN], "async def main(req: func.HttpRequest, starter: str): ..."),
    "activity": ([ACTIVITY], "async def main(payload: dict) -> dict: ..."),
    "orchestration": ([ORCHESTRATION], "main = df.Orchestrator.create(lambda context: 1)"),
    "entity": ([ENTITY], "main = df.Entity.create(lambda context: 1)"),
    "queue": ([QUEUE, STARTER], "async def main(message: func.QueueMessage, starter: str) -> None: ..."),
    "queue as text": ([QUEUE], "async def main(message: str) -> None: ..."),
    "timer": ([TIMER, STARTER], "async def main(timer: func.TimerRequest, starter: str) -> None: ..."),
    "output": ([QUEUE, OUT], "async def main(message: str, notice: func.Out[str]) -> None: ..."),
}
BROKEN: dict[str, tuple[list[Any], str, str]] = {
    "a type that the binding does not give": (
        [http_trigger(), RETURN],
        "def main(req: dict): ...",
        "does not match its Python annotation",
    ),
    "a queue message for a request": ([QUEUE], "def main(message: func.HttpRequest): ...", "does not match"),
    "a number for a timer": ([TIMER], "def main(timer: int): ...", "does not match its Python annotation"),
    "a generic that the worker cannot read": (
        [ACTIVITY],
        "def main(payload: dict[str, int]): ...",
        "non-type annotation",
    ),
    "a return type that no answer has": (
        [http_trigger(), RETURN],
        "def main(req) -> dict: ...",
        "does not match binding type",
    ),
    "a parameter without a binding": ([ACTIVITY], "def main(payload, extra): ...", "not in function.json"),
    "a binding without a parameter": (
        [http_trigger(), STARTER, RETURN],
        "def main(req): ...",
        "not in Python",
    ),
    "a binding of another name": ([ENTITY | {"name": "entity"}], "def main(context): ...", "not in Python"),
    "an output that comes in": (
        [http_trigger(), RETURN | {"direction": "in"}],
        "def main(req): ...",
        'must have direction set to "out"',
    ),
    "an Out that goes in": ([ACTIVITY], "def main(payload: func.Out[str]): ...", 'have the "in" direction'),
    "an output that is no Out": (
        [QUEUE, OUT],
        "def main(message: str, notice: str): ...",
        "not a subclass of",
    ),
    "no entry point": ([ACTIVITY], "def start(payload): ...", "function main() is not present"),
    "code that does not run": ([ACTIVITY], "import absent_module", "ModuleNotFoundError"),
    "two triggers": ([ACTIVITY, QUEUE], "def main(payload, message): ...", "Multiple trigger bindings"),
    "no trigger": ([STARTER], "def main(starter): ...", "No trigger binding specified"),
    "an unknown binding": (
        [ACTIVITY | {"type": "activity"}],
        "def main(payload): ...",
        "binding type(s) 'activity'",
    ),
    "methods as text": ([http_trigger(methods="get"), RETURN], "def main(req): ...", "not a list"),
    "a route of the host": ([http_trigger(route="admin/x"), RETURN], "def main(req): ...", "built in routes"),
}


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(("bindings", "code"), SOUND.values(), ids=SOUND)
def test_sound_folder_of_each_kind_is_indexed(
    tmp_path: Path, judge: Judge, bindings: list[Any], code: str
) -> None:
    SampleApp(tmp_path).function("sound", *bindings, code=FUNC + code)
    assert list(complaints(tmp_path, judge)) == []


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(("bindings", "code", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_folder_is_found_out_with_its_reason(
    tmp_path: Path, judge: Judge, bindings: list[Any], code: str, reason: str
) -> None:
    SampleApp(tmp_path).function("broken", *bindings, code=FUNC + code)
    (complaint,) = complaints(tmp_path, judge)
    assert reason in complaint
    assert "broken" in complaint


def test_routes_that_clash_and_names_of_no_function_are_found_out(tmp_path: Path) -> None:
    app = SampleApp(tmp_path)
    for name in ("first", "second", "3rd"):
        app.http(name, route="same/{id}")
    assert [complaint.split(":")[0] for complaint in complaints(tmp_path, judge_of_the_host)] == [
        "3rd",
        "second",
    ]
