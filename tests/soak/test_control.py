"""Any interleaving of what clients, operators and the world do to jobs: each has one outcome, and an end."""

from pathlib import Path

import pytest

from local.emulators.azurite import Azurite
from local.emulators.cosmos.service import Cosmos
from local.emulators.embeddings.service import Embeddings
from tests.support.control_model import require_all_gone, run_examples
from tests.support.control_world import control_world
from tests.support.corpus import SELF_CERTIFIED

pytestmark = [SELF_CERTIFIED, pytest.mark.soak]
# Examples of one world share its months; with as many days as may pass in one they have room in there.
WORLDS, EXAMPLES, STEPS = 4, 10, 25


@pytest.mark.parametrize("number", range(WORLDS))
def test_any_interleaving_of_clients_deaths_and_time_has_one_outcome_for_each_job(  # noqa: PLR0917 - fixtures
    storage: Azurite,
    cosmos_emulator: Cosmos,
    embeddings_server: Embeddings,
    seed: int,
    number: int,
    table: list[str],
    tmp_path: Path,
) -> None:
    with control_world(storage, cosmos_emulator, embeddings_server, tmp_path / "state.db") as world:
        seen = run_examples(world, examples=EXAMPLES, steps=STEPS, seed=seed * WORLDS + number)
        require_all_gone(world)
    table.append(f"control: {', '.join(f'{count} {what}' for what, count in sorted(seen.items()))}")
