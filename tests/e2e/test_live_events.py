"""Live events by HTTP, from an events service and from the table: once each, whatever comes when."""

from concurrent.futures import ThreadPoolExecutor

from azure.data.tables import TableClient

from local.emulators.azurite import Azurite
from local.samples import events as sample_events
from tests.support.corpus import DATABASE, SELF_CERTIFIED, prose
from tests.support.live_events import TIME, api, events, service

__all__ = ["api", "events", "service"]
pytestmark = SELF_CERTIFIED


def test_event_becomes_a_document_with_all_that_names_it(api, service, events):
    events.put(service, "one", "The train to Bern leaves at 10:02.")
    status = events.run(api, "one")
    document = events.documents("one")[0]

    assert (status["status"], status["result"]["documents"]) == ("Completed", 1)
    assert status["progress"] == {"phase": "done", "total": 1, "completed": 1, "failed": 0, "skipped": 0}
    expected = {**events.named("one"), "env": events.env, "version": "v1", "time": TIME}
    expected |= {"text": "The train to Bern leaves at 10:02.", "job_id": status["id"]}
    assert {name: document[name] for name in expected} == expected
    assert any(document["embedding"])


def test_history_of_a_job_does_not_hold_the_text_of_its_event(api, service, events):
    events.put(service, "private", "Something that is nobody's business.")
    job = events.run(api, "private")["id"]
    shown = "showHistory=true&showHistoryOutput=true&showInput=true"
    history = api.send("GET", f"/runtime/webhooks/durabletask/instances/{job}?{shown}").text

    assert events.named("private")["trackingId"] in history
    assert "nobody" not in history


def test_same_event_twenty_times_at_once_is_one_job_one_call_and_one_document(
    api, service, events, embeddings_server
):
    events.put(service, "many", "An event that everybody tells of.")
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda _: events.submit(api, "many"), range(20)))

    assert {answer.status for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert api.finished(answers[0].json()["id"])["status"] == "Completed"
    assert embeddings_server.counters()["requests"] == 1
    assert len(events.documents("many")) == 1
    assert service.asked.count(events.named("many")["trackingId"]) == 1


def test_completed_event_is_found_and_runs_again_only_by_force(api, service, events, embeddings_server):
    events.put(service, "again", "The first text.")
    first = events.run(api, "again")
    events.put(service, "again", "The second text.")
    found = events.submit(api, "again").json()
    forced = events.run(api, "again", force=True)

    assert (found["id"], found["status"]) == (first["id"], "Completed")
    assert (forced["id"], forced["result"]["embedded"]) == (first["id"], 1)
    assert [document["text"] for document in events.documents("again")] == ["The second text."]
    assert embeddings_server.counters()["requests"] == 2


def test_forced_event_with_unchanged_text_costs_nothing(api, service, events, embeddings_server):
    events.put(service, "same", "The same text.")
    events.run(api, "same")
    forced = events.run(api, "same", force=True)

    assert (forced["result"]["documents"], forced["result"]["tokens"]) == (1, 0)
    assert embeddings_server.counters()["requests"] == 1


def test_long_event_is_several_documents_and_stale_ones_go(api, service, events):
    events.put(service, "long", prose("trains", paragraphs=8))
    long = events.run(api, "long")
    events.put(service, "long", "Short now.")
    short = events.run(api, "long", force=True)

    assert (long["result"]["documents"] > 1, short["result"]["documents"]) == (True, 1)
    assert [document["text"] for document in events.documents("long")] == ["Short now."]


def test_event_of_another_session_is_refused(api, service, events):
    events.put(service, "mine", "A text.")
    events.run(api, "mine")
    refused = events.submit(api, "mine", sessionId="another")

    assert (refused.status, refused.json()["code"]) == (422, "TrackingIdReused")


def test_event_that_comes_before_its_details_is_embedded_when_they_are_there(api, service, events):
    job = events.submit(api, "early").json()["id"]
    api.reached(job, "waiting")
    events.put(service, "early", "Details at last.")

    assert api.finished(job)["status"] == "Completed"
    assert len(events.documents("early")) == 1


def test_unknown_event_fails_after_its_time_and_runs_again_when_it_is_submitted_again(api, service, events):
    unknown = events.run(api, "unknown")
    events.put(service, "unknown", "Known now.")

    assert (unknown["status"], unknown["error"]["code"]) == ("Failed", "EventNotFound")
    assert events.run(api, "unknown")["status"] == "Completed"


def test_events_service_that_is_down_for_a_while_is_waited_for(api, service, events):
    events.put(service, "down", "A text.")
    service.is_down = True
    job = events.submit(api, "down").json()["id"]
    api.reached(job, "waiting")
    service.is_down = False

    assert api.finished(job)["status"] == "Completed"


def test_refused_text_fails_its_own_job_only(api, service, events, embeddings_server):
    embeddings_server.configure({"kind": "nan", "times": 2})
    events.put(service, "bad", "A text without a vector.")
    bad = events.run(api, "bad")
    events.put(service, "good", "A text with one.")

    assert (bad["status"], bad["error"]["code"]) == ("Failed", "EmbeddingInvalid")
    assert events.run(api, "good")["status"] == "Completed"


def test_event_is_read_from_the_table_where_there_is_no_service(
    start_host, storage: Azurite, embedding_settings, events
):
    ids = {"trackingId": f"it's 100% {events.env} ä", "sessionId": "a b+c,(d)"}
    sample_events.write(storage.connection_string)
    with TableClient.from_connection_string(storage.connection_string, "events") as table:
        table.create_entity(
            {"PartitionKey": ids["sessionId"], "RowKey": ids["trackingId"], "text": "From the table."}
        )
    with start_host(**embedding_settings, COSMOS_DATABASE=DATABASE, EVENTS_WAIT_SECONDS="0") as (api, _):
        found = events.run(api, "", **ids)
        absent = events.run(api, "absent")

    assert (found["status"], found["result"]["embedded"]) == ("Completed", 1), found
    assert absent["error"]["code"] == "EventNotFound"
