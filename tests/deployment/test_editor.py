"""F5 works: what the editor's files name exists, for func and for the development host."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from deployment.dependencies import PYTHON
from deployment.package import DIST
from local.settings import ROOT, StackSettings

MAKEFILE = (ROOT / "Makefile").read_text()


def read(path: str) -> Any:
    return json.loads((ROOT / path).read_text())


def launch(name: str) -> Any:
    return next(one for one in read(".vscode/launch.json")["configurations"] if one["name"] == name)


@pytest.fixture(scope="module")
def tasks() -> dict[str, Any]:
    return {task["label"]: task for task in read(".vscode/tasks.json")["tasks"]}


def test_every_task_that_is_named_exists(tasks: dict[str, Any]) -> None:
    named = [one["preLaunchTask"] for one in read(".vscode/launch.json")["configurations"]]
    named += [task["dependsOn"] for task in tasks.values() if "dependsOn" in task]

    assert {*named, read(".vscode/settings.json")["azureFunctions.preDeployTask"]} <= set(tasks)


def test_tasks_call_targets_of_the_makefile(tasks: dict[str, Any]) -> None:
    commands = [task["command"].split() for task in tasks.values() if task["type"] == "shell"]

    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for _, target in commands)


def test_func_is_debugged_where_its_worker_listens(tasks: dict[str, Any]) -> None:
    attached = launch("Attach to func")

    assert (attached["type"], attached["request"]) == ("debugpy", "attach")
    assert attached["connect"] == {"host": "localhost", "port": 9091}
    assert tasks[attached["preLaunchTask"]]["type"] == "func"


def test_development_host_is_debugged_as_the_module_with_options_it_has() -> None:
    started = launch("Debug on devhost")
    options = [argument.split("=")[0] for argument in started["args"] if argument.startswith("-")]
    usage = subprocess.run(
        [sys.executable, "-m", started["module"], "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "${workspaceFolder}" in started["args"]
    assert all(option in usage for option in options)


def test_services_task_ends_its_wait_when_the_emulators_serve(tasks: dict[str, Any]) -> None:
    ready = tasks["services"]["problemMatcher"]["background"]["endsPattern"]
    said = re.findall(r'print\("([^"]*)"', (ROOT / "local/stack.py").read_text())

    assert len([line for line in said if re.search(ready, line)]) == len(ready.split("|"))


def test_editor_knows_the_project_as_classic_python_and_deploys_the_package() -> None:
    settings = read(".vscode/settings.json")

    assert settings["azureFunctions.projectLanguageModel"] == 1
    assert ROOT / settings["azureFunctions.deploySubpath"] == DIST / "app"
    assert settings["azureFunctions.scmDoBuildDuringDeployment"] is False


def test_container_of_the_editor_has_the_python_of_the_app_and_its_port() -> None:
    container = read(".devcontainer/devcontainer.json")
    extensions = set(container["customizations"]["vscode"]["extensions"])

    assert f"python:{PYTHON}-" in container["image"]
    assert container["forwardPorts"] == [StackSettings.read({}).host.number]
    assert extensions == set(read(".vscode/extensions.json")["recommendations"])
