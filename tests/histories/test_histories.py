"""Histories of released versions still replay: a change that would break running jobs fails here.

Each file holds the history of one execution, recorded by the version that its name begins with. Files are
only ever added: a job that such a version started may still be running when a newer one is deployed.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devhost.testing import AppUnderTest, running_app
from local.settings import ROOT
from shared_code.jobs import KINDS
from shared_code.jobs.compatibility import VERSION

WHAT_TO_DO = """\
Jobs of that release would end as Failed. Let the workflow do for them what it did: raise VERSION in
shared_code/jobs/compatibility.py and defaultVersion in host.json, put a rule for the older versions into
compatibility.py, ask it in the workflow, and record histories of the new version (docs/operations.md)."""
HISTORIES = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("*.json")}


def started(history: list[dict[str, Any]]) -> dict[str, Any]:
    """The event that began an execution."""
    return next(event for event in history if event["EventType"] == 0)


def input_of(history: list[dict[str, Any]]) -> dict[str, Any]:
    value = started(history)["Input"]
    while isinstance(value, str):
        value = json.loads(value)
    assert isinstance(value, dict)
    return value


def name_of_job(history: list[dict[str, Any]]) -> str:
    """What the execution is of, as whoever reads a failed test looks for it."""
    value, event = input_of(history), started(history)
    kind = f"a job of kind {value['kind']}" if "kind" in value else f"a lane of {value['activity']}"
    return f"{kind}, input version {value.get('version', 'unknown')}, release {event['Version']}"


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[AppUnderTest]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "true")
        async with running_app(ROOT) as running:
            yield running


@pytest.mark.parametrize("recorded", sorted(HISTORIES))
async def test_histories_of_released_versions_still_replay(app: AppUnderTest, recorded: str):
    history = HISTORIES[recorded]
    difference = await app.replay(started(history)["Name"], history)
    assert difference is None, (
        f"{recorded}.json ({name_of_job(history)}) does not replay.\n{difference}\n{WHAT_TO_DO}"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_job_has_a_completed_history_of_the_version_that_is_written_now(kind: str):
    histories = HISTORIES.values()
    ended = [history for history in histories if history[-2].get("OrchestrationStatus") == "Completed"]
    found = {(value.get("kind"), value.get("version")) for value in map(input_of, ended)}
    assert (kind, VERSION) in found, (
        f"Record a history of a job of kind {kind}: docs/operations.md tells how."
    )
