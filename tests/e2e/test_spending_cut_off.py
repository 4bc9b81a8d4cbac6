"""What is spent when something is cut off in the middle: it is counted, and it keeps to its budget."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.emulators.azurite import Azurite
from local.http_client import request
from tests.support.api_client import ApiClient
from tests.support.budgets import JOBS, BudgetedJobs
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, corpus, empty_corpus
from tests.support.events_service import events_service
from tests.support.live_events import LiveEvents, events

__all__ = ["corpus", "events"]
pytestmark = SELF_CERTIFIED


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def settings(embedding_settings: dict[str, str]) -> dict[str, str]:
    return {**embedding_settings, **SHORT_VECTORS, "COSMOS_DATABASE": DATABASE}


@pytest.mark.soak
def test_jobs_keep_to_their_budget_on_a_host_that_dies_and_end_right_when_it_is_raised(  # noqa: PLR0917 - fixtures
    storage: Azurite,
    cosmos_client,
    start_host,
    embeddings_server,
    embedding_settings,
    tmp_path: Path,
):
    with empty_corpus(storage, cosmos_client) as corpus:
        jobs = BudgetedJobs(corpus, start_host, embeddings_server, embedding_settings, tmp_path / "state.db")
        jobs.write_files(24)
        outcome = jobs.meet(0.5, kill_after=1)
        chunks = len(corpus.chunks())

    assert 0 < outcome.spent <= 1.1 * outcome.budget
    assert {status["status"] for status in outcome.ended} == {"Completed"}
    assert [status["result"]["embedded"] for status in outcome.ended] == [24] * JOBS
    assert sum(status["result"]["chunks"] for status in outcome.ended) == chunks
    assert outcome.counted - outcome.estimated <= outcome.charged <= outcome.counted


def test_event_whose_host_dies_while_its_text_is_embedded_is_counted(
    start_host, settings, embeddings_server, events: LiveEvents, tmp_path: Path
):
    embeddings_server.configure(latency=1.0)
    with events_service() as service:
        events.put(service, "cut", "An event that is cut off.")
        own = {**settings, "EVENTS_ENDPOINT": service.origin}
        with start_host(tmp_path / "state.db", **own) as (api, host):
            job = events.submit(api, "cut").json()["id"]
            until(lambda: embeddings_server.counters()["requests"] > 0)
            host.kill()
        with start_host(tmp_path / "state.db", **own) as (api, _):
            result = api.finished(job)["result"]
            (month,) = api.usage_after(events.env, result)["months"]
    charged = embeddings_server.counters()["tokens"]

    assert (result["documents"], len(events.documents("cut"))) == (1, 1)
    assert month["tokens"] - month["estimated"] <= charged <= month["tokens"]


@pytest.mark.parametrize("kind", ["lane", "event"])
def test_what_is_terminated_while_its_step_runs_is_counted_when_that_ends(  # noqa: PLR0917 - fixtures
    start_host, settings, embeddings_server, corpus: Corpus, events: LiveEvents, kind
):
    embeddings_server.configure(latency=0.5)
    with events_service() as service, start_host(**settings, EVENTS_ENDPOINT=service.origin) as (api, _):
        events.put(service, "ended", "An event whose job is ended.")
        submitted = corpus.submit(api) if kind == "lane" else events.submit(api, "ended")
        job, env = submitted.json()["id"], corpus.env if kind == "lane" else events.env
        until(lambda: embeddings_server.counters()["requests"] > 0)
        terminate(api, f"{job}:lane:0" if kind == "lane" else job)
        until(lambda: bool(api.usage(env)["months"]))
        (month,) = api.usage(env)["months"]

    assert month["tokens"] == embeddings_server.counters()["tokens"] > 0
    assert "estimated" not in month


def terminate(api: ApiClient, instance: str) -> None:
    """Ends an instance as an operator does."""
    url = f"{api.origin}/runtime/webhooks/durabletask/instances/{instance}/terminate?reason=test"
    assert request("POST", url).status == 202
