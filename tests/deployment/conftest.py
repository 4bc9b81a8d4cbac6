"""The package as `make package` builds it, but for the Python that runs the tests; built once."""

import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from deployment.package import Package, build

RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return build(tmp_path_factory.mktemp("package"), python=RUNNING_PYTHON)


@pytest.fixture(scope="session")
def unpacked(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, unpacked as Azure does it."""
    folder = tmp_path_factory.mktemp("unpacked")
    with ZipFile(package.archive) as archive:
        archive.extractall(folder)
    return folder
