"""docs/operations.md speaks of what there is: events, fields, settings, codes, commands, and host.json."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from devhost.client import COMMANDS
from shared_code.settings import SETTINGS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/operations.md").read_text()
HOST = json.loads((ROOT / "host.json").read_text())
APP = "\n".join(path.read_text() for path in (*(ROOT / "shared_code").rglob("*.py"), *ROOT.glob("*/main.py")))
QUERIES = re.findall(r"```kusto\n(.*?)```", TEXT, re.DOTALL)
PROSE = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
SCOPE = {"jobId", "kind", "step"}
# Settings that the Functions host and its Python worker read, and the app does not.
OF_THE_HOST = {
    "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__queueServiceUri",
    "FUNCTIONS_WORKER_PROCESS_COUNT",
    "PYTHON_THREADPOOL_THREAD_COUNT",
}
# Of Core Tools 4, which cannot be installed everywhere: `func durable` and its options.
FUNC_DURABLE = {
    "delete-task-hub": set(),
    "get-history": {"id"},
    "get-instances": {"runtime-status", "created-after", "created-before", "top"},
    "get-runtime-status": {"id", "show-input", "show-output"},
    "purge-history": {"runtime-status", "created-after", "created-before"},
    "raise-event": {"id", "event-name", "event-data"},
    "rewind": {"id", "reason"},
    "start-new": {"function-name", "id", "input"},
    "terminate": {"id", "reason"},
}


def calls(name: str) -> Iterator[ast.Call]:
    """Every call of a function of telemetry in the app."""
    for node in ast.walk(ast.parse(APP)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def keywords(call: ast.Call) -> set[str]:
    """The fields that a call names."""
    return {keyword.arg for keyword in call.keywords if keyword.arg} - {"cause", "level"}


@cache
def events_of_the_code() -> dict[str, tuple[set[str], bool]]:
    """The fields of every event, and whether there may be more that its call does not name."""
    found: dict[str, tuple[set[str], bool]] = {}
    for call in calls("log_event"):
        if isinstance(call.args[0], ast.Constant):
            has_more = any(not keyword.arg for keyword in call.keywords)
            found[ast.literal_eval(call.args[0])] = keywords(call), has_more
    for call in calls("traced"):
        subject = ast.literal_eval(call.args[1])
        for event in ("started", "ended", "failed"):
            more = {"error"} if event == "failed" else set()
            found[f"{subject}.{event}"] = keywords(call) | more, False
    return found


def table(head: str) -> list[list[str]]:
    """The rows of the table whose head begins so."""
    rows = TEXT.split(f"\n| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


EVENTS = {quoted(row[0])[0]: set(quoted(row[1])) for row in table("event")}


def test_every_event_of_the_code_is_documented_and_no_other():
    assert set(EVENTS) == set(events_of_the_code())


@pytest.mark.parametrize("event", sorted(events_of_the_code()))
def test_fields_of_an_event_are_those_that_the_code_logs(event):
    named, has_more = events_of_the_code()[event]
    documented = EVENTS[event]
    assert named <= documented
    rest = documented - named
    assert not rest or (has_more and all(f'"{field}"' in APP for field in rest))


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_query_asks_for_events_and_fields_that_are_logged(query):
    assert set(re.findall(r'"([a-z_]+\.[a-z_]+)"', query)) <= set(EVENTS)
    logged = SCOPE | set().union(*EVENTS.values())
    assert set(re.findall(r"\be\.(\w+)", query)) - {"event"} <= logged


def test_settings_that_are_named_exist():
    known = {setting.name for setting in SETTINGS} | OF_THE_HOST
    named = {word for word in quoted(PROSE) if re.fullmatch(r"[A-Z]+(_[A-Z]+)+|AzureWebJobs\w+", word)}
    assert named
    assert named <= known


@pytest.mark.parametrize("path", sorted({word for word in quoted(PROSE) if word.startswith("extensions.")}))
def test_value_of_host_json_is_there(path):
    value: Any = HOST
    for part in path.split("."):
        value = value[part]
    shown = [row[2] for row in table("limit") if quoted(row[0]) == [path]]
    assert shown in ([], [str(value)])


def test_what_is_left_out_of_host_json_is_left_out():
    durable = HOST["extensions"]["durableTask"]
    left_out = {quoted(row[0])[0] for row in table("left out")} - {"traceInputsAndOutputs"}
    assert not left_out & {*durable, *durable.get("storageProvider", {})}
    assert durable["tracing"]["traceInputsAndOutputs"] is False


def test_defaults_of_the_limits_are_those_of_the_settings():
    defaults = {setting.name: setting.default for setting in SETTINGS}
    limits = {quoted(row[0])[0]: row[2] for row in table("limit")}
    assert {name: limits[name] for name in limits.keys() & defaults.keys()} == {
        name: defaults[name] for name in limits.keys() & defaults.keys()
    }


def test_codes_of_failed_jobs_are_errors_of_the_app():
    codes = [code for row in table("code") for code in quoted(row[0])]
    assert codes
    assert [code for code in codes if not re.search(rf"class {code}\(|\"{code}\"", APP)] == []


def test_every_error_that_can_fail_a_job_is_explained():
    bases = dict(re.findall(r"^class (\w+)\((\w+)\):", APP, re.MULTILINE))
    errors = {name for name in bases if ends_a_job(name, bases)} - set(bases.values())
    values = set(re.findall(r"Failure\(\s*\"(\w+)\"", APP)) - {"JobFailed"}  # of a job that says nothing else
    assert {code for row in table("code") for code in quoted(row[0])} >= errors | values


def ends_a_job(error: str, bases: dict[str, str]) -> bool:
    base = bases.get(error)
    return base in {"Permanent", "Passing"} or (base is not None and ends_a_job(base, bases))


@pytest.mark.parametrize("command", re.findall(r"`func durable ([^`]+)`", TEXT))
def test_command_of_core_tools_has_these_options(command):
    name = command.split()[0]
    assert set(re.findall(r"--([\w-]+)", command)) <= FUNC_DURABLE[name]


def test_commands_of_the_development_host_exist():
    sentence = TEXT.split("`python -m devhost` has the same")[1].split(".\n")[0]
    assert set(quoted(sentence)) <= set(COMMANDS)


def test_queues_that_are_named_are_those_of_the_app():
    folders = "".join(path.read_text() for path in ROOT.glob("*/function.json"))
    named = {word for word in quoted(PROSE) if word.startswith("live-events")}
    assert named
    assert [queue for queue in named if f'"{queue}"' not in folders] == []
    assert set(re.findall(r"`(\w+)-(?:control|workitems)", TEXT)) == {
        HOST["extensions"]["durableTask"]["hubName"]
    }
