"""How many messages a queue holds, and what the first of them are."""

import contextlib
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceNotFoundError

from devhost.app.trigger_states import PoisonMessage
from devhost.settings.extension_options import MessageEncoding
from devhost.storage.queue_messages import Undecodable, decode

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

_SHOWN = 32  # messages that a queue lets be looked at


async def depth(queue: "QueueClient") -> int:
    """About how many messages are in a queue; none where there is no queue."""
    with contextlib.suppress(ResourceNotFoundError):
        return int((await queue.get_queue_properties()).approximate_message_count or 0)
    return 0


async def visible(queue: "QueueClient") -> int | None:
    """How many messages of a queue can be seen; `None` where they are more than can be looked at."""
    with contextlib.suppress(ResourceNotFoundError):
        seen = len(await queue.peek_messages(max_messages=_SHOWN))
        return None if seen == _SHOWN else seen
    return 0


async def first_messages(queue: "QueueClient", encoding: MessageEncoding) -> tuple[PoisonMessage, ...]:
    """The first messages of a queue, which stay there as they are."""
    with contextlib.suppress(ResourceNotFoundError):
        found = await queue.peek_messages(max_messages=_SHOWN)
        return tuple(
            PoisonMessage(message.id, _text(str(message.content), encoding), message.inserted_on)
            for message in found
        )
    return ()


def _text(content: str, encoding: MessageEncoding) -> str:
    """What the message holds; its text as it is where that is not encoded as it should be."""
    try:
        return decode(content, encoding).decode()
    except Undecodable:
        return content
