"""The development host as a child process."""

import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.errors import PortTaken
from local.http_client import request
from local.ports import is_free
from local.services import Process, RunningService, Service, running, spawn
from local.settings import ROOT, Port
from shared_code.settings import SETTINGS

SAMPLE_SETTINGS = ROOT / "local.settings.sample.json"


@contextmanager
def host(
    port: Port,
    *,
    state_file: Path,
    environment: Mapping[str, str],
    log: Path | None = None,
    reload: bool = False,
    start: Callable[[Service], Process] = spawn,
) -> Iterator[RunningService]:
    """The app on the development host, on `port`; with `reload` it follows changes of the app's files.

    Raises:
        ServiceDied: the service ended by itself.
        ServiceSilent: it does not answer in time.
    """
    state_file.parent.mkdir(parents=True, exist_ok=True)
    arguments = [str(ROOT), "--port", str(port.number), "--state", str(state_file)]
    if not reload:
        arguments.append("--no-reload")
    service = Service(
        name="the development host",
        command=[sys.executable, "-m", "devhost", *arguments],
        ready=lambda: serves(port),
        environment=environment,
        log=log,
    )
    with running(service, start=start) as started:
        yield started


def require_free(port: Port) -> None:
    """Makes sure that `port` is free.

    Raises:
        PortTaken: somebody listens there.
    """
    if not is_free(port.number):
        raise PortTaken(
            f"Port {port.number} is taken: stop what listens there, or set {port.variable} to a free port."
        )


def clean_environment(storage: str) -> dict[str, str]:
    """The environment of a new checkout on the storage of that connection string, whatever is set here."""
    # An empty one would put nothing in the place of what host.json says.
    of_host = {setting.name for setting in SETTINGS if setting.name.startswith("AzureFunctionsJobHost__")}
    unset = {setting.name: "" for setting in SETTINGS if setting.name not in of_host}
    values: dict[str, str] = json.loads(SAMPLE_SETTINGS.read_text())["Values"]
    inherited = {name: value for name, value in os.environ.items() if name not in of_host}
    return {**inherited, **values, **unset, "AzureWebJobsStorage": storage}


def origin(port: Port) -> str:
    """Where the host serves."""
    return f"http://localhost:{port.number}"


def serves(port: Port) -> bool:
    """Whether a Functions host answers on `port`."""
    try:
        return request("GET", f"{origin(port)}/admin/host/ping", seconds=2).status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
