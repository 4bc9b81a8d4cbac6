"""Versions that prove themselves before they go live: evaluated by jobs, and promoted over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.http_client import Answer, request
from tests.support.api_client import ApiClient, StartHost
from tests.support.corpus import SEARCHED_DATABASE, SELF_CERTIFIED, Corpus, corpus

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED
SUBJECTS = ("apples", "bears", "cedars")


@pytest.fixture(scope="module")
def api(start_host: StartHost, embedding_settings: dict[str, str]) -> Iterator[ApiClient]:
    with start_host(**embedding_settings, COSMOS_DATABASE=SEARCHED_DATABASE) as (client, _):
        yield client


def put_questions(corpus: Corpus, *, paragraphs: int = 4) -> str:
    """Writes questions about each file, outside of what is embedded; their path."""
    container = corpus.files.container_name
    lines = (
        {
            "question": f"What does paragraph {number} say of {subject}?",
            "sources": [f"{container}/docs/{subject}.txt"],
        }
        for subject in SUBJECTS
        for number in range(paragraphs)
    )
    corpus.files.upload_blob("golden.jsonl", "\n".join(map(json.dumps, lines)), overwrite=True)
    return f"{container}/golden.jsonl"


def start(api: ApiClient, corpus: Corpus, questions: str, version: str = "v1") -> Answer:
    body = {"env": corpus.env, "version": version, "questions": questions}
    return request("POST", f"{api.origin}/api/orchestrators/start", body=body)


def evaluate(api: ApiClient, corpus: Corpus, questions: str, version: str = "v1") -> dict[str, Any]:
    """The last status of an evaluation."""
    return api.finished(start(api, corpus, questions, version).json()["id"])


def put_live(api: ApiClient, corpus: Corpus, version: str, **fields: Any) -> Answer:
    return request("PUT", f"{api.origin}/api/index/{corpus.env}", body={"live": version, **fields})


def test_version_that_is_worse_is_refused_and_a_mended_one_goes_live(corpus, api):
    questions = put_questions(corpus)
    corpus.run(api, version="v1")
    bears = corpus.files.download_blob("docs/bears.txt").readall()
    corpus.drop("bears")
    corpus.run(api, version="v2")
    whole = evaluate(api, corpus, questions, "v1")["result"]
    poor = evaluate(api, corpus, questions, "v2")["result"]
    first = put_live(api, corpus, "v1", by="ada")
    refused = put_live(api, corpus, "v2")
    corpus.files.upload_blob("docs/bears.txt", bears)
    corpus.run(api, version="v2")
    evaluate(api, corpus, questions, "v2")
    mended = put_live(api, corpus, "v2")

    assert (whole["asked"], whole["recall@10"], poor["recall@10"]) == (12, 1.0, round(8 / 12, 4))
    assert {miss["notIndexed"][0].rsplit("/")[-1] for miss in poor["misses"]} == {"bears.txt"}
    assert (first.status, first.json()["live"], first.json()["promotions"][0]["by"]) == (200, "v1", "ada")
    assert (refused.status, refused.json()["code"]) == (409, "QualityFell")
    assert refused.json()["live"]["recall@10"] > refused.json()["candidate"]["recall@10"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert (mended.status, mended.json()["live"]) == (200, "v2")


def test_questions_that_were_missed_are_the_ledger_of_an_evaluation(corpus, api):
    questions = put_questions(corpus, paragraphs=1)
    corpus.drop("bears")
    corpus.run(api, version="v1")
    job = evaluate(api, corpus, questions)
    [entry] = api.send("GET", f"/api/status/{job['id']}/ledger").json()["ledger"]

    assert (entry["source"].rsplit("/")[-1], entry["code"]) == ("bears.txt", "Missed")
    assert "What does paragraph 0 say of bears?" in entry["message"]


def test_searches_follow_a_promotion_at_once(corpus, api):
    target = f"/api/search?env={corpus.env}&q=bears"
    corpus.run(api, version="v1")
    corpus.run(api, version="v2")
    seen = []
    for version in ("v1", "v2", "v1"):
        put_live(api, corpus, version, force=True)
        seen.append(api.send("GET", target).json()["index"])

    assert seen == [f"{corpus.env}|{version}" for version in ("v1", "v2", "v1")]


def test_force_makes_a_version_live_that_nobody_has_evaluated(corpus, api):
    corpus.run(api, version="v1")
    corpus.run(api, version="v2")
    put_live(api, corpus, "v1")
    refused = put_live(api, corpus, "v2")
    forced = put_live(api, corpus, "v2", force=True)
    seen = api.send("GET", f"/api/index/{corpus.env}").json()

    assert (refused.status, refused.json()["code"]) == (409, "NotEvaluated")
    assert (forced.status, seen["live"]) == (200, "v2")
    assert [(one["version"], one["sources"], one["live"]) for one in seen["versions"]] == [
        ("v1", 3, False),
        ("v2", 3, True),
    ]
    assert seen["promotions"][0]["forced"]


def test_questions_that_cannot_be_used_fail_the_job_by_their_line(corpus, api):
    corpus.run(api)
    corpus.files.upload_blob("golden.jsonl", '{"question": "Who?", "sources": ["a/b"]}\n{"question": 7}')
    status = evaluate(api, corpus, f"{corpus.files.container_name}/golden.jsonl")

    assert (status["status"], status["error"]["code"]) == ("Failed", "InvalidQuestions")
    assert "Line 2" in status["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"live": "v9"}, 404, "VersionNotFound"),
        ({"live": "v9", "force": True}, 404, "VersionNotFound"),
        ({"live": 7}, 400, "InvalidField"),
        ([], 400, "InvalidField"),
    ],
)
def test_request_to_go_live_that_cannot_be_met_is_refused(api, body, status, code):
    answer = request("PUT", f"{api.origin}/api/index/nothing", body=body)

    assert (answer.status, answer.json()["code"]) == (status, code)


def test_questions_of_a_container_that_jobs_may_not_read_are_refused_at_once(corpus, api):
    assert start(api, corpus, "jobs/golden.jsonl").status == 403


def test_evaluation_goes_on_where_its_host_was_killed(
    corpus, start_host, embedding_settings, embeddings_server, tmp_path: Path
):
    questions = put_questions(corpus, paragraphs=34)
    state, settings = tmp_path / "state.db", {**embedding_settings, "COSMOS_DATABASE": SEARCHED_DATABASE}
    with start_host(state, **settings) as (api, service):
        corpus.run(api)
        before = api.usage_after(corpus.env)
        embeddings_server.configure(latency=60)
        job = start(api, corpus, questions).json()["id"]
        api.reached(job, "asking")
        service.kill()
    embeddings_server.reset()
    with start_host(state, **settings) as (api, _):
        status = api.finished(job, seconds=120)
        seen = api.send("GET", f"/api/index/{corpus.env}").json()

    assert (status["status"], status["result"]["asked"], status["result"]["missed"]) == ("Completed", 102, 0)
    assert status["progress"]["completed"] == 102
    assert seen["versions"][0]["evaluation"]["job"] == job
    assert before["env"] == corpus.env
