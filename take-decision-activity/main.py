"""Says what was decided about a job that waits for an approval."""

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import TakeDecision


@at_edge
async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`TakeDecision` to `Decided`."""
    opened = await clients()
    from shared_code.activities.approval import take_decision
    from shared_code.activities.results import answer

    return await answer(opened, TakeDecision, payload, take_decision)
