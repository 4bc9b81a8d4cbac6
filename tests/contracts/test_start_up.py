"""What a worker imports when it starts, and when its first step runs: each seen in a process of its own."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEPS = sorted(path for path in ROOT.glob("*/main.py") if "shared_code.activities" in path.read_text())

LOADED_BY_FOLDERS = """
import json, pathlib, runpy, sys
import azure.durable_functions, azure.functions
before = set(sys.modules)
for path in pathlib.Path().glob("*/main.py"):
    runpy.run_path(str(path))
print(json.dumps(sorted({*sys.modules} - before)))
"""
LOADED_BY_THE_HOST = """
import json, sys
import devhost.cli
print(json.dumps([name for name in sys.modules if name.startswith("azure.storage")]))
"""
THREADS_OF_SDKS = """
import asyncio, json, sys, threading
from shared_code.clients import clients

class Watch:
    def find_spec(self, name, *_):
        if name in ("azure.cosmos", "azure.identity", "azure.storage.blob"):
            threads[name] = threading.current_thread() is threading.main_thread()

threads = {}
sys.meta_path.insert(0, Watch())
asyncio.run(clients())
print(json.dumps(threads))
"""
COLLECTED = """
import asyncio, gc, json
from shared_code.clients import clients
asyncio.run(clients())
from azure.cosmos import CosmosClient
print(json.dumps(any(each is CosmosClient for each in gc.get_objects())))
"""


def result_of(program: str):
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(ran.stdout)


def test_function_folders_import_nothing_but_the_app_beside_the_functions_sdks():
    packages = {name.split(".")[0] for name in result_of(LOADED_BY_FOLDERS)}
    assert packages - sys.stdlib_module_names - {"<run_path>"} == {"shared_code"}


def test_development_host_imports_no_storage_sdk_before_an_app_needs_it():
    assert result_of(LOADED_BY_THE_HOST) == []


def test_sdks_are_imported_with_the_first_clients_and_not_on_the_event_loop():
    assert result_of(THREADS_OF_SDKS) == {
        "azure.cosmos": False,
        "azure.identity": False,
        "azure.storage.blob": False,
    }


def test_no_collection_of_garbage_looks_through_the_sdks():
    assert result_of(COLLECTED) is False


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.parent.name)
def test_step_is_imported_behind_the_clients_that_it_needs(path):
    tree = ast.parse(path.read_text())
    bodies = [node.body for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    [body] = [each for each in bodies if any(isinstance(node, ast.ImportFrom) for node in each)]
    imports = next(number for number, node in enumerate(body) if isinstance(node, ast.ImportFrom))
    assert "await clients()" in ast.unparse(body[imports - 1])
