"""The folder that submits embedding jobs, as the host calls it with what it refuses."""

import json
import runpy
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from tests.unit.folders.test_http_folders import STARTER

MAIN = Path(__file__).parents[3] / "start-embedding-function" / "main.py"


async def post(body: bytes) -> Any:
    request = func.HttpRequest("POST", "http://jobs.local/api", body=body)
    return await runpy.run_path(str(MAIN))["main"](request, STARTER)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff"])
async def test_body_that_is_no_object_is_refused_with_what_to_send(body):
    answer = await post(body)
    problem = json.loads(answer.get_body())

    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert problem["error"].startswith("Field body cannot be used: send a JSON object with env,")


@pytest.mark.parametrize("container", ["jobs", "azure-webjobs-secrets", "asyncjobs-largemessages"])
async def test_files_of_the_app_itself_are_forbidden(container):
    answer = await post(json.dumps({"env": "e", "version": "v", "filesPath": f"{container}/x"}).encode())
    problem = json.loads(answer.get_body())

    assert (answer.status_code, problem["code"]) == (403, "ContainerNotAllowed")
    assert "filesPath" in problem["error"]
