"""The emulators, and the host of the app, that a benchmark runs against."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.host import clean_environment, host, origin
from local.ports import free_port
from local.services import RunningService
from local.settings import Port, StackSettings


def local_stack(folder: Path) -> StackSettings:
    """Settings of a stack of the benchmark's own: free ports, and the model without weights."""
    host, blob, queue, table, cosmos, embeddings = (
        Port(name, free_port()) for name in ("HOST", "BLOB", "QUEUE", "TABLE", "COSMOS", "EMBEDDINGS")
    )
    return StackSettings(
        host, blob, queue, table, folder, fresh=False, cosmos=cosmos, embeddings=embeddings, model="hashing"
    )


@contextmanager
def app_on(folder: Path, account: str) -> Iterator[tuple[str, RunningService]]:
    """The origin of the app, on a host of its own whose audit queries end at once: they have no table."""
    port = Port("PORT", free_port())
    environment = clean_environment(account) | {"AUDIT_TABLE": "absent"}
    state = folder / "state.db"
    with host(port, state_file=state, environment=environment, log=folder / "host.log") as service:
        yield origin(port), service
