"""The step of a job that waits for an approval."""

from shared_code.activities.stopping import ends_with_its_job
from shared_code.clients.composition import Clients
from shared_code.jobs.approval import Decision
from shared_code.jobs.steps import Decided, TakeDecision


@ends_with_its_job
async def take_decision(clients: Clients, step: TakeDecision) -> Decided:
    """What was decided; when the time is over, that nobody did, unless somebody has."""
    decisions, expired = clients.decisions, Decision(approved=False)
    if step.expires:
        return Decided(decision=await decisions.approve(step.job_id, step.round, expired))
    return Decided(decision=await decisions.approval(step.job_id, step.round))
