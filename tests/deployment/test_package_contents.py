"""The zip holds the app, all of it, and nothing else; the same input gives the same bytes."""

import hashlib
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from zipfile import ZipFile

import pytest

from deployment.package import REQUIREMENTS, SITE_PACKAGES, Package, build
from local.settings import ROOT
from tests.deployment.conftest import RUNNING_PYTHON

LISTING = ["git", "ls-tree", "-r", "--name-only", "HEAD"]
COMMITTED = subprocess.run(LISTING, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
FUNCTIONS = {name.split("/")[0] for name in COMMITTED if fnmatch(name, "*-*/function.json")}
LOOSE_FILES = {"host.json", REQUIREMENTS.name}


@pytest.fixture(scope="module")
def names(package: Package) -> list[str]:
    with ZipFile(package.archive) as archive:
        return archive.namelist()


def digest(package: Package) -> str:
    return hashlib.sha256(package.archive.read_bytes()).hexdigest()


def test_root_of_the_zip_is_the_root_of_the_app(names: list[str]) -> None:
    roots = {name.split("/")[0] for name in names}

    assert roots == FUNCTIONS | LOOSE_FILES | {"shared_code", SITE_PACKAGES.parts[0]}


def test_every_function_folder_is_in_the_zip_with_its_code(names: list[str]) -> None:
    expected = {f"{folder}/{file}" for folder in FUNCTIONS for file in ("function.json", "main.py")}

    assert expected == {name for name in names if name.split("/")[0] in FUNCTIONS}


def test_every_file_of_shared_code_is_in_the_zip_and_nothing_beside_them(names: list[str]) -> None:
    files = {name for name in COMMITTED if name.startswith("shared_code/")}

    assert files == {name for name in names if name.startswith("shared_code/")}


def test_packages_lie_where_the_functions_host_looks_for_them(names: list[str]) -> None:
    packages = [name for name in names if name.startswith(f"{SITE_PACKAGES.as_posix()}/")]

    assert f"{SITE_PACKAGES.as_posix()}/azure/functions/__init__.py" in packages


def test_nothing_in_the_zip_tells_where_or_how_it_was_built(names: list[str]) -> None:
    tell_tales = ("/RECORD", "/INSTALLER", "/REQUESTED", "/direct_url.json", ".pyc", "/bin/activate")

    assert [name for name in names if name.endswith(tell_tales)] == []
    assert not any(name.startswith(f"{SITE_PACKAGES.as_posix()}/bin/") for name in names)


def test_second_build_elsewhere_gives_the_same_bytes(package: Package, tmp_path: Path) -> None:
    assert digest(build(tmp_path, python=RUNNING_PYTHON)) == digest(package)


def test_report_tells_the_size_and_the_largest_packages(package: Package) -> None:
    report = package.report()

    assert digest(package) in report
    assert f"for Python {RUNNING_PYTHON}" in report
    assert "splintr-rs" in report
