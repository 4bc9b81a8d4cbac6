"""Takes a live event off its queue and starts its job, by the same way as a request does."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.event_messages import submit_message
from shared_code.api.job_instances import JobStarter
from shared_code.clients import forget_decisions, job_table
from shared_code.edge import at_edge
from shared_code.settings import settings


@at_edge
async def main(message: func.QueueMessage, starter: str, poison: func.Out[str]) -> None:
    """What is not an event goes to the poison queue at once; any other failed message comes again."""
    body = message.get_body()
    jobs = JobStarter(df.DurableOrchestrationClient(starter), job_table, forget_decisions)
    if not await submit_message(jobs, body, message_id=message.id, defaults=settings().event_defaults):
        poison.set(body.decode())
