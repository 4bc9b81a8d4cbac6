"""One row of a table by its keys, whatever characters are in them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from shared_code.errors import AccessDenied, EndpointUnusable, TableNotFound
from shared_code.http_pool import ServiceError, ServicePool
from shared_code.settings import Settings
from shared_code.storage.table_account import TableAccount
from shared_code.storage.tables import StorageTable, key_literal
from tests.unit.http_pool.scripted_service import ScriptedService, answer, answer_json, serving

ROW = {"text": "An event.", "time": "2026-11-20T10:02:11Z"}


@asynccontextmanager
async def table_of(*script: Any) -> AsyncIterator[tuple[ScriptedService, StorageTable]]:
    async with serving(*script) as service, ServicePool() as pool:
        account = TableAccount(f"{service.url}/account", None, {})
        yield service, StorageTable(pool, account, "events", at_once=2, setting=Settings.events_storage)


def refusal(status: int, code: str) -> Any:
    return answer_json({"odata.error": {"code": code, "message": {"value": "no"}}}, status)


async def test_row_is_asked_for_by_its_keys_with_some_columns():
    async with table_of(answer_json(ROW)) as (service, table):
        assert await table.row("sess", "it's", select="text,time") == ROW
    assert service.received[0].target == (
        "/account/events(PartitionKey='sess',RowKey='it''s')?$select=text,time"
    )


async def test_absent_row_is_none_and_an_absent_table_an_error():
    async with table_of(refusal(404, "ResourceNotFound"), refusal(404, "TableNotFound")) as (_, table):
        assert await table.row("sess", "track", select="text") is None
        with pytest.raises(TableNotFound, match="Table events does not exist"):
            await table.row("sess", "track", select="text")


async def test_refused_access_names_the_setting_of_the_account():
    async with table_of(refusal(403, "AuthenticationFailed")) as (_, table):
        with pytest.raises(
            AccessDenied, match=r"The events table refused access: .* EVENTS_STORAGE"
        ) as refused:
            await table.row("sess", "track", select="text")

    assert refused.value.refused_by == "storage"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\#?")))
def test_path_with_any_key_is_sent_as_it_was_signed(key: str):
    path = f"/account/events(PartitionKey={key_literal(key)})"
    url = URL(f"http://127.0.0.1{path}")
    assert url.raw_path == path
    doubled = key.replace("'", "''")
    assert url.path == f"/account/events(PartitionKey='{doubled}')"


def page(status: int) -> Any:
    return answer(status, b"<html>", content_type="text/html")


@pytest.mark.parametrize(
    "step",
    [
        page(404),
        answer(404, b"{}"),
        answer(204, b""),
        answer(200, b"[]"),
        answer(200, b"{}"),
        answer(301, b"{}", location="/"),
    ],
)
async def test_absence_that_no_table_service_tells_is_not_taken_for_one(step: Any):
    async with table_of(step) as (_, table):
        with pytest.raises(EndpointUnusable, match="EVENTS_STORAGE"):
            _ = [rows async for rows in table.pages("", select="a")]


async def test_page_that_refuses_access_is_not_the_word_of_the_account():
    async with table_of(page(403)) as (_, table):
        with pytest.raises(ServiceError):
            await table.row("p", "r", select="a")


@pytest.mark.parametrize("step", [page(200), answer(200, b"{}"), answer(307, location="/")])
async def test_write_that_nobody_has_confirmed_is_not_taken_for_done(step: Any):
    async with table_of(step) as (_, table):
        with pytest.raises(EndpointUnusable):
            await table.put_row("p", "r", {})


async def test_pages_that_are_empty_or_repeated_are_read_as_far_as_they_lead_on():
    first = answer(200, b'{"value": []}', x_ms_continuation_NextPartitionKey="b")
    last = answer(200, b'{"value": [{"a": 1}]}')
    async with table_of(first, last) as (_, table):
        assert [rows async for rows in table.pages("", select="a")] == [[], [{"a": 1}]]
    async with table_of(first) as (service, table):
        with pytest.raises(EndpointUnusable):
            _ = [rows async for rows in table.pages("", select="a")]
        assert len(service.received) == 2
