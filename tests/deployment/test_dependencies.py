"""What the app requires is pinned: the package, the tests and the next build have the same versions."""

import importlib.metadata
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from deployment.dependencies import install
from deployment.errors import DeploymentError, NotPinned, ResolutionFailed
from deployment.package import LOCK_FILE, REQUIREMENTS
from tests.deployment.conftest import RUNNING_PYTHON


def requirements(file: Path) -> list[Requirement]:
    """The lines that count for the running Python."""
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in file.read_text().splitlines())
    found = [Requirement(line) for line in lines if line]
    return [one for one in found if one.marker is None or one.marker.evaluate()]


def test_every_requirement_of_the_app_is_pinned_within_its_range() -> None:
    pins = {one.name: str(one.specifier).removeprefix("==") for one in requirements(LOCK_FILE)}

    unpinned = [
        str(one) for one in requirements(REQUIREMENTS) if pins.get(one.name, "none") not in one.specifier
    ]
    assert unpinned == [], "run make lock"


@pytest.mark.parametrize("pin", requirements(LOCK_FILE), ids=str)
def test_tests_run_on_the_versions_that_are_deployed(pin: Requirement) -> None:
    assert importlib.metadata.version(pin.name) in pin.specifier


@pytest.mark.parametrize(
    ("required", "pinned", "error", "sentence"),
    [
        (
            "furl",
            "furl==2.1.4\nsix==1.17.0",
            NotPinned,
            "names no version of orderedmultidict: run make lock",
        ),
        ("six>=2", "six==1.17.0", ResolutionFailed, "do not fit together: .*six"),
    ],
)
def test_lock_file_that_does_not_cover_the_requirements_stops_the_build(
    tmp_path: Path, required: str, pinned: str, error: type[DeploymentError], sentence: str
) -> None:
    files = requirements_file, lock_file = tmp_path / "requirements.txt", tmp_path / "lock"
    for file, text in zip(files, (required, pinned), strict=True):
        file.write_text(f"{text}\n")

    with pytest.raises(error, match=sentence):
        install(requirements_file, lock_file, tmp_path / "packages", python=RUNNING_PYTHON)
