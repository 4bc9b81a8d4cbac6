"""One row of a table by its keys, whatever characters are in them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from shared_code.errors import AccessDenied, TableNotFound
from shared_code.http_pool import ServicePool
from shared_code.settings import Settings
from shared_code.storage.table_account import TableAccount
from shared_code.storage.tables import StorageTable, key_literal
from tests.unit.http_pool.scripted_service import ScriptedService, answer_json, serving

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
        with pytest.raises(AccessDenied, match=r"The events table refused access: .* EVENTS_STORAGE"):
            await table.row("sess", "track", select="text")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\#?")))
def test_path_with_any_key_is_sent_as_it_was_signed(key: str):
    path = f"/account/events(PartitionKey={key_literal(key)})"
    url = URL(f"http://127.0.0.1{path}")
    assert url.raw_path == path
    doubled = key.replace("'", "''")
    assert url.path == f"/account/events(PartitionKey='{doubled}')"
