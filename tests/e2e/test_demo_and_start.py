"""The two commands that run the whole stack, as a user starts them."""

import signal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.demo import Measured, report
from local.errors import DemoFailed
from local.ports import is_free
from local.sample_data import END, KNOWN_ANSWER, START
from tests.commands import PORTS, own_environment, spawn, wait_for_line
from tests.e2e.api_client import ApiClient


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return own_environment(tmp_path)


def test_demo_shows_three_equal_counts_and_stops_everything(environment: dict[str, str]) -> None:
    with spawn("demo", environment) as process:
        shown, _ = process.communicate(timeout=60)

    assert process.returncode == 0, shown
    assert f"202 Accepted: http://localhost:{environment['PORT']}/api/status/" in shown
    assert shown.count(f"{KNOWN_ANSWER:,}") == 3
    assert all(is_free(int(environment[port])) for port in PORTS)


@pytest.mark.parametrize("counts", [(1, KNOWN_ANSWER), (KNOWN_ANSWER, 1), (1, 1)])
def test_demo_fails_unless_all_three_counts_agree(counts: tuple[int, int]) -> None:
    job, reference = (Measured(count, 0.1) for count in counts)

    with pytest.raises(DemoFailed, match="the job's answer is wrong"):
        report(Console(quiet=True), job, reference)


def test_start_serves_the_sample_data_until_the_user_ends_it(environment: dict[str, str]) -> None:
    with spawn("start", environment) as process:
        suggested = wait_for_line(process, "Try: curl")
        status = ApiClient(f"http://localhost:{environment['PORT']}").run(START, END)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert f"http://localhost:{environment['PORT']}/api/submit/query?s={START}&e={END}" in suggested
    assert status["result"] == KNOWN_ANSWER
    assert process.returncode == 0
    assert all(is_free(int(environment[port])) for port in PORTS)


def test_jobs_outlive_a_restart_of_the_stack(environment: dict[str, str]) -> None:
    api = ApiClient(f"http://localhost:{environment['PORT']}")
    seen: list[Any] = []
    for _ in range(2):
        with spawn("start", environment) as process:
            wait_for_line(process, "Try: curl")
            if not seen:
                seen.append(api.run(START, END))
            seen.append(api.status(seen[0]["id"]).json())
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)

    assert seen[0] == seen[1] == seen[2]
