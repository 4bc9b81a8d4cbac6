"""The sample events as the local stack has them."""

from azure.data.tables import TableClient
from azure.storage.queue import QueueClient

from local.emulators.azurite import Azurite
from local.samples import events as sample_events


def test_events_and_their_queues_are_there_however_often_they_are_written(storage: Azurite) -> None:
    for _ in range(2):
        sample_events.write(storage.connection_string)
    with TableClient.from_connection_string(storage.connection_string, sample_events.TABLE) as table:
        session = table.query_entities("PartitionKey eq @s", parameters={"s": sample_events.SESSION})
        texts = [row["text"] for row in session if row["RowKey"].startswith("sample-")]
    with QueueClient.from_connection_string(storage.connection_string, "live-events-poison") as poison:
        assert poison.get_queue_properties().name == "live-events-poison"
    assert sorted(texts) == sorted(sample_events.TEXTS)


def test_each_new_event_is_another_one(storage: Azurite) -> None:
    first, second = (sample_events.new_event(storage.connection_string) for _ in range(2))
    assert first["trackingId"] != second["trackingId"]
