"""Functions that do what no function should, a minute long: nothing is used up."""

import time

import pytest

from tests.devhost.conftest import Client, app, start
from tests.devhost.test_odd_functions import client, image, misbehave, require_all_slots, unlogged

__all__ = ["app", "client", "image", "start", "unlogged"]  # fixtures

SECONDS = 60


@pytest.mark.soak
async def test_a_minute_of_odd_functions_leaves_every_slot_free_and_the_host_serving(
    client: Client,
    image: str,
    table: list[str],
):
    end, rounds = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        await misbehave(client, image)
        rounds += 1
    await require_all_slots(client)
    table.append(f"odd functions: {rounds} rounds of every kind at once in {SECONDS} s, all slots free")
