"""The development host's packages import one way; the engine imports nothing but Python."""

import ast
import sys
from pathlib import Path

import pytest

from local.settings import ROOT

DEVHOST = ROOT / "devhost"
MAY_IMPORT = {
    "engine": set(),
    "app": {"engine"},
    "worker": {"engine", "app"},
    "storage": {"engine", "app", "worker"},
    "web": {"engine", "app", "worker", "why", "page"},
    "why": {"engine", "app"},
    "triggers": {"engine", "app", "worker", "storage"},
    "client": {"page"},
    "page": set(),
}


def imported_by(path: Path) -> set[str]:
    """Absolute names of the modules that a file imports."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            names.add(".".join((*base, node.module) if node.module else base))
    return names


def package_of(name: str) -> str:
    """The package of the host that a module is in; empty for what is above all packages."""
    parts = name.split(".")
    return parts[1] if parts[0] == "devhost" and len(parts) > 1 and parts[1] in MAY_IMPORT else ""


def packaged_files() -> list[Path]:
    return sorted(path for package in MAY_IMPORT for path in (DEVHOST / package).glob("*.py"))


@pytest.mark.parametrize("path", packaged_files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_packages_of_the_host_import_one_way(path: Path):
    own = path.parent.name
    assert {package_of(name) for name in imported_by(path)} <= {"", own, *MAY_IMPORT[own]}


@pytest.mark.parametrize("path", sorted((DEVHOST / "engine").glob("*.py")), ids=lambda path: path.name)
def test_engine_imports_nothing_but_python_and_itself(path: Path):
    foreign = {
        name
        for name in imported_by(path)
        if not name.startswith("devhost.engine") and name.split(".")[0] not in sys.stdlib_module_names
    }
    assert foreign == set()


@pytest.mark.parametrize("path", sorted(DEVHOST.rglob("*.py")), ids=str)
def test_no_file_of_the_host_is_longer_than_four_hundred_lines(path: Path):
    assert len(path.read_text().splitlines()) <= 400
