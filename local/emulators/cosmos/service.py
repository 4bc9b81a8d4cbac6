"""The stand-in for Cosmos DB as a child process: used where one runs already, else started.

It listens on loopback only and keeps its data in the state folder. docs/local-stack.md tells what it can do.

ADR 33 has the reasons.
"""

import http.client
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.emulators.state_folder import locked
from local.http_client import request
from local.ports import LOOPBACK
from local.services import RunningService, Service, already_runs, running
from local.settings import Port, StackSettings

KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
"""No secret: every Cosmos DB emulator has this key, and Microsoft documents it."""


@dataclass(frozen=True)
class Cosmos:
    """A serving stand-in; `service` is None where it was running before us."""

    endpoint: str
    service: RunningService | None = None

    def app_settings(self) -> dict[str, str]:
        """What points the app at it."""
        return {"COSMOS_ENDPOINT": self.endpoint, "COSMOS_KEY": KEY}


@contextmanager
def cosmos(settings: StackSettings) -> Iterator[Cosmos]:
    """The stand-in on the port of `settings`.

    Raises:
        LocalStackError: it cannot be started; the class says why.
    """
    port = settings.cosmos
    endpoint = (
        f"https://localhost:{port.number}"  # for this name the SDK accepts the server's own certificate
    )
    if already_runs("a Cosmos DB emulator", port, lambda: _serves(port)):
        yield Cosmos(endpoint)
        return
    folder = settings.state / "cosmos"
    arguments = ["--host", LOOPBACK, "--port", str(port.number), "--folder", str(folder)]
    service = Service(
        name="The Cosmos DB stand-in",
        command=[sys.executable, "-m", "local.emulators.cosmos", *arguments],
        ready=lambda: _serves(port),
        # A search takes one processor at most: the others are the job's that it runs beside.
        environment={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        log=settings.state / "cosmos.log",
    )
    with locked(folder, "Cosmos DB stand-in"), running(service) as started:
        yield Cosmos(endpoint, started)


def _serves(port: Port) -> bool:
    """Whether a Cosmos DB answers, be it this one or Microsoft's emulator, which asks for a key."""
    try:
        answer = request("GET", f"https://{LOOPBACK}:{port.number}/", seconds=2)
    except (OSError, http.client.HTTPException):
        return False
    return "x-ms-activity-id" in answer.headers
