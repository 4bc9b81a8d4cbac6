"""The embeddings server as a child process: used where one runs already, else started."""

import http.client
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.emulators.embeddings.app import API_KEY
from local.http_client import request
from local.ports import LOOPBACK
from local.services import RunningService, Service, already_runs, running
from local.settings import Port, StackSettings


@dataclass(frozen=True)
class Embeddings:
    """A serving embeddings server; `service` is None where it was running before us."""

    origin: str
    service: RunningService | None = None

    @property
    def endpoint(self) -> str:
        """The base of the OpenAI form; the Azure form begins at the origin."""
        return f"{self.origin}/v1"

    def app_settings(self) -> dict[str, str]:
        """What points the app at it."""
        model = request("GET", f"{self.origin}/healthz").json()
        return {
            "EMBEDDINGS_ENDPOINT": self.endpoint,
            "EMBEDDINGS_API_KEY": API_KEY,
            "EMBEDDINGS_MODEL": model["model"],
            "EMBEDDINGS_DIMENSIONS": str(model["dimensions"]),
        }

    def configure(self, *faults: Mapping[str, Any], **order: float) -> None:
        """Order faults for the next requests, and `latency` (s) or `requests_per_minute` from now on."""
        answer = request("PATCH", f"{self.origin}/control", body={"faults": faults, **order})
        if answer.status != http.client.NO_CONTENT:
            raise ValueError(answer.text)

    def reset(self) -> None:
        """Takes back every order, and counts from zero."""
        request("DELETE", f"{self.origin}/control")

    def counters(self) -> dict[str, int]:
        """What the server has counted since the last reset."""
        counted: dict[str, int] = request("GET", f"{self.origin}/control/counters").json()
        return counted


@contextmanager
def embeddings(settings: StackSettings) -> Iterator[Embeddings]:
    """The server on the port of `settings`.

    Raises:
        LocalStackError: it cannot be started; the class says why.
    """
    port = settings.embeddings
    origin = f"http://{LOOPBACK}:{port.number}"
    if already_runs("the embeddings server", port, lambda: _serves(port)):
        yield Embeddings(origin)
        return
    arguments = ["--host", LOOPBACK, "--port", str(port.number), "--model", settings.model]
    service = Service(
        name="The embeddings server",
        command=[sys.executable, "-m", "local.emulators.embeddings", *arguments],
        ready=lambda: _serves(port),
        environment=os.environ,
        log=settings.state / "embeddings.log",
    )
    with running(service) as started:
        yield Embeddings(origin, started)


def _serves(port: Port) -> bool:
    try:
        answer = request("GET", f"http://{LOOPBACK}:{port.number}/healthz", seconds=2)
        return answer.status == http.client.OK and "dimensions" in answer.json()
    except (OSError, http.client.HTTPException, ValueError):
        return False
