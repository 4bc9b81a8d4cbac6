"""The activities as their folders run them, on clients that a test has opened: JSON in, JSON out."""

from functools import partial
from typing import Any

from shared_code.activities import audit_query, embed_files, evaluate
from shared_code.activities import embed_event as of_event
from shared_code.activities.discard import discards
from shared_code.activities.results import answer
from shared_code.activities.spending import spends_on_event, spends_on_page
from shared_code.clients.composition import Clients
from shared_code.jobs import steps
from tests.support.durable_host_fake import FakeHost, instance


async def query_window(clients: Clients, payload: Any) -> Any:
    return await answer(clients, steps.QueryWindow, payload, audit_query.query_window)


async def count_distinct(clients: Clients, payload: Any) -> Any:
    return await answer(clients, steps.CountDistinct, payload, audit_query.count_distinct)


async def discard(clients: Clients, payload: Any, host: Any) -> Any:
    return await discards(clients, {"discard": True, **payload}, host)


async def list_files(clients: Clients, payload: Any) -> Any:
    return await answer(clients, steps.ListFiles, payload, embed_files.list_files)


async def embed_page(clients: Clients, payload: Any, host: Any = None) -> Any:
    host = host or FakeHost({payload["jobId"]: instance()})
    work = partial(embed_files.embed_page, host=host)
    return await spends_on_page(clients, steps.EmbedPage, payload, work, host)


async def delete_stale(clients: Clients, payload: Any) -> Any:
    host = FakeHost({payload["jobId"]: instance()})
    return await answer(clients, steps.DeleteStale, payload, partial(embed_files.delete_stale, host=host))


async def fetch_event(clients: Clients, payload: Any) -> Any:
    return await answer(clients, steps.FetchEvent, payload, of_event.fetch_event)


async def embed_event(clients: Clients, payload: Any, host: Any = None) -> Any:
    host = host or FakeHost({payload["jobId"]: instance()})
    return await spends_on_event(clients, payload, of_event.embed_event, host)


async def read_questions(clients: Clients, payload: Any) -> Any:
    return await answer(clients, steps.ReadQuestions, payload, evaluate.read_questions)


async def ask_questions(clients: Clients, payload: Any, host: Any = None) -> Any:
    host = host or FakeHost({payload["jobId"]: instance()})
    work = partial(evaluate.ask_questions, host=host)
    return await spends_on_page(clients, steps.AskQuestions, payload, work, host)


async def sum_up(clients: Clients, payload: Any) -> Any:
    return await answer(clients, steps.SumUp, payload, evaluate.sum_up)
