"""Made-up events of the same small harbour, in the table and with the queues that live events need."""

from collections.abc import Mapping
from contextlib import suppress
from uuid import uuid4

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

TABLE = "events"
QUEUE = "live-events"
SESSION = "harbour-log"
TEXTS = (
    "Alkyone has moored at the east quay, with three bow lines in rising wind.",
    "Blåskjell asks for a pilot two miles west of the Skarv light.",
    "The brakes of the gantry crane were tested with one tonne, and held.",
    "Cormorant has taken 40 cubic metres of fresh water.",
    "Fog: the pilot refuses to sail until noon.",
)


def write(connection_string: str) -> None:
    """Makes the table and the queues if need be, and writes the sample events."""
    with QueueServiceClient.from_connection_string(connection_string) as queues:
        for name in (QUEUE, f"{QUEUE}-poison"):
            with suppress(ResourceExistsError):
                queues.create_queue(name)
    _tell(connection_string, {f"sample-{number}": text for number, text in enumerate(TEXTS, start=1)})


def new_event(connection_string: str) -> Mapping[str, str]:
    """One more event, with a tracking id that no job has seen; what a message about it says."""
    event = {"trackingId": f"demo-{uuid4().hex[:8]}", "sessionId": SESSION}
    text = "Dagny has left for the fishing grounds, with two days of ice."
    _tell(connection_string, {event["trackingId"]: text})
    return event


def send(connection_string: str, message: str) -> None:
    """Puts a message into the queue of live events."""
    with QueueServiceClient.from_connection_string(connection_string) as queues:
        queues.get_queue_client(QUEUE).send_message(message)


def _tell(connection_string: str, texts: Mapping[str, str]) -> None:
    """Writes texts by their tracking ids."""
    with TableServiceClient.from_connection_string(connection_string) as tables:
        table = tables.create_table_if_not_exists(TABLE)
        for tracking_id, text in texts.items():
            table.upsert_entity({"PartitionKey": SESSION, "RowKey": tracking_id, "text": text})
