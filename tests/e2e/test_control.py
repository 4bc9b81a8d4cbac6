"""What clients and the world do to jobs in any order, on a host that dies; `make soak` tries more of it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from local.emulators.azurite import Azurite
from local.emulators.cosmos.service import Cosmos
from local.emulators.embeddings.service import Embeddings
from tests.support.control_model import require_all_gone, run_examples
from tests.support.control_world import ControlWorld, control_world
from tests.support.corpus import SELF_CERTIFIED

pytestmark = SELF_CERTIFIED


@pytest.fixture(scope="module")
def world(
    storage: Azurite,
    cosmos_emulator: Cosmos,
    embeddings_process: Embeddings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ControlWorld]:
    state = tmp_path_factory.mktemp("control") / "state.db"
    with control_world(storage, cosmos_emulator, embeddings_process, state) as made:
        yield made


def test_each_job_has_one_outcome_and_an_end_when_timers_were_due_while_the_host_was_down(world):
    client = world.new_client(has_budget=False)
    watch = client.submit("watch", "v1").json()["id"]
    world.host.settle()
    world.is_up(up=False)
    waiting = client.submit("files", "v2").json()["id"]
    asking = client.submit("files", "v3", needs_approval=True).json()["id"]
    world.host.settle()
    jobs = watch, waiting, asking
    before = [client.status(job).json()["progress"]["phase"] for job in jobs]
    world.host.kill()
    world.is_up(up=True)
    client.corpus.files.upload_blob("watched/second.txt", "It came while nobody looked.")
    world.host.begin(later=timedelta(hours=25))
    world.host.settle()
    watched, completed, expired = (client.status(job).json() for job in jobs)

    assert before == ["watching", "waiting", "awaiting-approval"]
    assert watched["progress"]["watch"]["last"]["round"] == 2
    assert watched["progress"]["watch"]["last"]["embedded"] == 1
    assert (completed["status"], completed["result"]["embedded"]) == ("Completed", 4)
    assert (expired["status"], expired["error"]["code"]) == ("Failed", "ApprovalExpired")


def test_any_interleaving_of_clients_deaths_and_time_has_one_outcome_for_each_job(world):
    run_examples(world, examples=2, steps=6, seed=2)
    require_all_gone(world)
