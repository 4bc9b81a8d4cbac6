"""Jobs of every kind on the sample data, so that each screen of the console has something to show."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableClient
from azure.storage.blob import BlobServiceClient

from local.emulators.all import Emulators
from local.http_client import Answer, request
from local.job_polling import statuses
from local.samples import events as sample_events
from local.samples import questions as sample_questions
from local.samples.audit_table import END, START, rows, seed
from local.samples.documents import CONTAINER, upload
from shared_code.jobs import COST_UNIT

ENV = "harbour"
# The price of a small model makes figures that nobody can read at the size of the sample data.
SETTINGS = {"EMBEDDINGS_PRICE_PER_MILLION": "2000", "MONTHLY_BUDGETS": f"{ENV}=25"}
# Which sources are gone in the second version.
_PART = f"{CONTAINER}/handbook"
_EARLIER_MONTHS = (4_100, 5_200, 3_900, 7_400, 6_100)


def write_samples(stack: Emulators) -> None:
    """Writes rows, files, questions and events to the emulators."""
    connection = stack.storage.connection_string
    with TableClient.from_connection_string(connection, "audit") as table:
        seed(table, rows())
    with BlobServiceClient.from_connection_string(connection) as blobs:
        upload(blobs)
        sample_questions.write(blobs)
        with suppress(ResourceExistsError):
            blobs.create_container("archive")
    sample_events.write(connection)


def run_jobs(origin: str) -> str:
    """Runs them; the id of the one that waits for an approval."""
    _spend_earlier(origin)
    _finished(origin, _start(origin, version="v1", filesPath=CONTAINER))
    _put_live(origin, "v1")
    _finished(origin, _start(origin, version="v2", filesPath=_PART))
    for version in ("v1", "v2"):
        _finished(origin, _start(origin, version=version, questions=sample_questions.QUESTIONS))
    _finished(origin, request("POST", f"{origin}/api/submit/query?s={START}&e={END}"))
    _finished(origin, _start(origin, trackingId="sample-1", sessionId=sample_events.SESSION))
    _finished(origin, _start(origin, version="v3", filesPath="archive/2019"))
    waits: str = _start(origin, version="v3", filesPath=CONTAINER, approvalAbove=1).json()["id"]
    for status in statuses(f"{origin}/api/status/{waits}", seconds=60, interval=0.1):
        if "approvalUri" in status:
            break
    return waits


def _start(origin: str, **body: Any) -> Answer:
    return request("POST", f"{origin}/api/orchestrators/start", body={"env": ENV, "version": "v1", **body})


def _put_live(origin: str, version: str) -> None:
    request("PUT", f"{origin}/api/index/{ENV}", body={"live": version, "by": "ada"})


def _finished(origin: str, accepted: Answer) -> None:
    job_id = accepted.json()["id"]
    for _ in statuses(f"{origin}/api/status/{job_id}", seconds=120, interval=0.1):
        pass


def _spend_earlier(origin: str) -> None:
    """Gives the months before this one some usage, by the host's own management."""
    month = datetime.now(UTC).replace(day=1)
    for tokens in _EARLIER_MONTHS:
        month = month.replace(year=month.year - (month.month == 1), month=(month.month - 2) % 12 + 1)
        cost = tokens * COST_UNIT * int(SETTINGS["EMBEDDINGS_PRICE_PER_MILLION"]) // 1_000_000
        spent = {"tokens": tokens, "requests": tokens // 200, "cost": cost}
        target = f"runtime/webhooks/durabletask/entities/usage-entity/{ENV}:{month:%Y-%m}?op=add"
        answer = request("POST", f"{origin}/{target}", body=json.dumps(spent))  # as text, as the SDK does
        if answer.status >= 400:  # noqa: PLR2004 - an error of HTTP
            raise RuntimeError(f"{target}: {answer.status} {json.dumps(answer.text)}")
