from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from shared_code.api.job_filling import fill
from shared_code.errors import HostUnavailable, JobTableFilling
from shared_code.jobs.durable import InstancePage, ListedInstance
from shared_code.jobs.job_rows import Filling
from tests.support.job_table_fake import FakeJobTable

CREATED, ENDED = datetime(2026, 11, 1, 10, tzinfo=UTC), datetime(2026, 11, 1, 11, tzinfo=UTC)
JOB = {"kind": "embed-files", "env": "prod"}


def listed(number: int, *, name: str = "orchestrator-function", status: str = "Completed") -> ListedInstance:
    return ListedInstance(f"{number:032x}", name, status, CREATED, ENDED, JOB)


@dataclass
class Hub:
    """Pages of two instances; the page of that number is not answered once."""

    instances: list[ListedInstance]
    fails_at: int | None = None
    asked: list[int] = field(default_factory=list)

    async def page(self, token: str | None, **_: Any) -> InstancePage:
        number = int(token or 0)
        self.asked.append(number)
        if number == self.fails_at:
            self.fails_at = None
            raise HostUnavailable
        end = 2 * number + 2
        more = str(number + 1) if end < len(self.instances) else None
        return InstancePage(self.instances[end - 2 : end], more)


def empty_table() -> FakeJobTable:
    return FakeJobTable(state=Filling())


async def test_jobs_of_an_earlier_release_get_their_rows_and_lanes_none():
    table = empty_table()
    hub = Hub([listed(1), listed(2, name="lane-orchestrator-function"), listed(3, status="Running")])
    await fill(table, hub)
    assert {row.job_id: row.final_status for row in table.kept} == {f"{1:032x}": "Completed", f"{3:032x}": ""}
    assert {(row.kind, row.env, row.submitted_at) for row in table.kept} == {("embed-files", "prod", CREATED)}
    assert table.state.is_done


async def test_table_is_filled_once():
    table, hub = empty_table(), Hub([listed(1)])
    for _ in range(2):
        await fill(table, hub)
    assert hub.asked == [0]


async def test_host_that_falls_silent_is_asked_on_from_there():
    table, hub = empty_table(), Hub([listed(number) for number in range(5)], fails_at=1)
    with pytest.raises(HostUnavailable):
        await fill(table, hub)
    await fill(table, hub)
    assert hub.asked == [0, 1, 1, 2]
    assert len(table.kept) == 5


async def test_more_jobs_than_one_request_has_time_for_are_filled_by_the_next():
    table, hub = empty_table(), Hub([listed(number) for number in range(5)])
    for left in (2, 1):
        with pytest.raises(JobTableFilling, match="send the request again"):
            await fill(table, hub, seconds=-1)
        assert len(table.kept) == 6 - 2 * left
    await fill(table, hub, seconds=-1)
    assert len(table.kept) == 5
