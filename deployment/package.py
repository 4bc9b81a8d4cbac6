"""The package: the app and its dependencies in one zip, the same bytes from the same input.

ADR 24 has the reasons.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from deployment.app_files import app_files
from deployment.archive import write_zip
from deployment.dependencies import PYTHON, install

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
REQUIREMENTS, LOCK_FILE = ROOT / "requirements.txt", ROOT / "requirements.lock"
SITE_PACKAGES = Path(".python_packages/lib/site-packages")
"""Where the Functions host looks for an app's packages."""
_SHOWN = 8


@dataclass(frozen=True)
class Package:
    """A built package: the zip, the same files unpacked, and the bytes of each dependency."""

    python: str
    archive: Path
    folder: Path
    dependencies: dict[str, int]

    def report(self) -> str:
        """What the package is and weighs, its largest dependencies first."""
        content = self.archive.read_bytes()
        unpacked = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        largest = sorted(self.dependencies.items(), key=lambda item: -item[1])[:_SHOWN]
        return "\n".join(
            [
                f"{self.archive} for Python {self.python} on Linux x86-64",
                f"  sha256 {hashlib.sha256(content).hexdigest()}",
                f"  {_megabytes(len(content))} zipped",
                f"  {_megabytes(unpacked)} unpacked, {len(self.dependencies)} packages; the largest:",
                *(f"  {_megabytes(size)}  {name}" for name, size in largest),
            ]
        )


def build(dist: Path = DIST, *, python: str = PYTHON) -> Package:
    """Build the package for a version of Python. Raises DeploymentError."""
    folder, archive = dist / "app", dist / "app.zip"
    if folder.exists():
        shutil.rmtree(folder)
    for path in app_files(ROOT):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    dependencies = install(REQUIREMENTS, LOCK_FILE, folder / SITE_PACKAGES, python=python)
    write_zip(folder, archive)
    return Package(python, archive, folder, dependencies)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:6.2f} MB"
