"""One lane of a job's bounded fan-out, as a sub-orchestration."""

import azure.durable_functions as df

from shared_code.edge import at_edge
from shared_code.jobs import Json, Steps
from shared_code.telemetry import traced
from shared_code.workflows.fan_out import job_of_lane, lane


def run_lane(context: df.DurableOrchestrationContext) -> Steps[Json | None]:
    """Runs the next page of the lane in the orchestration's input."""
    job_id, number = job_of_lane(context.instance_id)
    return (yield from traced(context, "lane", lane(context), jobId=job_id, lane=number))


main = at_edge(df.Orchestrator.create(run_lane))
