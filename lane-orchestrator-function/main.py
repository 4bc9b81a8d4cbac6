"""One lane of a job's bounded fan-out, as a sub-orchestration."""

import azure.durable_functions as df

from shared_code.workflows.fan_out import lane

main = df.Orchestrator.create(lane)
