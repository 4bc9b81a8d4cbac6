"""The rooms of `shared_code`, and which of them each may import: the table of docs/architecture.md."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "shared_code"
MODULES = sorted(SHARED.rglob("*.py"))
MAINS = sorted(ROOT.glob("*/main.py"))
DEVHOST = sorted((ROOT / "devhost").rglob("*.py"))

# Any room may raise the app's errors and import within itself.
MAY_IMPORT = {
    "activities": (
        "api audit clients digests documents edge events files http_pool jobs network search settings "
        "storage telemetry usage"
    ),
    "clients": (
        "concurrency digests embeddings events http_pool index jobs network search settings storage telemetry"
    ),
    "api": "concurrency edge jobs settings telemetry usage workflows",
    "console": "",
    "workflows": "jobs usage.metering",
    "files": "concurrency digests documents embeddings index jobs packing storage",
    "events": "documents embeddings http_pool index jobs storage",
    "search": "concurrency embeddings http_pool index jobs usage",
    "audit": "digests jobs storage",
    "usage": "jobs settings telemetry",
    "usage.metering": "jobs",
    "storage": "concurrency http_pool jobs settings",
    "index": "concurrency documents embeddings jobs packing telemetry",
    "embeddings": "http_pool packing",
    "documents": "",
    "jobs": "",
    "settings": "jobs",
    "edge": "telemetry",
    "telemetry": "jobs",
    "network": "http_pool",
    "http_pool": "",
}
KNOW_NOTHING = {"concurrency", "digests", "packing"}
NOT_DEPLOYED = {"devhost", "local", "tests", "benchmarks"}
OF_MAINS = {"azure.durable_functions", "azure.functions", "collections.abc", "functools", "typing"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports_of(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def rooms_imported_by(path: Path) -> set[str]:
    return {name.removeprefix("shared_code.") for name in imports_of(path) if name.startswith("shared_code.")}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_the_rooms_below_it(path: Path) -> None:
    name = name_of(path).removeprefix("shared_code.")
    room = name if name in MAY_IMPORT else name.split(".")[0]
    allowed = {"errors", name.split(".")[0], *MAY_IMPORT.get(room, "").split()}
    assert {other for other in rooms_imported_by(path) if not is_among(other, allowed)} == set()


def is_among(name: str, rooms: set[str]) -> bool:
    return bool(rooms & {name, name.split(".", maxsplit=1)[0]})


def test_a_stranger_finds_at_most_24_rooms_each_with_a_row() -> None:
    modules = {path.relative_to(SHARED).with_suffix("").parts[0] for path in MODULES}
    rooms = modules - {"__init__"}
    assert len(rooms) <= 24
    assert rooms == {room for room in MAY_IMPORT if "." not in room} | {"errors"} | KNOW_NOTHING


@pytest.mark.parametrize("path", MODULES + MAINS, ids=name_of)
def test_app_imports_nothing_that_is_not_deployed(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports_of(path)} & NOT_DEPLOYED


@pytest.mark.parametrize("path", DEVHOST, ids=name_of)
def test_development_host_knows_nothing_of_the_app(path: Path) -> None:
    assert not rooms_imported_by(path)


@pytest.mark.parametrize("path", MAINS, ids=name_of)
def test_mains_import_no_storage_client_of_their_own(path: Path) -> None:
    assert {name for name in imports_of(path) if not name.startswith("shared_code.")} <= OF_MAINS
