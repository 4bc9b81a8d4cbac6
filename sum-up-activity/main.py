"""Makes the figures of an evaluation, and keeps them with the version."""

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import SumUp


@at_edge
async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`SumUp` to `SummedUp`."""
    opened = await clients()
    from shared_code.activities.evaluate import sum_up
    from shared_code.activities.results import answer

    return await answer(opened, SumUp, payload, sum_up)
