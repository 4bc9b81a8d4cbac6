"""Every JSON and YAML file of the repository can be read; those with a schema: make check."""

import json
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
# Samples of what people have in their files.
BROKEN_ON_PURPOSE = ":!local/samples/files/broken"


def tracked(*patterns: str) -> list[Path]:
    """Files under version control; where there is none, as in an export, no file at all."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns, BROKEN_ON_PURPOSE],  # noqa: S607 - the git of this machine
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [ROOT / name for name in done.stdout.split("\0") if name]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", tracked("*.json", ":!local/samples/files/broken"), ids=named)
def test_json_file_is_strict_json(path: Path) -> None:
    json.loads(path.read_text())


@pytest.mark.parametrize("path", tracked("*.yml", "*.yaml"), ids=named)
def test_yaml_file_has_no_key_twice(path: Path) -> None:
    assert list(YAML(typ="safe").load_all(path.read_text()))
