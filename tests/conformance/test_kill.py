"""A host that is killed again and again while it runs the scenario: all ends as if nothing had been.

KILLS=100 in the environment makes it many more kills than a test run has time for.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.ports import free_port
from tests.conformance.normalise import Names, normalise
from tests.conformance.scenario_app import ORCHESTRATORS, write_scenario_app

KILLS = int(os.environ.get("KILLS", "5"))
KILLS_IN_SERIES = min(
    KILLS, 10
)  # one series has one state file; all scenarios are started anew whenever all have ended
SEED = 20261121
LONGEST_LIFE = 0.9  # seconds from a host's first answer to its end; the longest activity takes 0.6
PATIENCE = 30.0  # seconds for a host that nobody kills
PROJECT = Path(__file__).parents[2]

# The first fails because its activity was called too seldom: calls that kills repeat might let it succeed.
# The others end by what comes before a timer, which a kill or a busy machine may change.
ENDS_IN_TWO_WAYS = {"o-retry-fail", "o-any", "o-events"}
SCENARIOS = [name for name in ORCHESTRATORS if name not in ENDS_IN_TWO_WAYS]
INPUTS = {"o-fan": 6, "o-can": 0, "o-nonreturn": {"k": "v"}}
EVENTS = {"o-event": "go"}
ENDED = ("Completed", "Failed", "Terminated")

Outcomes = dict[str, Any]


class MortalHost:
    """Hosts that succeed each other on one app, one state file and one port.

    Attributes:
        statuses: of the instances, as a host told them last.
    """

    def __init__(self, app: Path, session: aiohttp.ClientSession) -> None:
        self._app = app
        self._session = session
        self._port = free_port()
        self._api = f"http://127.0.0.1:{self._port}/api"
        self._log = app / "host.log"
        self._raised: set[str] = set()
        self.statuses: dict[str, str] = {}

    async def live(self, generation: int, *, seconds: float) -> Outcomes | None:
        """Lets a host work on the scenarios of a generation and kills it.

        Returns:
            How they ended, or `None` if it was killed before they all had.
        """
        async with self._born():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    return await self._work(generation)
        return None

    @contextlib.asynccontextmanager
    async def _born(self) -> AsyncIterator[None]:
        arguments = [str(self._app), "--state", str(self._app / "state.db"), "--port", str(self._port)]
        with self._log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "devhost", *arguments), cwd=PROJECT, stdout=DEVNULL, stderr=log
            )
        try:
            async with asyncio.timeout(PATIENCE):
                await self._first_answer(process)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _first_answer(self, process: Process) -> None:
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                await self._status("nobody")
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"the host ended by itself: {self._log.read_text()}")

    async def _work(self, generation: int) -> Outcomes:
        """Starts what no host has started yet, all at once, and waits until all have ended."""
        ended = await asyncio.gather(*(self._run(name, f"{name}-{generation}") for name in SCENARIOS))
        return dict(zip(SCENARIOS, ended, strict=True))

    async def _run(self, name: str, instance_id: str) -> dict[str, Any]:
        if (await self._status(instance_id))["status"] is None:
            assert instance_id not in self.statuses, f"{instance_id} is lost, and a host had told of it"
            await self._call("POST", f"start/{name}?id={instance_id}", INPUTS.get(name))
            self.statuses[instance_id] = "Pending"
        while (status := await self._status(instance_id))["status"] not in ENDED:
            if name in EVENTS and status["status"] == "Running" and instance_id not in self._raised:
                await self._raise(instance_id, EVENTS[name])
            await asyncio.sleep(0.02)
        return comparable(status)

    async def _raise(self, instance_id: str, event: str) -> None:
        url = f"{self._api}/op/raise/{instance_id}?event={event}"
        async with self._session.post(url, json={"approved": True}) as response:
            # An instance that has the event already, from a host that died before it said so, refuses it.
            if response.ok:
                self._raised.add(instance_id)

    async def _status(self, instance_id: str) -> dict[str, Any]:
        status: dict[str, Any] = (await self._call("GET", f"op/status-plain/{instance_id}"))["ok"]
        if status["status"]:
            self.statuses[instance_id] = status["status"]
        return status

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        async with self._session.request(method, f"{self._api}/{path}", json=body) as response:
            assert response.ok, f"{method} {path}: {await response.text()}"
            return await response.json()


def comparable(status: dict[str, Any]) -> dict[str, Any]:
    """How an instance ended, without what differs from run to run and without counts of repeated calls."""
    ended = normalise({"status": status["status"], "output": status["output"]}, Names())
    counted: dict[str, Any] = json.loads(re.sub(r"(flaky|ok after) \d+", r"\1 <count>", json.dumps(ended)))
    return counted


def new_host(folder: Path, session: aiohttp.ClientSession) -> MortalHost:
    write_scenario_app(folder)
    return MortalHost(folder, session)


@pytest.fixture(scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(scope="module")
async def undisturbed(
    session: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory
) -> Outcomes | None:
    return await new_host(tmp_path_factory.mktemp("undisturbed"), session).live(0, seconds=PATIENCE)


@pytest.mark.parametrize("series", range(-(-KILLS // KILLS_IN_SERIES)))
async def test_instances_end_as_on_a_host_that_nobody_kills(
    undisturbed: Outcomes | None, session: aiohttp.ClientSession, tmp_path: Path, series: int
) -> None:
    host, chance = new_host(tmp_path, session), random.Random(SEED + series)  # noqa: S311 - no secret
    lives = [chance.uniform(0, LONGEST_LIFE) for _ in range(KILLS_IN_SERIES)]
    generation, outcomes = 0, None

    for seconds in (*lives, PATIENCE):
        outcomes = await host.live(generation, seconds=seconds)
        if outcomes is not None:
            assert outcomes == undisturbed
            generation += 1

    assert outcomes is not None, f"not all ended in {PATIENCE} s: {host.statuses}"
