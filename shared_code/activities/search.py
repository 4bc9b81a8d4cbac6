"""A question that comes over HTTP: which version is meant, who pays, what the answer says about the hits."""

from dataclasses import replace
from time import monotonic
from typing import Any

from shared_code.activities.asking import asked
from shared_code.activities.results import milliseconds_since
from shared_code.clients.composition import Clients
from shared_code.errors import NoLiveVersion, VersionNotFound
from shared_code.jobs import Account, DurableClient, Json
from shared_code.jobs.search import Mode, Query
from shared_code.search.hybrid import Answer, Hit, search
from shared_code.search.versions import live_version
from shared_code.telemetry import log_event
from shared_code.usage.questions import QuestionSpending
from shared_code.usage.report import require_budget


async def answer_question(clients: Clients, query: Query, *, host: DurableClient) -> Json:
    """Answers a question, and counts what its vector costs.

    Raises:
        NoLiveVersion, VersionNotFound: there is nothing to search.
        BudgetReached: the environment may spend nothing more; a search by words costs nothing.
        IndexUnavailable, HostUnavailable: what is needed does not answer now.
        Permanent: a setting or a role is wrong.
    """
    began = monotonic()
    account = _account(clients, query.env)
    if query.mode != Mode.TEXT:
        await require_budget(host, account)
    query = await asked(clients, _with_version(clients, query))
    spending = QuestionSpending(host, account)
    try:
        answer = await asked(clients, _search(clients, query, spending))
    finally:
        await spending.settled()
    log_event(
        "question.answered",
        env=query.env,
        version=query.version,
        mode=answer.mode,
        notice=answer.notice.code if answer.notice else None,
        results=len(answer.hits),
        tokens=answer.tokens,
        milliseconds=milliseconds_since(began),
    )
    return _told(answer)


def _account(clients: Clients, env: str) -> Account:
    settings = clients.settings
    return Account(env=env, price=settings.embedding_plan.price, budget=settings.budgets.get(env))


async def _with_version(clients: Clients, query: Query) -> Query:
    if query.version:
        return query
    version = await live_version(clients.versions, query.env)
    if version is None:
        raise NoLiveVersion(query.env)
    return replace(query, version=version)


async def _search(clients: Clients, query: Query, spending: QuestionSpending) -> Answer:
    index = clients.search(query.env, query.version)
    answer = await search(index, clients.question_embeddings(spending), query)
    if not answer.hits and await index.is_empty():
        raise VersionNotFound(query.env, query.version)
    return answer


def _told(answer: Answer) -> Json:
    notice: Json = {}
    if answer.notice:
        notice = {"notice": {"code": answer.notice.code, "message": answer.notice.message}}
    return {
        "index": answer.index,
        "mode": answer.mode.value,
        "results": [_result(hit) for hit in answer.hits],
        "tokens": answer.tokens,
        **notice,
    }


def _result(hit: Hit) -> dict[str, Any]:
    name = {"source": hit.source} if hit.tracking_id is None else {"trackingId": hit.tracking_id}
    around = {"before": list(hit.before), "after": list(hit.after)}
    return {
        **name,
        "ordinal": hit.ordinal,
        "position": hit.position,
        "context": hit.context,
        "text": hit.text,
        "score": hit.score,
        **{where: texts for where, texts in around.items() if texts},
    }
