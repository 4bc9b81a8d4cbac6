"""A workflow does the same in every replay: nothing that it reaches asks what may answer otherwise next time.

Clock, random source, environment and I/O are out of reach as modules, by name, and as the order of a set.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / "shared_code" / "workflows").glob("*.py"))
# What gives the same for the same arguments, with what is below left out.
LIBRARIES = {
    "abc",
    "azure.durable_functions",
    "collections.abc",
    "dataclasses",
    "dateutil",
    "datetime",
    "email.utils",
    "enum",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "re",
    "typing",
}
# Methods and functions whose answer depends on when, where or in which process they are called.
METHODS = {"now", "utcnow", "today", "fromtimestamp", "localtime", "formatdate", "environ", "getenv"}
BUILTINS = {"open", "print", "input", "breakpoint", "eval", "exec", "__import__", "globals", "hash", "id"}
IN_THE_ORDER_OF = {"list", "tuple", "enumerate", "iter", "reversed", "map", "filter", "zip", "join", "dumps"}


def modules_reached() -> list[Path]:
    """The workflows and all of the app that they import, directly or not."""
    reached, ahead = set[Path](), list(WORKFLOWS)
    while ahead:
        path = ahead.pop()
        if path not in reached:
            reached.add(path)
            ahead += [each for name in imports_of(ast.parse(path.read_text())) for each in files_of(name)]
    return sorted(reached)


def imports_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
            yield from (f"{node.module}.{alias.name}" for alias in node.names if is_own(node.module))


def is_own(name: str | None) -> bool:
    return (name or "").split(".")[0] == "shared_code"


def files_of(name: str) -> list[Path]:
    """The file of a module of the app, and those of the packages around it."""
    parts = name.split(".") if is_own(name) else []
    packages = [ROOT.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts) + 1)]
    return [
        path for path in (*packages, ROOT.joinpath(*parts).with_suffix(".py")) if parts and path.is_file()
    ]


def impurities(source: str) -> list[str]:
    """What in a module may differ between two replays, each with its line."""
    tree = ast.parse(source)
    libraries = [name for name in imports_of(tree) if not is_own(name) and name not in LIBRARIES]
    sets = names_of_sets(tree)
    found = [f"import of {name}" for name in libraries]
    for node in ast.walk(tree):
        found += [f"line {getattr(node, 'lineno', 0)}: {what}" for what in asked_by(node, sets)]
    return found


def names_of_sets(tree: ast.AST) -> set[str]:
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and is_set(node.value, set())]
    return {name.id for node in assigned for name in node.targets if isinstance(name, ast.Name)}


def is_set(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in {"set", "frozenset"}
    return isinstance(node, ast.Set | ast.SetComp) or (isinstance(node, ast.Name) and node.id in names)


def asked_by(node: ast.AST, sets: set[str]) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        yield from (alias.name for alias in node.names if alias.name in METHODS)
    if isinstance(node, ast.Attribute) and node.attr in METHODS:
        yield node.attr
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
        yield node.func.id
    if isinstance(node, ast.For | ast.comprehension) and is_set(node.iter, sets):
        yield "order of a set"
    if isinstance(node, ast.Call) and name_of(node.func) in IN_THE_ORDER_OF:
        yield from ("order of a set" for given in node.args if is_set(given, sets))


def name_of(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


@pytest.mark.parametrize("path", modules_reached(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_workflow_reaches_gives_the_same_in_every_replay(path: Path):
    assert impurities(path.read_text()) == []


def test_workflows_reach_jobs_the_meter_and_errors_and_no_other_room():
    rooms = {path.relative_to(ROOT / "shared_code").parts[0] for path in modules_reached()}
    assert rooms == {"__init__.py", "errors", "jobs", "usage", "workflows"}
    assert {path.name for path in modules_reached() if path.parent.name == "usage"} == {
        "__init__.py",
        "metering.py",
    }


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from random import random",
        "import os",
        "from uuid import uuid4",
        "import logging",
        "from asyncio import sleep",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import date as day\nday.today()",
        "import datetime\nnow = datetime.datetime.utcnow",
        "from dateutil import parser, tz\nopen('file')",
        "print('here')",
        "hash('text')",
        "def late():\n    import secrets",
        "for name in {'a', 'b'}: pass",
        "NAMES = frozenset({'a'})\n[name for name in NAMES]",
        "NAMES = {'a'}\ntasks = list(NAMES)",
        "', '.join({name for name in names})",
        "__import__('os')",
    ],
)
def test_what_may_answer_otherwise_is_found(source: str):
    assert impurities(source)


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\ndatetime.fromisoformat('2026-11-28')",
        "now = context.current_utc_datetime",
        "NAMES = {'a', 'b'}\nfound = name in NAMES",
        "sorted({'b', 'a'})",
        "from shared_code.jobs import Phase",
    ],
)
def test_what_follows_from_its_arguments_alone_is_allowed(source: str):
    assert impurities(source) == []
