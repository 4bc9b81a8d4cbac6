"""The app's dependencies: pinned in requirements.lock, installed as wheels of the target, whatever runs here.

uv does both, because it reads environment markers as the target would; pip reads them as its own
interpreter does.
"""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.utils import canonicalize_name

from deployment.errors import NotPinned, ResolutionFailed

PYTHON = "3.11"
"""The Python of the function app; the infrastructure, the pipelines and the image name the same one."""
PLATFORM = "x86_64-manylinux_2_28"
"""Linux with the oldest C library among Azure's images for Python 3.11 and later."""
# What tells of this installation instead of a package; scripts begin with the path of this interpreter, and
# one package brings its own tests.
_NOT_THE_PACKAGES = (".lock", "bin", "tests")
_OF_THE_INSTALLATION = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json")


def lock(requirements: Path, lock_file: Path) -> None:
    """Pins the newest versions that `requirements` allows, for every Python.

    Raises:
        ResolutionFailed: no set of versions fits.
    """
    _uv(
        *("compile", str(requirements), "--output-file", str(lock_file)),
        *("--universal", "--python-version", PYTHON, "--upgrade"),
        *("--no-annotate", "--custom-compile-command", "make lock"),
    )


def install(requirements: Path, lock_file: Path, site_packages: Path, *, python: str) -> dict[str, int]:
    """Installs what the app requires in the pinned versions into a new folder; bytes by package.

    Raises:
        ResolutionFailed: a pinned version is none of those required, or has no wheel for the target.
        NotPinned: the lock file leaves a version open.
    """
    _uv(
        *("install", "-r", str(requirements), "-c", str(lock_file), "--target", str(site_packages)),
        *("--python-version", python, "--python-platform", PLATFORM, "--only-binary", ":all:"),
        *("--link-mode", "copy"),
    )
    sizes = {package.name: _size(package) for package in _installed(site_packages)}
    pinned = {
        canonicalize_name(name) for name in re.findall(r"^[\w.-]+", lock_file.read_text(), re.MULTILINE)
    }
    if unpinned := [name for name in sizes if canonicalize_name(name) not in pinned]:
        raise NotPinned(f"{lock_file.name} names no version of {', '.join(unpinned)}: run make lock.")
    _strip(site_packages)
    return sizes


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", "pip", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split())
        raise ResolutionFailed(f"The app's dependencies do not fit together: {reason}")


def _installed(site_packages: Path) -> list[importlib.metadata.Distribution]:
    return list(importlib.metadata.distributions(path=[str(site_packages)]))


def _size(package: importlib.metadata.Distribution) -> int:
    paths = [Path(str(file.locate())) for file in package.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _strip(site_packages: Path) -> None:
    records = (site_packages.glob(f"*.dist-info/{name}") for name in _OF_THE_INSTALLATION)
    surplus = (site_packages / name for name in _NOT_THE_PACKAGES)
    for path in [*surplus, *(record for found in records for record in found)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
