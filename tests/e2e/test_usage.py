"""Usage and budgets over HTTP: what embedding jobs spend is known, and stops at the budget."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.http_client import request
from tests.support.api_client import ApiClient, StartHost
from tests.support.corpus import DATABASE, SELF_CERTIFIED, corpus

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED


@pytest.fixture(scope="module")
def settings(embedding_settings: dict[str, str]) -> dict[str, str]:
    return {**embedding_settings, "COSMOS_DATABASE": DATABASE, "BUDGET_RECHECK_SECONDS": "2"}


@pytest.fixture(scope="module")
def api(start_host: StartHost, settings: dict[str, str]) -> Iterator[ApiClient]:
    with start_host(**settings) as (client, _):
        yield client


def month_of(result: dict[str, Any]) -> dict[str, Any]:
    """The month of a single job with this result."""
    spent = {name: result[name] for name in ("tokens", "requests", "cost")}
    return {"month": f"{datetime.now(UTC):%Y-%m}", **spent}


def held(api: ApiClient, job_id: str) -> dict[str, Any]:
    """The status of a job as soon as it is held."""
    deadline = time.monotonic() + 60
    while (status := api.status(job_id).json())["progress"]["phase"] != "held":
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
    return dict(status)


def test_usage_of_an_environment_is_what_its_jobs_have_spent(corpus, api, embeddings_server):
    first = corpus.run(api)["result"]
    before = api.usage_after(corpus.env, first)
    assert before == {"env": corpus.env, "months": [month_of(first)], "budget": None}
    assert first["tokens"] == embeddings_server.counters()["tokens"] > 0
    assert first["requests"] == embeddings_server.counters()["requests"] > 0

    corpus.run(api)  # unchanged
    corpus.run(api, version="v2", dryRun=True)
    assert api.usage(corpus.env) == before

    second = corpus.run(api, version="v2")["result"]
    (month,) = api.usage_after(corpus.env, first, second)["months"]
    assert month["tokens"] == first["tokens"] + second["tokens"]
    assert month["cost"] == pytest.approx(first["cost"] + second["cost"], rel=1e-12)


def test_environment_that_nobody_has_used_has_no_months(api):
    assert api.usage("nobody.has-used_it") == {"env": "nobody.has-used_it", "months": [], "budget": None}


@pytest.mark.parametrize("env", ["a%20b", "x" * 33, "a%3A2026-11", "%40usage"])
def test_what_is_no_environment_is_a_400(api, env):
    answer = api.send("GET", f"/api/usage/{env}")
    assert (answer.status, answer.json()["code"]) == (400, "InvalidField")


def test_new_job_is_refused_at_the_budget_and_an_earlier_one_is_found(
    corpus, start_host, settings, tmp_path: Path
):
    state = tmp_path / "state.db"
    body = {"env": corpus.env, "version": "v1", "filesPath": f"{corpus.files.container_name}/docs"}
    with start_host(state, **settings, MONTHLY_BUDGETS=f"{corpus.env}=1") as (api, _):
        url = f"{api.origin}/api/orchestrators/start"
        first = request("POST", url, body=body, headers={"Idempotency-Key": corpus.env})
        result = api.finished(first.json()["id"])["result"]
        api.usage_after(corpus.env, result)
    with start_host(state, **settings, MONTHLY_BUDGETS=f"{corpus.env}=0.000001") as (api, _):
        url = f"{api.origin}/api/orchestrators/start"
        refused = request("POST", url, body=body)
        again = request("POST", url, body=body, headers={"Idempotency-Key": corpus.env})
        dry = corpus.run(api, version="v2", dryRun=True)
        budget = api.usage(corpus.env)["budget"]

    problem = refused.json()
    assert (refused.status, problem["code"], problem["budget"]) == (429, "BudgetReached", 0.000001)
    assert re.fullmatch(r"\w{3}, 01 \w{3} \d{4} 00:00:00 GMT", refused.headers["retry-after"])
    assert problem["spent"] == budget["spent"] > budget["amount"]
    assert (budget["left"], budget["renewsAt"]) == (0, problem["renewsAt"])
    assert (again.status, again.json()["id"]) == (202, first.json()["id"])
    assert dry["progress"]["phase"] == "estimated"


def test_running_job_is_held_at_the_budget_until_it_is_raised(corpus, start_host, settings, tmp_path: Path):
    state = tmp_path / "state.db"
    # Without the index this host takes the job and cannot begin it.
    indexless = {**settings, "COSMOS_ENDPOINT": "http://127.0.0.1:1"}
    with start_host(state, **indexless, MONTHLY_BUDGETS=f"{corpus.env}=1") as (api, service):
        job = corpus.submit(api).json()["id"]
        service.kill()
    with start_host(state, **settings, MONTHLY_BUDGETS=f"{corpus.env}=0") as (api, service):
        waiting = held(api, job)
        service.kill()
    with start_host(state, **settings, MONTHLY_BUDGETS=f"{corpus.env}=1") as (api, _):
        status = api.finished(job)
        usage = api.usage_after(corpus.env, status["result"])

    assert (waiting["status"], waiting["progress"]["held"]["code"]) == ("Running", "BudgetReached")
    assert (status["status"], status["result"]["embedded"], status["progress"]["phase"]) == (
        "Completed",
        3,
        "done",
    )
    assert usage["months"] == [month_of(status["result"])]
