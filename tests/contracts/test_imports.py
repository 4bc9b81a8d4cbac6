import ast
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "shared_code"
MODULES = sorted(SHARED.rglob("*.py"))
MAINS = sorted(ROOT.glob("*/main.py"))

PURE = {
    "concurrency",
    "containers",
    "date_range",
    "distinct_ids",
    "errors",
    "jobs",
    "packing",
    "settings",
    "token_estimate",
}
# What each module may import of shared_code beside the pure modules: floors, from the lowest to the highest.
ALLOWED = {
    "telemetry": set(),
    "http_api": {"telemetry"},
    "http_pool": set(),
    "table_account": {"http_pool"},
    "app_configuration": set(),
    "storage_table": {"http_pool", "table_account"},
    "audit_table": {"storage_table"},
    "blob_files": set(),
    "source_files": set(),
    "vectors": set(),
    "cosmos_batches": {"telemetry", "vectors"},
    "cosmos_writer": {"cosmos_batches", "telemetry", "vectors"},
    "embeddings": {"http_pool", "vectors"},
    "batched_embeddings": {"embeddings"},
    "events": {"http_pool", "storage_table"},
    "event_documents": {"cosmos_writer", "embeddings", "events"},
    "clients": {
        "app_configuration",
        "batched_embeddings",
        "blob_files",
        "cosmos_writer",
        "embeddings",
        "event_documents",
        "events",
        "http_pool",
        "source_files",
        "storage_table",
        "table_account",
        "telemetry",
    },
    "event_ingestion": {
        "batched_embeddings",
        "chunking",
        "documents",
        "embeddings",
        "event_documents",
        "events",
        "fingerprints",
    },
    "event_activities": {"clients", "event_ingestion", "step_results", "telemetry"},
    "step_results": {"telemetry"},
    "staging": {"blob_files", "clients", "job_instances"},
    "audit_activities": {"audit_table", "blob_files", "clients", "staging", "step_results", "telemetry"},
    "chunking": {"documents"},
    "readers": {"chunking", "documents"},
    "fingerprints": {"chunking", "documents"},
    "file_listing": {"blob_files", "cosmos_writer", "fingerprints", "source_files"},
    "source_work": {
        "batched_embeddings",
        "chunking",
        "cosmos_writer",
        "documents",
        "fingerprints",
        "readers",
        "source_files",
    },
    "ingestion": {
        "batched_embeddings",
        "cosmos_writer",
        "documents",
        "embeddings",
        "fingerprints",
        "source_files",
        "source_work",
    },
    "stale_sources": {"cosmos_writer", "source_files"},
    "embed_activities": {
        "blob_files",
        "clients",
        "documents",
        "embeddings",
        "file_listing",
        "ingestion",
        "source_files",
        "source_work",
        "staging",
        "stale_sources",
        "step_results",
        "telemetry",
    },
    "usage": {"workflows.metering"},
    "usage_report": {"usage", "workflows.metering"},
    "event_messages": {"job_instances", "telemetry"},
    "job_instances": {"telemetry", "usage_report"},
    "job_status": {"job_instances", "workflows.fan_out", "workflows.metering"},
}
PURE_IMPORTS = {
    "errors": set(),
    "containers": {"errors"},
    "settings": {"containers", "errors", "jobs"},
    "concurrency": set(),
    "packing": set(),
    "token_estimate": set(),
    "date_range": {"errors"},
    "distinct_ids": set(),
}
IMPURE = {"asyncio", "datetime", "os", "random", "secrets", "time", "uuid", "aiohttp", "logging"}


def name_of(path: Any) -> Any:
    return ".".join(path.relative_to(SHARED).with_suffix("").parts)


def imports_of(path: Any) -> Any:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def shared_imports_of(path: Any) -> Any:
    return {name.removeprefix("shared_code.") for name in imports_of(path) if name.startswith("shared_code.")}


def pool() -> Any:
    return [path for path in MODULES if path.parent.name == "http_pool"]


def documents() -> Any:
    return [path for path in MODULES if path.parent.name == "documents"]


def jobs() -> Any:
    return [path for path in MODULES if path.parent.name == "jobs"]


def workflows() -> Any:
    return [path for path in MODULES if path.parent.name == "workflows"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way_through_the_floors(path):
    name = name_of(path)
    if path.parent != SHARED or name == "__init__":
        return
    allowed = PURE_IMPORTS[name] if name in PURE else PURE | ALLOWED.get(name, set())
    assert shared_imports_of(path) <= allowed


@pytest.mark.parametrize("path", pool(), ids=name_of)
def test_pool_knows_nothing_of_the_app(path):
    assert all(name.split(".")[0] == "http_pool" for name in shared_imports_of(path))


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_documents_import_errors_and_their_siblings_only(path):
    siblings = {name_of(sibling) for sibling in documents()}
    assert shared_imports_of(path) <= {"errors", "documents"} | siblings


@pytest.mark.parametrize("path", jobs(), ids=name_of)
def test_jobs_import_pure_modules_and_their_siblings_only(path):
    siblings = {name_of(sibling) for sibling in jobs()}
    assert shared_imports_of(path) <= {"containers", "errors", "date_range"} | siblings


@pytest.mark.parametrize("path", workflows(), ids=name_of)
def test_workflows_import_jobs_dates_and_their_siblings_only(path):
    siblings = {name_of(sibling) for sibling in workflows()}
    assert shared_imports_of(path) <= {"jobs", "date_range"} | siblings


@pytest.mark.parametrize("path", workflows(), ids=name_of)
def test_workflows_import_no_clock_random_source_environment_or_network(path):
    assert not {name.split(".")[0] for name in imports_of(path)} & IMPURE


@pytest.mark.parametrize("path", MODULES + MAINS, ids=str)
def test_app_imports_nothing_that_is_not_deployed(path):
    roots = {name.split(".")[0] for name in imports_of(path)}
    assert not roots & {"devhost", "local", "tests", "benchmarks"}


@pytest.mark.parametrize("path", sorted((ROOT / "devhost").rglob("*.py")), ids=str)
def test_development_host_knows_nothing_of_the_app(path):
    assert not any(name.split(".")[0] == "shared_code" for name in imports_of(path))


@pytest.mark.parametrize("path", MAINS, ids=str)
def test_mains_import_no_storage_client_of_their_own(path):
    roots = {".".join(name.split(".")[:2]) for name in imports_of(path)}
    assert roots <= {
        "azure.durable_functions",
        "azure.functions",
        "collections.abc",
        "typing",
    } | {name for name in roots if name.startswith("shared_code.")}
