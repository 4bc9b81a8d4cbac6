"""Polls a job to its end, as a client of the API does. It needs nothing but Python."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from local.http_client import request

ENDED = {"Completed", "Failed", "Terminated", "Canceled"}


def statuses(
    status_uri: str, *, seconds: float, interval: float, headers: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """What each poll answers; the last answer is that of a job that has ended.

    Raises:
        TimeoutError: it has not ended after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status: dict[str, Any] = request("GET", status_uri, headers=headers).json()
        yield status
        if status["status"] in ENDED:
            return
        time.sleep(interval)
    raise TimeoutError(f"The job has not ended after {seconds:.0f} seconds: {status_uri}")
