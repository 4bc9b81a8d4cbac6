"""Lists one part of a job's files and compares them with the index."""

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import ListFiles


@at_edge
async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`ListFiles` to `PartListed`."""
    opened = await clients()
    from shared_code.activities.embed_files import list_files
    from shared_code.activities.results import answer

    return await answer(opened, ListFiles, payload, list_files)
