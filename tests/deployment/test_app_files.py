"""Which files are the app is up to .funcignore alone, and a zip's bytes are up to its files alone."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.app_files import app_files
from deployment.archive import write_zip


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("host.json", "notes.md", "tests/test_a.py", "job/main.py", "job/tests/b.py", "job/tests.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("", [".funcignore", "host.json", "job/main.py", "job/tests/b.py", "job/tests.py"]),
        (".funcignore\ntests", ["host.json", "job/main.py", "job/tests.py"]),
        (".funcignore\n/tests\n# a comment", ["host.json", "job/main.py", "job/tests/b.py", "job/tests.py"]),
        (".*\njob/*\n!job/main.py", ["host.json", "job/main.py"]),
    ],
)
def test_files_that_funcignore_leaves_are_the_app(
    repository: Path, patterns: str, expected: list[str]
) -> None:
    (repository / ".funcignore").write_text(f"{patterns}\n*.md\ntests/test_a.py\n")

    assert [path.as_posix() for path in app_files(repository)] == expected


@given(st.dictionaries(st.text("abc", min_size=1, max_size=4), st.binary(max_size=40), max_size=6))
def test_bytes_of_a_zip_follow_from_names_and_contents(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    archives = []
    for order, mode, time in ((list(files), 0o600, 1), (list(files)[::-1], 0o755, 2_000_000_000)):
        folder = tmp_path_factory.mktemp("files")
        for name in order:
            path = folder / f"in-{name}" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(files[name])
            path.chmod(mode)
            os.utime(path, (time, time))
        archives.append(folder.parent / f"{folder.name}.zip")
        write_zip(folder, archives[-1])

    assert archives[0].read_bytes() == archives[1].read_bytes()
