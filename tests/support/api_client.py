"""The API as its clients use it: submit, poll, read the answer."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from local.http_client import Answer, request
from local.job_polling import statuses
from local.services import RunningService


@dataclass(frozen=True)
class ApiClient:
    """A client of the app on one host."""

    origin: str

    def submit(
        self, start: str, end: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self.send(method, f"/api/submit/query?{urlencode({'s': start, 'e': end})}", headers=headers)

    def status(self, job_id: str) -> Answer:
        return self.send("GET", f"/api/status/{job_id}")

    def usage(self, env: str) -> dict[str, Any]:
        """What an environment has used."""
        answer: dict[str, Any] = self.send("GET", f"/api/usage/{env}").json()
        return answer

    def usage_after(self, env: str, *results: dict[str, Any]) -> dict[str, Any]:
        """The usage once jobs with these results are in it: readings arrive soon after their pages."""
        tokens = sum(result["tokens"] for result in results)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            usage = self.usage(env)
            if sum(month["tokens"] for month in usage["months"]) >= tokens:
                return usage
        raise TimeoutError(f"{tokens} tokens were spent, and this is known of them: {usage}")

    def send(self, method: str, target: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return request(method, self.origin + target, headers=headers)

    def finished(self, job_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """The status of a job that has ended, within so many seconds."""
        *_, last = statuses(f"{self.origin}/api/status/{job_id}", seconds=seconds, interval=0.05)
        return last

    def reached(self, job_id: str, phase: str) -> None:
        """Waits until a job is in that phase."""
        seen = statuses(f"{self.origin}/api/status/{job_id}", seconds=30, interval=0.02)
        phases = []
        for status in seen:
            phases.append(status["progress"]["phase"])
            if phases[-1] == phase:
                return
        raise AssertionError(f"Job {job_id} was never {phase}, but {phases}.")

    def run(self, start: str, end: str) -> dict[str, Any]:
        """The last status of a job of its own."""
        return self.finished(self.submit(start, end).json()["id"])


StartHost = Callable[..., AbstractContextManager[tuple[ApiClient, RunningService]]]
"""Starts a host with settings of its own, and stops it."""
