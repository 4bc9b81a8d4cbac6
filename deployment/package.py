"""The package: the app as committed and its dependencies in one zip, the same bytes from the same commit.

ADR 24 and ADR 30 have the reasons.
"""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deployment.app_files import app_files, ignored_paths
from deployment.archive import write_zip
from deployment.commit import BesideTheCommit, Commit
from deployment.dependencies import PYTHON, install

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
REQUIREMENTS, LOCK_FILE = ROOT / "requirements.txt", ROOT / "requirements.lock"
SITE_PACKAGES = Path(".python_packages/lib/site-packages")
"""Where the Functions host looks for an app's packages."""
_SHOWN = 8


@dataclass(frozen=True)
class Package:
    """A built package.

    Attributes:
        python: the version of Python that it is for.
        archive: the zip.
        folder: the same files, unpacked.
        dependencies: the bytes of each package in it.
        commit: the commit that it is made of.
        beside: what lay in the checkout and is not in it.
        ignored: what .funcignore left out.
    """

    python: str
    archive: Path
    folder: Path
    dependencies: dict[str, int]
    commit: Commit
    beside: BesideTheCommit
    ignored: list[str]

    def report(self) -> str:
        """What the package is and weighs, its largest dependencies first, and what was left out."""
        content = self.archive.read_bytes()
        unpacked = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        largest = sorted(self.dependencies.items(), key=lambda item: -item[1])[:_SHOWN]
        return "\n".join(
            [
                f"{self.archive} for Python {self.python} on Linux x86-64",
                f"  commit {self.commit.id}",
                f"  sha256 {hashlib.sha256(content).hexdigest()}",
                f"  {_megabytes(len(content))} zipped",
                f"  {_megabytes(unpacked)} unpacked, {len(self.dependencies)} packages; the largest:",
                *(f"  {_megabytes(size)}  {name}" for name, size in largest),
                *self._left_out(),
            ]
        )

    def _left_out(self) -> list[str]:
        reasons = {
            "Not committed, so not in it": self.beside.uncommitted,
            "Changed since the commit, in it as committed": self.beside.changed,
            "Ignored by git": self.beside.ignored,
            "Ignored by .funcignore": self.ignored,
        }
        return [f"{reason}: {', '.join(sorted(paths))}" for reason, paths in reasons.items() if paths]


def build(dist: Path = DIST, *, python: str = PYTHON, root: Path = ROOT) -> Package:
    """Builds the package of the commit at `root` for a version of Python.

    Raises:
        DeploymentError: it cannot be built; the class says why.
    """
    folder, archive = dist / "app", dist / "app.zip"
    archive.unlink(missing_ok=True)  # else what is refused now might be deployed as it was built before
    if folder.exists():
        shutil.rmtree(folder)
    commit = Commit.checked_out(root)
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary)
        commit.export(tree)
        for path in app_files(tree):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree / path, folder / path)
        requirements, lock_file = tree / REQUIREMENTS.name, tree / LOCK_FILE.name
        dependencies = install(requirements, lock_file, folder / SITE_PACKAGES, python=python)
        ignored = ignored_paths(tree)
    write_zip(folder, archive)
    return Package(python, archive, folder, dependencies, commit, commit.beside(), ignored)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:6.2f} MB"
