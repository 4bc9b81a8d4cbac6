"""Live events at the budget of their environment: a request is refused, a message's job is held."""

import json
from pathlib import Path

from azure.storage.queue import QueueClient

from local.emulators.azurite import Azurite
from local.samples import events as sample_events
from tests.support.corpus import DATABASE, SELF_CERTIFIED
from tests.support.live_events import LiveEvents, events, wait_for

__all__ = ["events"]
pytestmark = SELF_CERTIFIED


def test_event_over_the_budget_is_refused_by_http_and_waits_by_message(
    start_host, storage: Azurite, embedding_settings, events: LiveEvents, tmp_path: Path
):
    sample_events.write(storage.connection_string)
    ids = {"trackingId": "sample-1", "sessionId": sample_events.SESSION, "env": events.env}
    own = {"COSMOS_DATABASE": DATABASE, "AzureWebJobs.live-event-function.Disabled": "false"}
    settings = {**embedding_settings, **own, "BUDGET_RECHECK_SECONDS": "2"}
    with start_host(tmp_path / "state.db", **settings, MONTHLY_BUDGETS=f"{events.env}=0") as (api, _):
        refused = events.submit(api, "", **ids)
        with QueueClient.from_connection_string(storage.connection_string, sample_events.QUEUE) as queue:
            queue.send_message(json.dumps(ids))
        job = events.job_id("", **ids)
        wait_for(lambda: api.status(job).status == 200)
        api.reached(job, "held")
    with start_host(tmp_path / "state.db", **settings, MONTHLY_BUDGETS=f"{events.env}=9") as (api, _):
        ended = api.finished(job)
        used = api.usage_after(events.env, ended["result"])["months"]

    assert (refused.status, refused.json()["code"]) == (429, "BudgetReached")
    assert (ended["status"], ended["result"]["embedded"]) == ("Completed", 1)
    assert [(month["tokens"], month["requests"]) for month in used] == [(ended["result"]["tokens"], 1)]
