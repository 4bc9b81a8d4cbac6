"""An emulator of Cosmos DB: used where one runs already, else started.

It listens on loopback only and keeps its data in memory. docs/local-stack.md tells what it can do.

ADR 9 has the reasons.
"""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.emulators import node
from local.http_client import request
from local.ports import LOOPBACK
from local.services import RunningService, Service, already_runs, running
from local.settings import Port, StackSettings

PROGRAM = Path(__file__).with_name("cosmos_server.js")
KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
"""No secret: every Cosmos DB emulator has this key, and Microsoft documents it."""


@dataclass(frozen=True)
class Cosmos:
    """A serving emulator; `service` is None where it was running before us."""

    endpoint: str
    service: RunningService | None = None

    def app_settings(self) -> dict[str, str]:
        """What points the app at it."""
        return {"COSMOS_ENDPOINT": self.endpoint, "COSMOS_KEY": KEY}


@contextmanager
def cosmos(settings: StackSettings) -> Iterator[Cosmos]:
    """The emulator on the port of `settings`. Raises LocalStackError."""
    port = settings.cosmos
    endpoint = f"https://localhost:{port.number}"  # for this name the SDK accepts the emulator's certificate
    if already_runs("a Cosmos DB emulator", port, lambda: _serves(port)):
        yield Cosmos(endpoint)
        return
    node_found = node.find_node()
    node.install_packages(node_found)
    service = Service(
        name="The Cosmos DB emulator",
        command=[node_found.node, str(PROGRAM), LOOPBACK, str(port.number)],
        ready=lambda: _serves(port),
        environment=node_found.environment(),
        log=settings.state / "cosmos.log",
    )
    with running(service) as started:
        yield Cosmos(endpoint, started)


def _serves(port: Port) -> bool:
    """Whether a Cosmos DB answers, be it this emulator or Microsoft's, which asks for a key."""
    try:
        answer = request("GET", f"https://{LOOPBACK}:{port.number}/", seconds=2)
    except (OSError, http.client.HTTPException):
        return False
    return "x-ms-activity-id" in answer.headers
