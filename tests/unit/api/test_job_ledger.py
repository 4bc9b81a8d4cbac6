from typing import Any

import pytest

from shared_code.api.job_ledger import place_after, read_ledger
from shared_code.errors import InvalidField, JobNotFound
from tests.support.durable_host_fake import FakeHost, instance
from tests.support.ledger_fake import FakeLedger, entry

ID = "0123456789abcdef0123456789abcdef"


def host_with(output: Any = None) -> FakeHost:
    return FakeHost({ID: instance(status="Completed", output=output)})


async def page_of(ledger: FakeLedger, host: FakeHost | None = None, after: str = "") -> Any:
    place = place_after({"after": after})
    return await read_ledger(host or host_with(), ID, lambda _: ledger, after=place)


async def test_every_entry_is_on_one_page_in_the_order_of_the_files():
    ledger = FakeLedger({page: [entry(f"{page}.a"), entry(f"{page}.b")] for page in range(0, 50, 2)})
    seen, page = [], await page_of(ledger)
    while page["next"]:
        seen += page["ledger"]
        page = await page_of(ledger, after=page["next"])
    seen += page["ledger"]
    assert [each["source"] for each in seen] == [
        f"docs/{page}.{name}" for page in range(0, 50, 2) for name in "ab"
    ]


async def test_last_page_that_is_full_has_none_behind_it():
    ledger = FakeLedger({page: [entry("a")] for page in range(10)})
    assert (await page_of(ledger))["next"] is None


async def test_job_without_entries_has_an_empty_ledger():
    assert await page_of(FakeLedger(), host_with(2850)) == {"ledger": [], "next": None}


async def test_what_concerns_the_whole_path_comes_first_and_once():
    shrank = {"source": "docs", "code": "ListingShrank", "message": "Gone."}
    host = host_with({"ledger": [shrank, entry("0").to_json()]})
    ledger = FakeLedger({page: [entry(str(page))] for page in range(11)})
    first = await page_of(ledger, host)
    assert first["ledger"][0] == shrank
    assert [each["source"] for each in first["ledger"][1:]] == [f"docs/{page}" for page in range(10)]
    assert [each["source"] for each in (await page_of(ledger, host, "9"))["ledger"]] == ["docs/10"]


async def test_ledger_of_no_job_is_not_found_and_not_looked_for():
    with pytest.raises(JobNotFound):
        await read_ledger(FakeHost(), "../x", lambda _: pytest.fail("asked"), after=-1)


@pytest.mark.parametrize("after", ["x", "-1", "1.json", "9" * 10, "1 or 1"])
def test_place_that_no_page_named_is_refused(after: str):
    with pytest.raises(InvalidField, match="Field after cannot be used"):
        place_after({"after": after})
