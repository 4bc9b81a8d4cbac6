"""Evaluating a version of an index: golden questions are read, asked page by page in lanes, and summed up.

Questions and what they find do not travel through here: they are staged, and activities get numbers of pages.
"""

from shared_code.jobs import (
    EvaluateJob,
    JobFailed,
    Json,
    OrchestrationContext,
    Phase,
    Progress,
    Steps,
    Totals,
    whole_ledger,
)
from shared_code.jobs.steps import (
    AskQuestions,
    Failed,
    QuestionsRead,
    ReadQuestions,
    SummedUp,
    SumUp,
)
from shared_code.workflows.canceling import discard_staged, show_canceled
from shared_code.workflows.fan_out import fan_out
from shared_code.workflows.steps import run_step


def evaluate(context: OrchestrationContext, job: EvaluateJob) -> Steps[Json]:
    """Asks the questions of a job and tells how many of them its version answers.

    Raises:
        JobFailed: the questions, a setting or a service stopped the job; the custom status says why.
    """
    progress = _report(context, Phase.READING)
    step = ReadQuestions(job_id=context.instance_id, job=job)
    read = yield from run_step(context, step, QuestionsRead, progress=progress, patience=job.patience)
    if isinstance(read, Failed):
        return (yield from _end(context, job, read, Totals(), total=0))
    _report(context, Phase.ASKING, total=read.questions, lanes=job.lanes)
    totals = yield from _ask(context, job, read)
    summed: SummedUp | Failed
    if totals.error:
        summed = Failed(failure=totals.error)
    else:
        summed = yield from _sum_up(context, job, read, totals)
    return (yield from _end(context, job, summed, totals, total=read.questions))


def _ask(context: OrchestrationContext, job: EvaluateJob, read: QuestionsRead) -> Steps[Totals]:
    pages = [
        AskQuestions(job_id=context.instance_id, job=job, page=page, tokens=tokens)
        for page, tokens in enumerate(read.page_tokens)
    ]
    return (
        yield from fan_out(
            context,
            pages,
            lanes=job.lanes,
            wave_size=job.wave_size,
            patience=job.patience,
            account=job.account,
        )
    )


def _sum_up(
    context: OrchestrationContext, job: EvaluateJob, read: QuestionsRead, totals: Totals
) -> Steps[SummedUp | Failed]:
    progress = _report(context, Phase.COUNTING, totals, total=read.questions)
    step = SumUp(job_id=context.instance_id, job=job, pages=len(read.page_tokens), digest=read.digest)
    return (yield from run_step(context, step, SummedUp, progress=progress, patience=job.patience))


def _end(
    context: OrchestrationContext,
    job: EvaluateJob,
    summed: SummedUp | Failed,
    totals: Totals,
    *,
    total: int,
) -> Steps[Json]:
    failure = summed.failure if isinstance(summed, Failed) else None
    progress = Progress(phase=Phase.COUNTING, total=total, counts=totals.counts)
    by = yield from discard_staged(context, job, failure, progress)
    if by:
        show_canceled(context, Progress(total=total, counts=totals.counts), by)
        return {**_asked_of(job), "asked": totals.counts.get("completed", 0), **_spent(job, totals)}
    if isinstance(summed, Failed):
        _report(context, Phase.FAILED, Totals(counts=totals.counts, error=summed.failure), total=total)
        raise JobFailed(summed.failure)
    _report(context, Phase.DONE, totals, total=total)
    is_cut = summed.missed > len(summed.misses)
    return {
        **_asked_of(job),
        "asked": total,
        **summed.quality.figures,
        "missed": summed.missed,
        "notIndexed": summed.not_indexed,
        **_spent(job, totals),
        "misses": [miss.to_json() for miss in summed.misses],
        **({"wholeLedger": whole_ledger(context.instance_id)} if is_cut else {}),
    }


def _asked_of(job: EvaluateJob) -> Json:
    return {"env": job.env, "version": job.index_version, "questions": job.questions}


def _spent(job: EvaluateJob, totals: Totals) -> Json:
    tokens = totals.counts.get("tokens", 0)
    return {
        "tokens": tokens,
        "requests": totals.counts.get("requests", 0),
        "cost": job.plan.cost(tokens),
    }


def _report(
    context: OrchestrationContext,
    phase: Phase,
    totals: Totals | None = None,
    *,
    total: int = 0,
    lanes: int = 0,
) -> Progress:
    """Sets what the status route reads; the totals of running lanes are in the lanes' own statuses."""
    totals = totals or Totals()
    progress = Progress(phase=phase, total=total, lanes=lanes, counts=totals.counts, error=totals.error)
    context.set_custom_status(progress.to_json())
    return progress
