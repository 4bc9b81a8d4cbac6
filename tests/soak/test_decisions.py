"""Jobs that are approved, rejected and cancelled in any order, while their host dies: one outcome each.

What was answered with 202 takes effect; what a dying host did not answer may have, or not.
"""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from local.emulators.azurite import Azurite
from local.emulators.embeddings.service import Embeddings
from local.http_client import request
from local.services import RunningService
from tests.e2e.conftest import start_host
from tests.support.api_client import ApiClient
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, corpus

__all__ = ["corpus", "start_host"]
pytestmark = [SELF_CERTIFIED, pytest.mark.soak]
ROUNDS, JOBS, STEPS = 4, 6, 40
UNANSWERED = 0
ENDS = {
    "approve": ("Completed", None),
    "reject": ("Failed", "ApprovalRejected"),
    "cancel": ("Canceled", None),
}


@dataclass
class Host:
    """A host that can be killed, and comes back on its state file."""

    start: Any
    state: Path
    settings: dict[str, str]
    _running: ExitStack = field(default_factory=ExitStack)
    api: ApiClient = field(init=False)
    _service: RunningService = field(init=False)

    def begin(self) -> None:
        self.api, self._service = self._running.enter_context(self.start(self.state, **self.settings))

    def kill(self) -> None:
        self._service.kill()
        self._running.close()
        self.begin()

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
def host(
    start_host: Any, embedding_settings: dict[str, str], embeddings_server: Embeddings, tmp_path: Path
) -> Iterator[Host]:
    embeddings_server.configure(latency=0.1)
    own = {"COSMOS_DATABASE": DATABASE, "APPROVAL_ABOVE": "0"}
    host = Host(start_host, tmp_path / "state.db", embedding_settings | SHORT_VECTORS | own)
    host.begin()
    yield host
    host.stop()


def ask(host: Host, what: str, job: str) -> int:
    """The status code of a decision; none if the host died over it."""
    uri = f"{host.api.origin}/api/status/{job}"
    try:
        if what == "cancel":
            return request("DELETE", uri).status
        return request("POST", f"{uri}/approval", body={"approved": what == "approve"}).status
    except (OSError, HTTPException):
        return UNANSWERED


def interleave(host: Host, random: Random, jobs: list[str]) -> dict[str, dict[str, set[int]]]:
    """Decides about jobs, several things at once, and kills the host now and then: what was answered."""
    answers: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    with ThreadPoolExecutor(4) as pool:
        left = STEPS
        while left > 0:
            count = random.randint(1, 4)
            asked = [(random.choice((*ENDS,)), random.choice(jobs)) for _ in range(count)]
            under_way = [pool.submit(ask, host, what, job) for what, job in asked]
            if random.random() < 0.15:
                host.kill()
            for (what, job), code in zip(asked, under_way, strict=True):
                answers[job][what].add(code.result())
            left -= count
    return answers


def finish(host: Host, jobs: list[str], answers: dict[str, dict[str, set[int]]]) -> dict[str, Any]:
    """The last status of each job; what nobody has decided is approved."""
    for job in jobs:
        if not {202, UNANSWERED} & set().union(*answers[job].values()):
            host.api.reached(job, "awaiting-approval")
        answers[job]["approve"].add(ask(host, "approve", job))
    return {job: host.api.finished(job, seconds=120) for job in jobs}


def test_any_order_of_decisions_and_kills_has_one_outcome_for_each_job(  # noqa: PLR0917 - fixtures
    host: Host, corpus: Corpus, storage: Azurite, embeddings_server: Embeddings, seed: int, table: list[str]
) -> None:
    random, ends = Random(seed), []  # noqa: S311 - the same order for a seed
    for number in range(ROUNDS):
        submitted = [corpus.submit(host.api, version=f"v{number}-{n}") for n in range(JOBS)]
        jobs = [answer.json()["id"] for answer in submitted]
        answers = interleave(host, random, jobs)
        for job, status in finish(host, jobs, answers).items():
            end = status["status"], status.get("error", {}).get("code")
            decided = {what for what, codes in answers[job].items() if 202 in codes}
            perhaps = {what for what, codes in answers[job].items() if UNANSWERED in codes}
            assert not {"approve", "reject"} <= decided
            assert end in {ENDS[what] for what in decided | perhaps | {"approve"}}, (answers[job], status)
            assert "cancel" not in decided or end == ENDS["cancel"], (answers[job], status)
            ends.append(end[0])
    with ContainerClient.from_connection_string(storage.connection_string, "jobs") as blobs:
        assert list(blobs.list_blob_names(name_starts_with="staging/")) == []
    spent = host.api.usage(corpus.env)["months"][0]["tokens"]
    assert spent >= embeddings_server.counters()["tokens"]
    table.append(
        f"decisions: {len(ends)} jobs, {', '.join(f'{ends.count(e)} {e}' for e in sorted(set(ends)))}"
    )
