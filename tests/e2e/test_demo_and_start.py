"""The two commands that run the whole stack, as a user starts them."""

import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.demo.run import SHOWN, Measured, report_counts, report_embedding
from local.demo.versions import FIGURES, report_versions
from local.errors import DemoFailed
from local.http_client import Answer
from local.ports import is_free
from local.samples.audit_table import END, KNOWN_ANSWER, START
from local.samples.documents import documents
from tests.support.api_client import ApiClient
from tests.support.commands import PORTS, own_environment, spawn, wait_for_line


@dataclass(frozen=True)
class EndedStack:
    """A stack that the user has ended after one job."""

    environment: dict[str, str]
    suggested: str
    job: dict[str, Any]
    exit_code: int
    ports_are_free: bool


@pytest.fixture(scope="module")
def ended_stack(tmp_path_factory: pytest.TempPathFactory) -> EndedStack:
    environment = own_environment(tmp_path_factory.mktemp("stack"))
    with spawn("start", environment) as process:
        suggested = wait_for_line(process, "Try: curl")
        job = api_of(environment).run(START, END)
        end(process, signal.SIGINT)
    return EndedStack(environment, suggested, job, process.returncode, all_ports_are_free(environment))


def api_of(environment: dict[str, str]) -> ApiClient:
    return ApiClient(f"http://localhost:{environment['PORT']}")


def end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    process.send_signal(number)
    process.communicate(timeout=30)


def all_ports_are_free(environment: dict[str, str]) -> bool:
    return all(is_free(int(environment[port])) for port in PORTS)


def test_demo_shows_three_equal_counts_and_stops_everything(tmp_path: Path) -> None:
    environment = own_environment(tmp_path)
    with spawn("demo", environment) as process:
        shown, _ = process.communicate(timeout=120)

    assert process.returncode == 0, shown
    assert f"202 Accepted: http://localhost:{environment['PORT']}/api/status/" in shown
    assert shown.count(f"{KNOWN_ANSWER:,}") == 3
    assert "Every file is accounted for, and the second run embedded nothing." in shown
    assert "Each answer is from a document that has it." in shown
    assert "v2 lacks files and was refused: v1 stays live." in shown
    assert all_ports_are_free(environment)


@pytest.mark.parametrize("counts", [(1, KNOWN_ANSWER), (KNOWN_ANSWER, 1), (1, 1)])
def test_demo_fails_unless_all_three_counts_agree(counts: tuple[int, int]) -> None:
    job, reference = (Measured(count, 0.1) for count in counts)

    with pytest.raises(DemoFailed, match="the job's answer is wrong"):
        report_counts(Console(quiet=True), job, reference)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ((0, "embedded"), "The first run should embed"),
        ((0, "failed"), "The first run should embed"),
        ((1, "embedded"), "The second run should find"),
        ((1, "tokens"), "The second run should find"),
    ],
)
def test_demo_fails_unless_every_file_is_accounted_for(changed: tuple[int, str], reason: str) -> None:
    readable = sum(document.readable for document in documents())
    failed = len(documents()) - readable
    runs: list[dict[str, Any]] = [
        dict.fromkeys(SHOWN, 0) | {"ledger": [], "failed": failed} for _ in range(2)
    ]
    runs[0]["embedded"] = runs[1]["unchanged"] = readable
    first, second = (Measured(run, 0.1) for run in runs)
    report_embedding(Console(quiet=True), first, second)
    runs[changed[0]][changed[1]] += 1

    with pytest.raises(DemoFailed, match=reason):
        report_embedding(Console(quiet=True), first, second)


@pytest.mark.parametrize(("status", "code"), [(200, None), (409, "NotEvaluated"), (503, "IndexUnavailable")])
def test_demo_fails_unless_the_version_that_lacks_files_is_refused(status: int, code: str | None) -> None:
    results = [{"asked": 14, "version": version, **dict.fromkeys(FIGURES, 1)} for version in ("v1", "v2")]
    refused = Answer(409, {}, '{"code": "QualityFell", "detail": "v2 is worse."}')
    report_versions(Console(quiet=True), results, refused)

    with pytest.raises(DemoFailed, match="v2 should be refused"):
        report_versions(Console(quiet=True), results, Answer(status, {}, json.dumps({"code": code})))


def test_start_serves_the_sample_data_until_the_user_ends_it(ended_stack: EndedStack) -> None:
    port = ended_stack.environment["PORT"]
    assert f"http://localhost:{port}/api/submit/query?s={START}&e={END}" in ended_stack.suggested
    assert ended_stack.job["result"] == KNOWN_ANSWER
    assert ended_stack.exit_code == 0
    assert ended_stack.ports_are_free


def test_jobs_outlive_a_restart_of_the_stack(ended_stack: EndedStack) -> None:
    with spawn("start", ended_stack.environment) as process:
        wait_for_line(process, "Try: curl")
        found = api_of(ended_stack.environment).status(ended_stack.job["id"]).json()
        end(process, signal.SIGTERM)

    assert found == ended_stack.job
