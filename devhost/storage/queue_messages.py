"""The texts of queue messages, what they hold, and what a queue trigger's function gets of a message."""

import base64
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.functions.meta import Datum

from devhost.app import shown_json
from devhost.app.bindings import text_datum
from devhost.settings.extension_options import MessageEncoding

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

# The SDK writes a QueueMessage as such an object; only its body travels.
_MEMBERS_OF_A_MESSAGE = {"id", "body"}
_BRACKETS = (("{", "}"), ("[", "]"))


class Undecodable(ValueError):
    """A message's text is not base64, or what it stands for is not UTF-8."""


def decode(text: str, encoding: MessageEncoding) -> bytes:
    """What a message holds.

    Raises:
        Undecodable: it is not written so.
    """
    if encoding is MessageEncoding.NONE:
        return text.encode()
    try:
        # White space inside is accepted, as by the Functions host.
        content = base64.b64decode("".join(text.split()), validate=True)
        content.decode()
    except ValueError as error:
        raise Undecodable(f"it is not {encoding} of UTF-8 text") from error
    return content


def encode(content: bytes, encoding: MessageEncoding) -> str:
    """The text of a message."""
    return content.decode() if encoding is MessageEncoding.NONE else base64.b64encode(content).decode()


async def send(queue: "QueueClient", text: str) -> None:
    """Puts a message into a queue, which is created if there is none."""
    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):
            await queue.create_queue()
        await queue.send_message(text)


def contents_of(datum: Datum) -> list[bytes]:
    """The messages that a function put out through a `queue` binding.

    As on Azure, what looks like a JSON object or list is read as such: each item of a list is a message, and
    an object is written again, indented by two blanks.

    Raises:
        ValueError: it begins and ends like JSON, and is not.
    """
    if datum.type == "bytes":
        return [datum.value]
    text: str = datum.value.strip()
    if datum.type != "json" and (text[:1], text[-1:]) not in _BRACKETS:
        return [datum.value.encode()]
    try:
        value = shown_json.read(text)
    except ValueError as error:
        raise ValueError(
            f"the text begins and ends like JSON, and is not: {error}. On Azure the call fails, too"
        ) from error
    items = value if isinstance(value, list) else [value]
    return [(_body(item) if datum.type == "json" else shown_json.shown(item)).encode() for item in items]


def trigger_value(content: bytes, properties: Mapping[str, Any]) -> Datum:
    """The value of the trigger's parameter: a text, or bytes where the binding's `dataType` is binary."""
    is_binary = str(properties.get("dataType", "")).lower() == "binary"
    return Datum(content, "bytes") if is_binary else text_datum(content.decode())


def trigger_metadata(message: "QueueMessage", content: bytes) -> dict[str, Datum]:
    """What the trigger tells beside the value, by the names that the converter of `QueueMessage` reads."""
    times = {
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        "Id": text_datum(message.id),
        "PopReceipt": text_datum(message.pop_receipt or ""),
        "DequeueCount": Datum(str(message.dequeue_count), "json"),
        "QueueTrigger": text_datum(content.decode()),
        **{name: text_datum(time.isoformat()) for name, time in times.items() if time},
    }


def _body(item: Any) -> str:
    is_message = isinstance(item, dict) and item.keys() == _MEMBERS_OF_A_MESSAGE
    return shown_json.shown(item["body"] if is_message else item)
