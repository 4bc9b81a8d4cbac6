"""Jobs of one environment with a budget, on a host that dies in the middle: what the service charged them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.emulators.embeddings.service import Embeddings
from tests.support.api_client import ApiClient, StartHost
from tests.support.corpus import DATABASE, SHORT_VECTORS, Corpus

JOBS = 3
# Tokens have a price that budgets, of six decimals, can tell to the token.
_PRICE = {"EMBEDDINGS_PRICE_PER_MILLION": "1", "BUDGET_RECHECK_SECONDS": "2"}
_LIMITS = {"CHUNK_TOKENS": "64", "CHUNK_OVERLAP_TOKENS": "0", "EMBEDDINGS_TOKENS_PER_REQUEST": "4000"}
_QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class Outcome:
    """What a budget has come to, in tokens.

    Attributes:
        budget: what might be spent.
        spent: what the service had charged when nothing went on any more.
        ended: the last statuses of the jobs when the budget had been raised.
        charged: by the service in the end.
        counted: by usage in the end; of it, what is `estimated`.
    """

    budget: float
    spent: int
    ended: list[dict[str, Any]]
    charged: int
    counted: int
    estimated: int


@dataclass(frozen=True)
class BudgetedJobs:
    """Three jobs over files of their own, which run at once on one environment's budget."""

    corpus: Corpus
    start_host: StartHost
    embeddings: Embeddings
    settings: Mapping[str, str]
    state: Path

    def write_files(self, each: int) -> None:
        """Writes so many files for each job, each of a few chunks."""
        for job in range(JOBS):
            for number in range(each):
                words = " ".join(f"word{job}x{number}x{n}" for n in range(120))
                self.corpus.files.upload_blob(f"{job}/{number}.txt", f"File {number} of {job}. {words}")

    def meet(self, share: float, *, kill_after: int) -> Outcome:
        """Runs the jobs on a share of their estimate; the host is killed after so many answered requests."""
        with self._host(None) as (api, _):
            budget = share * sum(self._estimate(api, job) for job in range(JOBS))
        self.embeddings.reset()
        self.embeddings.configure(latency=0.2)
        with self._host(budget) as (api, service):
            jobs = [self._submit(api, job).json()["id"] for job in range(JOBS)]
            self._until(lambda: self._answered() >= kill_after or self._is_quiet(api, jobs))
            service.kill()
        with self._host(budget) as (api, _):
            self._until(lambda: self._is_quiet(api, jobs))
            spent = self.embeddings.counters()["tokens"]
        self.embeddings.configure(latency=0.0)
        with self._host(1_000_000) as (api, _):
            ended = [api.finished(job, seconds=120) for job in jobs]
            (month,) = api.usage_after(self.corpus.env, *(status["result"] for status in ended))["months"]
        charged = self.embeddings.counters()["tokens"]
        return Outcome(budget, spent, ended, charged, month["tokens"], month.get("estimated", 0))

    @contextmanager
    def _host(self, tokens: float | None) -> Iterator[tuple[ApiClient, Any]]:
        limit = {} if tokens is None else {"MONTHLY_BUDGETS": f"{self.corpus.env}={tokens / 1e6:.6f}"}
        own = {**self.settings, **SHORT_VECTORS, **_PRICE, **_LIMITS, **limit, "COSMOS_DATABASE": DATABASE}
        with self.start_host(self.state, **own) as started:
            yield started

    def _submit(self, api: ApiClient, job: int, **fields: Any) -> Any:
        return self.corpus.submit(api, filesPath=f"{self.corpus.files.container_name}/{job}", **fields)

    def _estimate(self, api: ApiClient, job: int) -> int:
        submitted = self._submit(api, job, dryRun=True).json()["id"]
        return int(api.finished(submitted)["progress"]["estimate"]["tokens"])

    def _answered(self) -> int:
        return self.embeddings.counters()["answered"]

    def _is_quiet(self, api: ApiClient, jobs: list[str]) -> bool:
        """Whether each job has ended or is held, and nothing is reserved or charged any more for a while."""
        before = self.embeddings.counters()
        end = time.monotonic() + _QUIET_SECONDS
        while time.monotonic() < end:
            if not self._rests(api, jobs) or self.embeddings.counters() != before:
                return False
            time.sleep(0.1)
        return True

    def _rests(self, api: ApiClient, jobs: list[str]) -> bool:
        if api.usage(self.corpus.env)["budget"]["reserved"]:
            return False
        statuses = [api.status(job).json() for job in jobs]
        return all(each["progress"]["phase"] in {"held", "done", "failed"} for each in statuses)

    @staticmethod
    def _until(condition: Any) -> None:
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)
