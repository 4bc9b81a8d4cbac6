"""Jobs as a user runs them: submitted over HTTP, polled to their end, with a progress bar."""

import http.client
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from local.errors import DemoFailed
from local.http_client import request
from local.job_polling import statuses
from local.services import RunningService

JOB_SECONDS = 120.0
POLL_SECONDS = 0.1  # finer than Retry-After asks, so that the time shown is the job's and not the poll's


@dataclass(frozen=True)
class Jobs:
    """Runs jobs on a serving host."""

    console: Console
    serving: RunningService
    origin: str

    def run(self, method: str, path: str, body: Any = None) -> Any:
        """Submits a job and waits for it; its result.

        Raises:
            DemoFailed: the job was refused, failed or did not end in time.
            ServiceDied: the host ended.
        """
        try:
            return self._submit_and_poll(method, f"{self.origin}{path}", body)
        except OSError:
            self.serving.check()  # its own last words tell more than a refused connection
            raise

    def _submit_and_poll(self, method: str, url: str, body: Any) -> Any:
        self.console.print(f"{method} {url}", soft_wrap=True)
        submitted = request(method, url, body=body)
        if submitted.status != http.client.ACCEPTED:
            raise DemoFailed(f"The host answered {submitted.status} instead of 202: {submitted.text}")
        status_uri = submitted.json()["statusUri"]
        self.console.print(f"202 Accepted: {status_uri}", soft_wrap=True)
        status = self._poll(status_uri)
        if status["status"] != "Completed":
            raise DemoFailed(f"The job ended as {status['status']}: {status.get('error')}")
        return status["result"]

    def _poll(self, status_uri: str) -> dict[str, Any]:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        with Progress(*columns, console=self.console) as bars:
            bar = bars.add_task("Pending", total=None)
            try:
                for status in statuses(status_uri, seconds=JOB_SECONDS, interval=POLL_SECONDS):
                    bars.update(bar, description=status["status"], **_advance(status.get("progress") or {}))
            except TimeoutError as error:
                raise DemoFailed(str(error)) from error
        return status


def _advance(progress: dict[str, Any]) -> dict[str, Any]:
    # What an audit query skips are rows, not parts of its work; a file that is skipped is done.
    done = ("completed", "failed", "skipped") if "estimate" in progress else ("completed",)
    return {
        "total": progress.get("total") or None,
        "completed": sum(progress.get(name, 0) for name in done),
    }
