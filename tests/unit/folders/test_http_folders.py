"""The HTTP folders as the host calls them, where a mistake is told before the Durable host is asked."""

import json
import runpy
from inspect import signature
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from shared_code.api.answers import MAX_BODY_BYTES

ROOT = Path(__file__).parents[3]
# Nothing listens there: a call of the Durable host would end in a 503.
STARTER = json.dumps(
    {
        "taskHubName": "hub",
        "creationUrls": {},
        "managementUrls": {"id": "INSTANCEID"},
        "rpcBaseUrl": "http://127.0.0.1:1/durabletask/",
    }
)


HTTP_FOLDERS = sorted(
    path.parent.name for path in ROOT.glob("*/function.json") if '"httpTrigger"' in path.read_text()
)


async def call(folder: str, *, job_id: str = "", headers: Any = None, **params: str) -> Any:
    request = func.HttpRequest(
        "GET",
        "http://jobs.local/api",
        headers=headers or {},
        params=params,
        route_params={"id": job_id},
        body=b"",
    )
    answer = await runpy.run_path(str(ROOT / folder / "main.py"))["main"](request, STARTER)
    return answer.status_code, json.loads(answer.get_body())["error"]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({}, "Empty start date."),
        ({"s": "10:30", "e": ""}, "Invalid start date format."),
        ({"s": "2021-02-03"}, "Empty end date."),
        ({"s": "2021-02-03", "e": "9" * 5000}, "Invalid end date format."),
        ({"s": "2021-02-03", "e": "3/2/2021"}, "Invalid date range."),
        ({"s": "1900-01-01", "e": "2021-02-03"}, "Invalid date range."),
    ],
)
async def test_unusable_dates_are_refused_with_the_agreed_sentence(params, sentence):
    assert await call("client-function", **params) == (400, sentence)


async def test_unusable_idempotency_key_is_refused():
    status, _ = await call(
        "client-function", headers={"Idempotency-Key": " "}, s="2021-02-03", e="2021-02-05"
    )
    assert status == 400


@pytest.mark.parametrize("folder", HTTP_FOLDERS)
async def test_every_route_refuses_a_body_that_no_request_needs(folder):
    request = func.HttpRequest("POST", "http://jobs.local/api", body=b"x" * (MAX_BODY_BYTES + 1))
    main = runpy.run_path(str(ROOT / folder / "main.py"))["main"]
    # Not every route starts or finds jobs.
    answer = await main(*(request, STARTER)[: len(signature(main).parameters)])
    assert (answer.status_code, json.loads(answer.get_body())["code"]) == (413, "RequestTooLarge")


@pytest.mark.parametrize("job_id", ["x", "@usage@key", "a b/c", "a?b#c", "0" * 32 + ":lane:0"])
async def test_id_that_no_job_can_have_is_not_found(job_id):
    assert await call("get-status-function", job_id=job_id) == (404, "Job not found")


@pytest.mark.parametrize("folder", ["client-function", "get-status-function"])
async def test_silent_durable_host_is_told_as_such(folder):
    status, sentence = await call(folder, job_id="0" * 32, s="2021-02-03", e="2021-02-05")
    assert status == 503
    assert "try again" in sentence
