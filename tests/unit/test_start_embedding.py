"""The folder that submits embedding jobs, as the host calls it with a body that is none."""

import json
import runpy
from pathlib import Path

import azure.functions as func
import pytest

from tests.unit.test_http_folders import STARTER

MAIN = Path(__file__).parents[2] / "start-embedding-function" / "main.py"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff"])
async def test_body_that_is_no_object_is_refused_with_what_to_send(body):
    request = func.HttpRequest("POST", "http://jobs.local/api", body=body)
    answer = await runpy.run_path(str(MAIN))["main"](request, STARTER)
    problem = json.loads(answer.get_body())

    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert problem["error"].startswith("Field body cannot be used: send a JSON object with env,")
