"""A thousand rounds of a watch: nothing grows, and one that finds nothing new costs nothing."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.processes import cpu_seconds, resident_megabytes
from local.emulators.azurite import Azurite
from local.emulators.cosmos.service import Cosmos
from local.emulators.embeddings.service import Embeddings
from local.http_client import request
from tests.support.control_world import ClientOfWorld, ControlWorld, control_world
from tests.support.corpus import SELF_CERTIFIED

pytestmark = [SELF_CERTIFIED, pytest.mark.soak]
MINUTES = 10
ROUNDS = (10, 100, 250, 500, 750, 1_000)
KILOBYTE = 1024


@dataclass(frozen=True)
class Sizes:
    """How large a watch and its host are after a round.

    Attributes:
        history: events of the watch.
        state: KB of the state file, with what is not yet in its place.
        memory: MB that the host holds.
        cpu: seconds that it has used.
        tokens: that the embeddings server has charged.
    """

    rounds: int
    history: int
    state: float
    memory: float
    cpu: float
    tokens: int


def sizes(world: ControlWorld, job: str, rounds: int) -> Sizes:
    instance = f"{world.host.api.origin}/runtime/webhooks/durabletask/instances/{job}?showHistory=true"
    files = world.host.state.parent.glob(f"{world.host.state.name}*")
    return Sizes(
        rounds=rounds,
        history=len(request("GET", instance).json()["historyEvents"]),
        state=sum(file.stat().st_size for file in files) / KILOBYTE,
        memory=resident_megabytes(world.host.pid),
        cpu=cpu_seconds(world.host.pid),
        tokens=world.embeddings.counters()["tokens"],
    )


def after_round(world: ControlWorld, client: ClientOfWorld, job: str, number: int) -> dict[str, Any]:
    """What the watch shows when that round has ended."""
    shown: dict[str, Any] = client.status(job).json()["progress"]["watch"]
    while shown["last"]["round"] < number:
        world.host.advance(timedelta(minutes=MINUTES) * (number - shown["last"]["round"]))
        shown = client.status(job).json()["progress"]["watch"]
    return shown


def test_nothing_grows_in_a_thousand_rounds_and_an_idle_one_costs_no_token(
    storage: Azurite,
    cosmos_emulator: Cosmos,
    embeddings_server: Embeddings,
    table: list[str],
    tmp_path: Path,
) -> None:
    with control_world(storage, cosmos_emulator, embeddings_server, tmp_path / "state.db") as world:
        client = world.new_client(has_budget=False)
        job = client.submit("watch", "v1", watch_minutes=MINUTES).json()["id"]
        world.host.settle()
        seen = []
        for number in ROUNDS:
            last = after_round(world, client, job, number)["last"]
            seen.append(sizes(world, job, number))
            assert (last["embedded"], last["unchanged"], last["tokens"]) == (0, 1, 0)
    table.extend(
        f"watch: {each.rounds:5} rounds: {each.history} events, state {each.state:.0f} KB, memory "
        f"{each.memory:.0f} MB, {each.cpu:.0f} s of CPU, {each.tokens} tokens"
        for each in seen
    )
    assert len({each.tokens for each in seen}) == 1
    assert len({each.history for each in seen}) == 1
    warm, last_sizes = seen[1], seen[-1]
    assert last_sizes.state <= 1.1 * warm.state
    assert last_sizes.memory <= 1.1 * warm.memory
