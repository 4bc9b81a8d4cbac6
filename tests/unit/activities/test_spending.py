"""What steps have spent whose workflow was ended while they ran: usage hears of it from them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared_code.activities.spending import spends_on_event, spends_on_page
from shared_code.jobs.steps import EmbedPage, ItemDone
from shared_code.settings import Settings
from shared_code.usage.month import MonthUsage, answer
from tests.support.durable_host_fake import FakeHost, instance
from tests.unit.embedding_fakes import JOB
from tests.unit.jobs.test_embed_event import job_of

EVENT = replace(job_of(), submission="run")
CLIENTS: Any = None


async def spend(_clients: Any, _step: Any) -> ItemDone:
    return ItemDone(counts={"completed": 1, "tokens": 70, "requests": 1})


def host_with(instance_id: str, status: str) -> FakeHost:
    return FakeHost({instance_id: instance(status=status)})


async def page(host: FakeHost, number: int = 0) -> Any:
    payload = {"jobId": "job", "job": JOB.to_json(), "page": number}
    return await spends_on_page(CLIENTS, EmbedPage, payload, spend, host)


@pytest.mark.parametrize("status", ["Terminated", "Canceled", "Failed"])
async def test_page_whose_lane_was_ended_tells_what_it_spent(status: str):
    host = host_with("job:lane:0", status)
    value = await page(host)
    [(key, operation, spent)] = host.signals
    usage, _ = answer(MonthUsage(), key, operation, spent, Settings({}))

    assert value["ok"]
    assert (usage.tokens, usage.requests, usage.amount) == (70, 1, 70 / 1_000_000)


async def test_page_whose_lane_is_gone_tells_what_it_spent():
    host = FakeHost()
    await page(host)
    assert len(host.signals) == 1


@pytest.mark.parametrize("status", ["Running", "Suspended", "Pending"])
async def test_page_whose_lane_hears_of_it_tells_nothing(status: str):
    host = host_with("job:lane:0", status)
    await page(host)
    assert host.signals == []


async def test_each_page_asks_for_the_lane_that_it_was_dealt_to():
    host = FakeHost()
    for number in range(JOB.lanes * JOB.wave_size + 1):
        await page(host, number)
    lanes = [f"job:lane:{number // JOB.wave_size}" for number in range(JOB.lanes * JOB.wave_size)]
    assert host.asked == [*lanes, "job:lane:0"]


async def test_event_whose_job_was_ended_tells_what_all_of_its_tries_spent():
    host = host_with("job", "Terminated")
    payload = {"jobId": "job", "job": EVENT.to_json(), "paid": {"tokens": 30, "estimated": 30}, "tries": 1}
    await spends_on_event(CLIENTS, payload, spend, host)
    [(_, _, spent)] = host.signals
    assert (spent["tokens"], spent["estimated"], spent["requests"]) == (100, 30, 1)


async def test_host_that_cannot_say_is_no_reason_to_fail():
    host = FakeHost(broken=RuntimeError("down"))
    assert (await page(host))["ok"]


class DeafHost(FakeHost):
    """A host that takes no signals."""

    async def signal_entity(self, entity: Any, operation: str, value: Any) -> None:
        raise RuntimeError("503")


async def test_spending_that_the_host_does_not_take_is_named_in_the_log(caplog):
    assert (await page(DeafHost()))["ok"]
    [line] = [json.loads(record.message) for record in caplog.records]
    assert (line["event"], line["tokens"]) == ("spending.uncounted", 70)
