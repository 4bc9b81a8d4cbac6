import ast
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("*/function.json"))
ROUTES = {
    "client-function": ("submit/query", {"get", "post"}),
    "start-embedding-function": ("orchestrators/start", {"post"}),
    "get-status-function": ("status/{id}", {"get"}),
    "get-usage-function": ("usage/{env}", {"get"}),
}
KINDS = {
    "httpTrigger": "-function",
    "orchestrationTrigger": "orchestrator-function",
    "activityTrigger": "-activity",
    "entityTrigger": "-entity",
}


def bindings_of(folder: Any) -> Any:
    return json.loads((folder / "function.json").read_text())["bindings"]


def trigger_of(folder: Any) -> Any:
    return next(binding for binding in bindings_of(folder) if binding["type"].endswith("Trigger"))


def http_folders() -> Any:
    return [folder for folder in FOLDERS if trigger_of(folder)["type"] == "httpTrigger"]


def main_of(folder: Any) -> Any:
    tree = ast.parse((folder / "main.py").read_text())
    return next(
        (
            node
            for node in tree.body
            if isinstance(node, (ast.AsyncFunctionDef, ast.FunctionDef))
            if node.name == "main"
        ),
        None,
    )


@pytest.mark.parametrize("name", ROUTES)
def test_route_and_methods_are_those_of_the_contract(name):
    trigger = trigger_of(ROOT / name)
    assert (trigger["route"], set(trigger["methods"])) == ROUTES[name]


@pytest.mark.parametrize("folder", http_folders(), ids=lambda folder: folder.name)
def test_every_http_function_asks_for_a_function_key(folder):
    assert trigger_of(folder)["authLevel"] == "function"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_folder_names_its_script(folder):
    assert json.loads((folder / "function.json").read_text())["scriptFile"] == "main.py"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_parameters_of_main_are_the_bindings_of_the_folder(folder):
    main = main_of(folder)
    if main is None:
        assert trigger_of(folder)["type"] in {"orchestrationTrigger", "entityTrigger"}
        return
    names = {binding["name"] for binding in bindings_of(folder)} - {"$return"}
    assert {argument.arg for argument in main.args.args} == names


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_main_is_a_thin_adapter(folder):
    assert len((folder / "main.py").read_text().splitlines()) <= 40
