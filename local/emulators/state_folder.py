"""The folder in which a service keeps its data: one at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import StateInUse


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Keeps a folder for the service of that name, making it if need be.

    Raises:
        StateInUse: another stack works in the same state folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateInUse(
                f"Another {name} keeps its data in {folder}: stop it, or set STATE to another folder."
            ) from error
        yield
