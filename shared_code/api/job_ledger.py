"""The whole ledger of a job, in pages; its result has the first entries only."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from shared_code.api.job_instances import find_job
from shared_code.concurrency import run_all
from shared_code.errors import InvalidField
from shared_code.jobs import DurableClient, Json
from shared_code.jobs.ledger import LISTING_SHRANK, Ledger

# Pages of files; one has up to fifty, and most of them an entry or none.
_PAGES = 10
_BEFORE_ALL = -1
_NUMBER = re.compile(r"[0-9]{1,9}")


async def read_ledger(
    client: DurableClient, job_id: str, ledger_of: Callable[[str], Ledger], *, after: int
) -> Json:
    """The body of the answer: `{"ledger", "next"}`; `next` is None on the last page.

    Raises:
        JobNotFound: no job has this id.
        HostUnavailable: the host did not answer.
        LedgerUnavailable: nor did storage.
    """
    job = await find_job(client, job_id)
    ledger = ledger_of(job_id)
    numbers = await ledger.pages(after=after)
    read = await run_all((ledger.read(number) for number in numbers[:_PAGES]), at_once=_PAGES)
    of_path = _of_path(job.output) if after == _BEFORE_ALL else []
    entries = [*of_path, *(entry.to_json() for page in read for entry in page)]
    return {"ledger": entries, "next": str(numbers[_PAGES - 1]) if numbers[_PAGES:] else None}


def place_after(params: Mapping[str, str]) -> int:
    """The place that the parameter `after` of a request names.

    Raises:
        InvalidField: it names none.
    """
    after = params.get("after", "")
    if not after:
        return _BEFORE_ALL
    if not _NUMBER.fullmatch(after):
        raise InvalidField("after", "use the next of the page before, as it is")
    return int(after)


def _of_path(output: Any) -> list[Json]:
    """What concerns the whole path is in the result alone."""
    entries = output.get("ledger", []) if isinstance(output, dict) else []
    return [entry for entry in entries if entry["code"] == LISTING_SHRANK]
