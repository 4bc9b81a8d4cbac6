"""Which host the commands ask: the one that runs the folder they are given in, or that of the default port.

A host in the foreground leaves its address in its app's folder while it runs.
"""

from contextlib import suppress
from pathlib import Path

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


def leave_address(app_dir: Path, address: str) -> None:
    """Writes the address of an app's host where the commands look for it."""
    path = app_dir / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{address}\n", "utf-8")


def take_address_away(app_dir: Path, address: str) -> None:
    """Removes the address of a host that ends, unless another host has left its own since."""
    path = app_dir / _FILE
    with suppress(OSError):  # it is gone already, or the folder is read-only
        if path.read_text("utf-8").strip() == address:
            path.unlink()
