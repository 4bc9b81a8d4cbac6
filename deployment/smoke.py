"""`python -m deployment.smoke ORIGIN`: whether a deployed app does its job, seen as a client sees it.

It submits an audit query and polls it to its end. Nothing but Python is needed, so a pipeline runs it without
installing anything; the function key comes in the variable FUNCTION_KEY, never on the command line.
"""

import argparse
import http.client
import os
import sys
import time
from typing import Any

from deployment.errors import SmokeFailed
from local.http_client import Answer, request
from local.job_polling import statuses

KEY_VARIABLE = "FUNCTION_KEY"
QUERY = "/api/submit/query?s=2021-02-01&e=2021-03-31"
SECONDS = 300.0
"""For the app to start, until when it answers with errors or not at all; then for the job to end."""
_REFUSALS = {http.client.BAD_REQUEST, http.client.UNAUTHORIZED, http.client.FORBIDDEN}


def check(origin: str, key: str, *, seconds: float = SECONDS, interval: float = 2.0) -> dict[str, Any]:
    """Runs one job on the app at `origin`; its last status.

    Args:
        origin: scheme and host of the app. The key goes there and nowhere else.
        key: a function key; empty for a local host.
        seconds: how long to wait until the app accepts a job, and again until the job has ended.
        interval: seconds between two requests.

    Raises:
        SmokeFailed: the job was refused, failed or did not end in time.
    """
    headers = {"x-functions-key": key} if key else {}
    job_id = _submit(origin, headers, seconds, interval).json()["id"]
    status_uri = f"{origin}/api/status/{job_id}"
    try:
        *_, last = statuses(status_uri, seconds=seconds, interval=interval, headers=headers)
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise SmokeFailed(f"The job was accepted and cannot be read: {_described(error)}") from error
    if last["status"] != "Completed":
        raise SmokeFailed(f"The job ended as {last['status']}: {last.get('error')}")
    return last


def _submit(origin: str, headers: dict[str, str], seconds: float, interval: float) -> Answer:
    deadline = time.monotonic() + seconds
    while True:
        said = _answer(origin, headers)
        if isinstance(said, Answer) and said.status == http.client.ACCEPTED:
            return said
        refused = isinstance(said, Answer) and said.status in _REFUSALS
        if refused or time.monotonic() > deadline:
            raise SmokeFailed(f"{origin} accepts no job: {_described(said)}")
        time.sleep(interval)


def _answer(origin: str, headers: dict[str, str]) -> Answer | Exception:
    try:
        return request("GET", f"{origin}{QUERY}", headers=headers)
    except (OSError, http.client.HTTPException) as error:
        return error


def _described(said: Answer | Exception) -> str:
    if isinstance(said, Answer):
        hint = f"; is {KEY_VARIABLE} a function key?" if said.status == http.client.UNAUTHORIZED else ""
        return f"{said.status} {said.text[:200]}".strip() + hint
    return f"{type(said).__name__}: {said}"


def main() -> int:
    """Checks the app that the command line names; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deployment.smoke", description=__doc__)
    parser.add_argument("origin", help="such as https://my-app.azurewebsites.net")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="to wait, at most (%(default)s)")
    options = parser.parse_args()
    origin = options.origin.rstrip("/")
    try:
        status = check(origin, os.environ.get(KEY_VARIABLE, ""), seconds=options.seconds)
    except SmokeFailed as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{origin} ran job {status['id']}: {status['status']}, result {status['result']}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
