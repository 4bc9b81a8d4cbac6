"""The commands of the local stack, started as `make` starts them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.ports import free_port
from local.settings import ROOT

PORTS = (
    "PORT",
    "AZURITE_BLOB_PORT",
    "AZURITE_QUEUE_PORT",
    "AZURITE_TABLE_PORT",
    "COSMOS_PORT",
    "EMBEDDINGS_PORT",
)


def own_environment(state: Path) -> dict[str, str]:
    """An environment in which a command gets in nobody's way: free ports, and a state folder of its own."""
    ports = {variable: str(free_port()) for variable in PORTS}
    return {**os.environ, **ports, "STATE": str(state), "PYTHONUNBUFFERED": "1"}


@contextmanager
def spawn(
    command: str, environment: dict[str, str], *, complaints: int = subprocess.STDOUT
) -> Iterator[subprocess.Popen[str]]:
    """A command that runs inside the block; its complaints are in its output unless piped apart."""
    with subprocess.Popen(
        [sys.executable, "-m", "local", command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=complaints,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
    """The first line of a command's output that holds `text`."""
    assert process.stdout is not None
    shown: list[str] = []
    for line in process.stdout:
        shown.append(line)
        if text in line:
            return line
    raise AssertionError(f"The command never said {text!r}, but: {''.join(shown)}")
