"""The steps of an evaluation. What a page has found is staged: a page that runs again asks nothing again."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any

from shared_code.activities.results import milliseconds_since
from shared_code.activities.spending import pay_for_page
from shared_code.activities.stopping import JobLife, ends_with_its_job
from shared_code.clients.composition import Clients
from shared_code.errors import QuestionsUnreadable, StagedRunsMissing, VersionBusy, VersionNotFound
from shared_code.files.spending import PageSpending
from shared_code.jobs import LEDGER_LIMIT, DurableClient, EvaluateJob
from shared_code.jobs.evaluation import Asked, GoldenQuestion, Miss, Quality
from shared_code.jobs.steps import (
    AskQuestions,
    ItemDone,
    QuestionsRead,
    ReadQuestions,
    SummedUp,
    SumUp,
)
from shared_code.search.evaluation import ask, counted, digest_of, parse_questions
from shared_code.search.versions import Evaluation, keep_evaluation
from shared_code.storage.source_files import UnreadableFile
from shared_code.storage.staging import keep_ledger, read_staged_json, stage_json
from shared_code.telemetry import log_event

_QUESTIONS_PER_PAGE = 50


@ends_with_its_job
async def read_questions(clients: Clients, step: ReadQuestions) -> QuestionsRead:
    """Reads the questions and stages them in pages, once the version is there and at rest."""
    job = step.job
    if await clients.search(job.env, job.index_version).is_empty():
        raise VersionNotFound(job.env, job.index_version)
    if await clients.index(job.env, job.index_version).is_being_embedded(clients.network.clock.wall()):
        raise VersionBusy
    questions = await _questions(clients, job)
    starts = range(0, len(questions), _QUESTIONS_PER_PAGE)
    pages = [questions[start : start + _QUESTIONS_PER_PAGE] for start in starts]
    for number, page in enumerate(pages):
        staged = [question.to_json() for question in page]
        await stage_json(clients.jobs_container, step.job_id, _asked(number), staged)
    log_event("questions.read", env=job.env, questions=len(questions), pages=len(pages))
    return QuestionsRead(
        questions=len(questions),
        digest=digest_of(questions),
        page_tokens=tuple(sum(counted(question).most for question in page) for page in pages),
    )


async def ask_questions(clients: Clients, step: AskQuestions, *, host: DurableClient) -> ItemDone:
    """Asks one staged page of questions, unless the host says that the job was stopped."""
    began = monotonic()
    asked, spending = await pay_for_page(clients, step, host, partial(_ask, clients, step))
    milliseconds = milliseconds_since(began)
    log_event("questions.asked", env=step.job.env, page=step.page, milliseconds=milliseconds, asked=asked)
    return ItemDone(counts={"completed": asked, **spending.counts})


@ends_with_its_job
async def sum_up(clients: Clients, step: SumUp) -> SummedUp:
    """Makes the figures of what all pages have found, and keeps them with the version."""
    job = step.job
    pages = [await _found(clients, step.job_id, page) for page in range(step.pages)]
    answered = [pair for page in pages for pair in page]
    misses = [Miss(question=question, asked=asked) for question, asked in answered if asked.rank is None]
    quality = Quality.of([asked.rank for _, asked in answered])
    if misses:
        entries = [miss.to_json() for miss in misses]
        await keep_ledger(clients.jobs_container, step.job_id, "0.json", entries)
    evaluation = Evaluation(
        job_id=step.job_id,
        questions=job.questions,
        digest=step.digest,
        asked=len(answered),
        quality=quality,
        model=job.plan.model,
        at=utc_text(clients),
    )
    await keep_evaluation(clients.versions, job.env, job.index_version, evaluation)
    log_event(
        "version.evaluated", env=job.env, version=job.index_version, missed=len(misses), mrr=quality.mrr
    )
    return SummedUp(
        quality=quality,
        missed=len(misses),
        not_indexed=sum(set(miss.asked.not_indexed) == set(miss.question.sources) for miss in misses),
        misses=tuple(misses[:LEDGER_LIMIT]),
    )


def utc_text(clients: Clients) -> str:
    """The time, as ISO 8601 in whole seconds."""
    now = datetime.fromtimestamp(clients.network.clock.wall(), UTC)
    return now.isoformat(timespec="seconds").replace("+00:00", "Z")


async def _questions(clients: Clients, job: EvaluateJob) -> list[GoldenQuestion]:
    files = clients.source_files(job.container)
    try:
        content = await files.read(job.name, limit=clients.settings.max_file_bytes)
    except UnreadableFile as error:
        raise QuestionsUnreadable(job.questions, str(error)) from None
    return await asyncio.to_thread(parse_questions, content.data, job.questions)


async def _ask(clients: Clients, step: AskQuestions, spending: PageSpending, _life: JobLife) -> int:
    """Asks the questions of a page, and counts them; an earlier try may have staged what it found."""
    job, container = step.job, clients.jobs_container
    questions = await _staged_questions(clients, step.job_id, step.page)
    with suppress(StagedRunsMissing):
        return len(await read_staged_json(container, step.job_id, _answered(step.page)))
    index = clients.search(job.env, job.index_version)
    if await index.is_empty():  # an index that does not answer shows here, before anything is paid
        raise VersionNotFound(job.env, job.index_version)
    texts = [counted(question) for question in questions]
    outcomes = await clients.file_embeddings.embed(
        texts, model=job.plan.model, dimensions=job.plan.dimensions, payer=spending
    )
    asked = await ask(index, job.env, questions, outcomes)
    told = [each.to_json() for each in await _with_lacking(clients, job, questions, asked)]
    await stage_json(container, step.job_id, _answered(step.page), told)
    return len(told)


async def _with_lacking(
    clients: Clients, job: EvaluateJob, questions: Sequence[GoldenQuestion], asked: Sequence[Asked]
) -> list[Asked]:
    """What was found, and of what was missed the files that the index does not have."""
    pairs = list(zip(questions, asked, strict=True))
    expected = {name for question, each in pairs if each.rank is None for name in question.sources}
    # An event's tracking id has no slash, and there is no record of it.
    files = sorted(name for name in expected if "/" in name)
    known = await clients.index(job.env, job.index_version).records(files) if files else {}
    lacking = {name for name in files if name not in known}
    return [each.lacking(lacking & set(question.sources)) for question, each in pairs]


async def _found(clients: Clients, job_id: str, page: int) -> list[tuple[GoldenQuestion, Asked]]:
    questions = await _staged_questions(clients, job_id, page)
    told: list[dict[str, Any]] = await read_staged_json(clients.jobs_container, job_id, _answered(page))
    return list(zip(questions, map(Asked.from_json, told), strict=True))


async def _staged_questions(clients: Clients, job_id: str, page: int) -> list[GoldenQuestion]:
    staged = await read_staged_json(clients.jobs_container, job_id, _asked(page))
    return [GoldenQuestion.from_json(value) for value in staged]


def _asked(page: int) -> str:
    return f"questions/{page}.json"


def _answered(page: int) -> str:
    return f"found/{page}.json"
