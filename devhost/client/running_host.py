"""Which host the commands ask: the one that runs the folder they are given in, or that of the default port.

A host in the foreground leaves its address in its app's folder while it runs.
"""

import fcntl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

DEFAULT_ADDRESS = "http://localhost:7071"

_FILE = Path(".devhost") / "address"


def address_of_running_host(folder: Path) -> str:
    """The address that the host of a folder, or of one above it, has left there."""
    for place in (folder, *folder.parents):
        try:
            return (place / _FILE).read_text("utf-8").strip() or DEFAULT_ADDRESS
        except OSError:  # no host has left one here
            continue
    return DEFAULT_ADDRESS


class FolderTaken(Exception):
    """Another host runs the folder; `address` is where it answers."""

    def __init__(self, address: str) -> None:
        super().__init__(f"Another host runs this folder, at {address}.")
        self.address = address


@dataclass(frozen=True, slots=True)
class LeftAddress:
    """The address of a host in its app's folder; the lock on the file says that the host still runs."""

    path: Path
    file: TextIO

    def take_away(self) -> None:
        """Removes it, since the host ends."""
        with suppress(OSError):  # it is gone already, or the folder is read-only
            self.path.unlink()
        self.file.close()


def leave_address(app_dir: Path, address: str) -> LeftAddress:
    """Writes the address of an app's host where the commands look for it.

    Raises:
        FolderTaken: another host has left its own, and still runs.
        OSError: the folder cannot be written to.
    """
    path = app_dir / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        other = file.read().strip()
        file.close()
        raise FolderTaken(other) from error
    file.truncate(0)
    file.write(f"{address}\n")
    file.flush()
    return LeftAddress(path, file)
