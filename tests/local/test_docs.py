"""The documents say what is so: tables and commands are held against the code."""

import json
import re
from pathlib import Path

import pytest

from local.settings import ROOT, StackSettings

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
CODE = ("shared_code", "devhost", "local/emulators", "local/golden", "deployment", "infra")
SUFFIXES = {".py", ".js", ".bicep"}
LOCAL_STACK = (ROOT / "docs" / "local-stack.md").read_text()
NAMED = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
DOCUMENTS = sorted([*(ROOT / name for name in NAMED), *(ROOT / "docs").rglob("*.md")])


def table(heading: str, document: str = README) -> list[list[str]]:
    """The cells of the last table under a heading of a document, without its head."""
    section = document.split(f"\n## {heading}")[1].split("\n## ", maxsplit=1)[0]
    lines = section.strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[max(index for index, row in enumerate(rows) if set(row[0]) == {"-"}) + 1 :]


def function_folders() -> dict[str, dict[str, str]]:
    """The trigger of every function folder."""
    return {
        path.parent.name: next(
            binding for binding in json.loads(path.read_text())["bindings"] if "Trigger" in binding["type"]
        )
        for path in ROOT.glob("*/function.json")
    }


def test_route_table_is_the_routes_of_the_functions() -> None:
    documented = {
        (methods.lower().replace(" ", ""), re.split(r"[?`]", route.strip("`"))[0])
        for methods, route, _ in table("Routes")
    }
    triggers = [trigger for trigger in function_folders().values() if trigger["type"] == "httpTrigger"]

    assert documented == {(",".join(one["methods"]), f"/api/{one['route']}") for one in triggers}


def test_every_function_folder_is_in_the_table_of_folders() -> None:
    documented = {name for row in table("Folders") for name in re.findall(r"`([\w-]+)`", row[0])}

    assert set(function_folders()) <= documented
    assert all((ROOT / name).is_dir() for name in documented)


def test_every_make_target_is_in_the_table_of_commands() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE)) - {"help"}
    rows = re.findall(r"^\| (`make [^|]+) \|", README, re.MULTILINE)
    documented = {target for row in rows for target in re.findall(r"`make ([a-z]+)`", row)}

    assert documented == targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_a_document_names_exist(document: Path) -> None:
    named = {
        word
        for command in re.findall(r"(?:^|`|\$ )make ([a-z ]+)", document.read_text(), re.MULTILINE)
        for word in command.split()
    }

    assert all(re.search(rf"^{word}:", MAKEFILE, re.MULTILINE) for word in named), named


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_of_a_document_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    links = [document.parent / link for link in re.findall(r"\]\(([^)#:]+)\)", text)]
    quoted = re.findall(r"`((?:[\w-]+/)+[\w-]+(?:\.\w+)?)`", text)
    paths = [ROOT / path for path in quoted if (ROOT / path.split("/")[0]).exists()]

    assert [path for path in links + paths if not path.exists()] == []


def test_variables_of_the_commands_are_documented_with_their_defaults() -> None:
    documented = dict(
        pair
        for row in table("Variables", LOCAL_STACK)
        for pair in zip(row[0].split(", "), row[1].split(", "), strict=False)
    )
    settings = StackSettings.read({})

    ports = settings.host, settings.blob, settings.queue, settings.table, settings.cosmos, settings.embeddings
    for port in ports:
        assert documented[f"`{port.variable}`"] == f"`{port.number}`"
    assert documented["`LOCAL_MODEL`"] == f"`{settings.model}`"
    assert documented["`STATE`"] == f"`{settings.state.relative_to(ROOT)}`"


def test_first_screen_of_the_readme_shows_the_demo_and_the_api() -> None:
    first_screen = "\n".join(README.splitlines()[:55])

    for part in ("make demo", "All three agree.", "/api/submit/query?s=", "/api/status/", "Python 3.11"):
        assert part in first_screen
    for job in ("Audit query", "Embedding", "Live event", "embedded nothing", "one job, and one document"):
        assert job in first_screen


def test_readme_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) <= 140


def test_every_page_is_reachable_from_the_readme() -> None:
    linked = re.findall(r"\]\((docs/[^)#]+)\)", README)

    assert {str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")} <= set(linked)


def test_index_of_the_decisions_names_each_with_its_title() -> None:
    adr = ROOT / "docs" / "adr"
    rows = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", (adr / "README.md").read_text(), re.MULTILINE)

    assert [(f"# {number}. {title}", name) for number, title, name in rows] == [
        (path.read_text().splitlines()[0], path.name) for path in sorted(adr.glob("0*.md"))
    ]


@pytest.mark.parametrize("record", sorted((ROOT / "docs" / "adr").glob("0*.md")), ids=lambda path: path.name)
def test_decision_is_named_by_what_it_explains(record: Path) -> None:
    named = re.compile(rf"\bADR {int(record.name[:4])}\b")
    code = [path for folder in CODE for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    superseded = "Superseded" in record.read_text()

    assert superseded or any(named.search(path.read_text()) for path in code)


@pytest.mark.parametrize("script", [".ci/run", ".github/workflows/ci.yml", "azure-pipelines.yml"])
def test_continuous_integration_runs_the_same_commands_as_a_laptop(script: str) -> None:
    commands = set(re.findall(r"make ([a-z]+)", (ROOT / script).read_text()))

    assert {"check", "test"} <= commands
    assert all(re.search(rf"^{command}:", MAKEFILE, re.MULTILINE) for command in commands)
