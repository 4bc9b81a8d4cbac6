"""The orchestrator of every job: picks the workflow by the job's kind."""

from typing import Any

import azure.durable_functions as df

from shared_code.edge import at_edge
from shared_code.jobs import AuditQueryJob, EmbedEventJob, EmbedFilesJob, EvaluateJob, Steps, parse_job
from shared_code.telemetry import traced
from shared_code.workflows.audit_query import audit_query
from shared_code.workflows.embed_event import embed_event
from shared_code.workflows.evaluate import evaluate
from shared_code.workflows.watch import embed_path

WORKFLOWS: dict[str, Any] = {
    AuditQueryJob.KIND: audit_query,
    EmbedFilesJob.KIND: embed_path,
    EmbedEventJob.KIND: embed_event,
    EvaluateJob.KIND: evaluate,
}


def run_job(context: df.DurableOrchestrationContext) -> Steps[Any]:
    """Runs the job in the orchestration's input; a kind or version it does not know fails the job."""
    job = parse_job(context.get_input())
    workflow = WORKFLOWS[job.KIND]
    work = workflow(context, job)
    return (yield from traced(context, "workflow", work, jobId=context.instance_id, kind=job.KIND))


main = at_edge(df.Orchestrator.create(run_job))
