"""Live events by messages on their queue: each is embedded once, and none is lost or in the way."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from local.emulators.azurite import Azurite
from tests.support.corpus import SELF_CERTIFIED
from tests.support.live_events import LiveEvents, api, events, service, wait_for

__all__ = ["api", "events", "service"]
pytestmark = SELF_CERTIFIED


@pytest.fixture
def queue(storage: Azurite) -> Iterator[QueueClient]:
    with queue_named("live-events", storage) as client:
        yield client


@pytest.fixture
def poison(storage: Azurite) -> Iterator[QueueClient]:
    with queue_named("live-events-poison", storage) as client:
        yield client


def queue_named(name: str, storage: Azurite) -> QueueClient:
    client = QueueClient.from_connection_string(storage.connection_string, name)
    try:
        client.clear_messages()
    except ResourceNotFoundError:
        client.create_queue()
    return client


def message(events: LiveEvents, name: str, **more: Any) -> str:
    return json.dumps({**events.named(name), "env": events.env, **more})


def finished(api: Any, job: str) -> Any:
    """The last status of a job that a message starts."""
    wait_for(lambda: api.status(job).status == 200)
    return api.finished(job)


@pytest.mark.parametrize(
    "write", [str, lambda text: b64encode(text.encode()).decode()], ids=["plain", "base64"]
)
def test_message_starts_the_job_of_its_event(api, service, events, queue, write):
    events.put(service, "one", "An event on a queue.")
    queue.send_message(write(message(events, "one")))
    status = finished(api, events.job_id("one"))

    assert (status["status"], status["result"]["embedded"]) == ("Completed", 1)
    assert [document["text"] for document in events.documents("one")] == ["An event on a queue."]


def test_event_that_comes_by_queue_many_times_and_by_http_too_runs_once(
    api, service, events, queue, embeddings_server
):
    events.put(service, "many", "An event that everybody tells of.")
    service.is_free.clear()  # a message that comes when the job has ended may start it again
    for _ in range(10):
        queue.send_message(message(events, "many"))
    submitted = events.submit(api, "many").json()["id"]
    wait_for(lambda: queue.get_queue_properties().approximate_message_count == 0)
    service.is_free.set()
    finished(api, submitted)

    assert submitted == events.job_id("many")
    assert service.asked.count(events.named("many")["trackingId"]) == 1
    assert embeddings_server.counters()["requests"] == 1
    assert len(events.documents("many")) == 1


def test_malformed_messages_go_to_the_poison_queue_as_they_are_and_others_pass_them(
    api, service, events, queue, poison
):
    malformed = [
        "no JSON",
        "{",
        b64encode(b"no JSON").decode(),
        message(events, "bad", filesPath="x"),
        message(events, "bad", trackingId="a/b"),
    ]
    for text in malformed:
        queue.send_message(text)
    events.put(service, "good", "A good one among them.")
    queue.send_message(message(events, "good"))

    assert finished(api, events.job_id("good"))["status"] == "Completed"
    wait_for(lambda: poison.get_queue_properties().approximate_message_count == len(malformed))
    # The host writes JSON texts again, indented.
    assert sorted(map(plain, poison.receive_messages())) == sorted(malformed)


def plain(received: QueueMessage) -> str:
    """A message as it was before the host indented it."""
    try:
        return json.dumps(json.loads(received.content))
    except ValueError:
        return str(received.content)


def test_message_of_another_session_goes_to_the_poison_queue(api, service, events, queue, poison):
    events.put(service, "mine", "A text.")
    events.run(api, "mine")
    queue.send_message(message(events, "mine", sessionId="another"))

    wait_for(lambda: poison.get_queue_properties().approximate_message_count == 1)


def test_texts_of_messages_that_come_together_share_requests(api, service, events, queue, embeddings_server):
    names = [f"event-{number}" for number in range(16)]
    for name in names:
        events.put(service, name, f"The text of {name}.")
    for name in names:
        queue.send_message(message(events, name))
    statuses = [finished(api, events.job_id(name)) for name in names]

    assert {status["status"] for status in statuses} == {"Completed"}
    assert embeddings_server.counters()["inputs"] == len(names)
    assert embeddings_server.counters()["requests"] < len(names)
    assert (
        sum(status["result"]["requests"] for status in statuses) == embeddings_server.counters()["requests"]
    )
