import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("*/function.json"))
# Whoever adds a route says here which key it asks for, and why if that is not a function's.
ROUTES = {
    "client-function": ("submit/query", {"get", "post"}, "function"),
    "start-embedding-function": ("orchestrators/start", {"post"}, "function"),
    "get-status-function": ("status/{id}", {"get"}, "function"),
    "approve-function": ("status/{id}/approval", {"post"}, "function"),
    "cancel-function": ("status/{id}", {"delete"}, "function"),
    "get-ledger-function": ("status/{id}/ledger", {"get"}, "function"),
    "get-jobs-function": ("jobs", {"get"}, "function"),
    "get-usage-function": ("usage/{env}", {"get"}, "function"),
    "search-function": ("search", {"get"}, "function"),
    "get-index-function": ("index/{env}", {"get"}, "function"),
    # A folder of its own, so that whoever may read the index need not have the key that changes it.
    "promote-version-function": ("index/{env}", {"put"}, "function"),
    "get-openapi-function": ("openapi.json", {"get"}, "function"),
    # The page holds no data: a browser opens it without a key, and it asks its reader for one.
    "console-function": ("console", {"get"}, "anonymous"),
}


def bindings_of(folder: Any) -> Any:
    return json.loads((folder / "function.json").read_text())["bindings"]


def trigger_of(folder: Any) -> Any:
    return next(binding for binding in bindings_of(folder) if binding["type"].endswith("Trigger"))


def http_folders() -> Any:
    return [folder for folder in FOLDERS if trigger_of(folder)["type"] == "httpTrigger"]


def test_every_route_is_listed_with_its_methods_and_the_key_it_asks_for():
    triggers = {folder.name: trigger_of(folder) for folder in http_folders()}
    found = {
        name: (trigger["route"], set(trigger["methods"]), trigger.get("authLevel", "not said"))
        for name, trigger in triggers.items()
    }
    assert found == ROUTES


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_folder_names_its_script(folder):
    assert json.loads((folder / "function.json").read_text())["scriptFile"] == "main.py"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_main_is_a_thin_adapter(folder):
    assert len((folder / "main.py").read_text().splitlines()) <= 40
