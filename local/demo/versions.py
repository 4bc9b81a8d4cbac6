"""The end of the demo: v1 goes live and answers questions, and a v2 that lacks files is refused."""

import http.client
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from local.ask import answer_of, told
from local.demo.jobs import Jobs
from local.errors import DemoFailed
from local.http_client import Answer, request
from local.samples.documents import CONTAINER
from local.samples.questions import ANSWERED_BY, QUESTIONS, SHOWN

FIGURES = ("recall@1", "recall@5", "recall@10", "mrr", "missed")
_RESULTS = "3"
# What the second version is embedded from: many of the questions are about other files.
_PART = f"{CONTAINER}/handbook"


def ask_questions(jobs: Jobs, env: str) -> None:
    """Makes v1 live and asks it some questions. Raises DemoFailed unless each finds its source."""
    taken = _put_live(jobs, env, "v1")
    if taken.status != http.client.OK:
        raise DemoFailed(f"v1 should go live, and the host answered {taken.status}: {taken.text}")
    for question in SHOWN:
        answer = answer_of(jobs.origin, {"q": question, "env": env, "top": _RESULTS})
        for line in ("", question, *told(answer)):
            jobs.console.print(line, markup=False, soft_wrap=True)
        found = {result.get("source") for result in answer["results"]}
        if not found & {f"{CONTAINER}/{name}" for name in ANSWERED_BY[question]}:
            raise DemoFailed(f"None of the sources of {question!r} was found.")
    jobs.console.print("Each answer is from a document that has it.")


def compare_versions(jobs: Jobs, env: str) -> None:
    """Evaluates v1, which is live, and a v2 that lacks files and may not go live. Raises DemoFailed."""
    jobs.run("POST", "/api/orchestrators/start", {"env": env, "version": "v2", "filesPath": _PART})
    results = [_evaluate(jobs, env, version) for version in ("v1", "v2")]
    report_versions(jobs.console, results, _put_live(jobs, env, "v2"))


def report_versions(console: Console, results: Sequence[dict[str, Any]], refused: Answer) -> None:
    """Prints both versions beside each other. Raises DemoFailed unless the second is worse and refused."""
    table = Table()
    table.add_column(f"{results[0]['asked']} questions")
    for result in results:
        table.add_column(result["version"], justify="right")
    for name in FIGURES:
        table.add_row(name, *(f"{result[name]:.4g}" for result in results))
    console.print(table)
    if (refused.status, refused.json().get("code")) != (http.client.CONFLICT, "QualityFell"):
        raise DemoFailed(f"v2 should be refused, and the host answered {refused.status}: {refused.text}")
    console.print(f"409 QualityFell: {refused.json()['detail']}", soft_wrap=True)
    console.print("v2 lacks files and was refused: v1 stays live.")


def _evaluate(jobs: Jobs, env: str, version: str) -> dict[str, Any]:
    body = {"env": env, "version": version, "questions": QUESTIONS}
    result: dict[str, Any] = jobs.run("POST", "/api/orchestrators/start", body)
    return result


def _put_live(jobs: Jobs, env: str, version: str) -> Answer:
    url, body = f"{jobs.origin}/api/index/{env}", {"live": version, "by": "demo"}
    jobs.console.print(f"PUT {url} {body}", soft_wrap=True)
    return request("PUT", url, body=body)
