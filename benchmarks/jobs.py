"""Audit query jobs as a client runs them: submitted to the host and polled to their end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.emulators.azurite import azurite
from local.host import clean_environment, host, origin
from local.http_client import request
from local.job_polling import statuses
from local.ports import free_port
from local.services import RunningService
from local.settings import Port, StackSettings

POLL_SECONDS = 0.02
JOB_SECONDS = 3_600.0


@dataclass(frozen=True)
class Stack:
    """A running host and its storage."""

    origin: str
    storage: str
    process: RunningService

    @property
    def pid(self) -> int:
        """The host's process."""
        return self.process.process.pid

    def run(self, query: str) -> tuple[int, float]:
        """Submits an audit query and waits for it; its result and how long that took, in seconds."""
        began = time.perf_counter()
        submitted = request("GET", f"{self.origin}/api/submit/query?{query}").json()
        *_, status = statuses(submitted["statusUri"], seconds=JOB_SECONDS, interval=POLL_SECONDS)
        if status["status"] != "Completed":
            raise RuntimeError(f"The job ended as {status['status']}: {status.get('error')}")
        return int(status["result"]), time.perf_counter() - began


@contextmanager
def storage() -> Iterator[str]:
    """An empty Azurite of its own; yields its connection string."""
    with TemporaryDirectory() as folder, azurite(_settings(Path(folder)), in_memory=True) as started:
        yield started.connection_string


@contextmanager
def stack(jobs_storage: str, audit_storage: str) -> Iterator[Stack]:
    """The app on the development host, with state of its own."""
    with TemporaryDirectory() as folder:
        port = Port("PORT", free_port())
        environment = clean_environment(jobs_storage) | {"AUDIT_STORAGE": audit_storage}
        state = Path(folder) / "state.db"
        with host(port, state_file=state, environment=environment, log=Path(folder) / "host.log") as process:
            yield Stack(origin(port), jobs_storage, process)


def _settings(folder: Path) -> StackSettings:
    blob, queue, table = (Port(name, free_port()) for name in ("BLOB", "QUEUE", "TABLE"))
    return StackSettings(Port("PORT", free_port()), blob, queue, table, folder, fresh=False)
