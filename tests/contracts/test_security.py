"""Every promise of SECURITY.md is held by tests that exist."""

import ast
import re

import pytest

from local.settings import ROOT

MODEL = (ROOT / "SECURITY.md").read_text().partition("## Threat model")[2].partition("\n## ")[0]
TABLE = [line.strip("|").split("|") for line in MODEL.splitlines() if line.startswith("|")]
ROWS = [[cell.strip() for cell in row] for row in TABLE[2:]]  # below the heading and the line under it
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def names_of_tests(file: str) -> set[str]:
    path = ROOT / file
    if not path.is_file():
        return set()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2][:50])
def test_promise_names_tests_that_exist(row: list[str]) -> None:
    named = TEST.findall(row[3])

    assert named
    assert TEST.sub("", row[3]).strip(" ,") == ""
    assert [f"{file}::{test}" for file, test in named if test not in names_of_tests(file)] == []


def test_threat_model_tells_of_everyone_who_can_reach_something() -> None:
    who = " ".join(row[0] for row in ROWS)

    for word in ("function key", "operators", "web pages", "files", "events", "services"):
        assert word in who
