"""Takes a live event off its queue and starts its job, by the same way as a request does."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.event_messages import submit_message
from shared_code.clients import forget_decisions
from shared_code.edge import at_edge
from shared_code.settings import settings


@at_edge
async def main(message: func.QueueMessage, starter: str, poison: func.Out[str]) -> None:
    """What is not an event goes to the poison queue at once; any other failed message comes again."""
    body = message.get_body()
    client = df.DurableOrchestrationClient(starter)
    defaults = settings().event_defaults
    if not await submit_message(
        client, body, message_id=message.id, defaults=defaults, forget=forget_decisions
    ):
        poison.set(body.decode())
