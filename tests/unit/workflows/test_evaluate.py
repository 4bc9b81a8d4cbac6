"""What an evaluation does in which order, and how it ends."""

from typing import Any

import pytest

from shared_code.errors import InvalidField
from shared_code.jobs import Budget, EmbeddingPlan, EvaluateJob, Failure, JobFailed, Trouble, parse_job
from shared_code.jobs.steps import AskQuestions, DiscardStaged, Failed, ReadQuestions, SumUp
from shared_code.workflows.evaluate import evaluate
from tests.unit.workflow_driver import Driver, UsageHost

PLAN = EmbeddingPlan(
    model="model",
    dimensions=256,
    chunk_tokens=512,
    overlap_tokens=64,
    price_per_million=0.02,
    shrink_limit=0.5,
)
REQUEST = {"env": "prod", "version": "v2", "questions": "golden/harbour.jsonl"}
READ = {"ok": True, "questions": 120, "digest": "abc", "pageTokens": [700, 700, 300]}
FIGURES = {"recall@1": 0.5, "recall@5": 0.7, "recall@10": 0.9, "mrr": 0.6}
MISS = {"question": "Who?", "sources": ["docs/a.md"], "found": ["docs/b.md"]}
AWAY = Failed(failure=Failure("IndexUnavailable", "Away."), trouble=Trouble(service="index")).to_json()
BROKEN = {"ok": False, "error": {"code": "InvalidQuestions", "message": "Line 3 is none."}}


class Activities:
    """Answers the activities of a job; a test changes what it is about."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = {
            ReadQuestions.activity: READ,
            AskQuestions.activity: {"ok": True, "counts": {"completed": 40, "tokens": 500, "requests": 1}},
            SumUp.activity: {
                "ok": True, "quality": FIGURES, "missed": 1, "notIndexed": 0, "misses": [MISS],
            },
            DiscardStaged.activity: {"ok": True},
            **answers,
        }  # fmt: skip

    def __call__(self, name: str, payload: Any) -> Any:
        answer = self.answers[name]
        return answer.pop(0) if isinstance(answer, list) else answer


def job_of(budget: Budget | None = None, **fields: Any) -> EvaluateJob:
    return EvaluateJob.parse({**REQUEST, **fields}, PLAN, {"prod": budget} if budget else {})


def run(activities: Activities, job: EvaluateJob | None = None, **usage: Any) -> tuple[Driver, Any]:
    driver = Driver(activities, usage=UsageHost(**usage))
    return driver, driver.run(evaluate(driver, job or job_of()))


def names_of(driver: Driver) -> list[str]:
    return [call.name for call in driver.calls]


def test_result_has_the_figures_and_what_was_missed():
    _, result = run(Activities())
    assert result == {
        "env": "prod", "version": "v2", "questions": "golden/harbour.jsonl", "asked": 120, **FIGURES,
        "missed": 1, "notIndexed": 0, "tokens": 1_500, "requests": 3, "cost": 0.00003, "misses": [MISS],
    }  # fmt: skip


def test_every_page_is_asked_once_and_then_summed_up_with_the_digest():
    driver, _ = run(Activities())
    pages = [call.payload["page"] for lane in driver.lanes.values() for call in lane.calls]
    assert sorted(pages) == [0, 1, 2]
    summed = next(call.payload for call in driver.calls if call.name == SumUp.activity)
    assert (summed["pages"], summed["digest"]) == (3, "abc")
    assert names_of(driver)[-1] == DiscardStaged.activity


def test_phases_tell_how_far_it_is():
    driver, _ = run(Activities())
    assert [status["phase"] for status in driver.statuses] == ["reading", "asking", "counting", "done"]
    assert (driver.statuses[-1]["total"], driver.statuses[-1]["completed"]) == (120, 120)


def test_result_that_has_no_room_for_all_misses_says_where_they_are():
    summed = {"ok": True, "quality": FIGURES, "missed": 9, "notIndexed": 0, "misses": [MISS]}
    _, result = run(Activities(**{SumUp.activity: summed}))
    assert result["wholeLedger"] == {"container": "jobs", "prefix": "ledger/job/"}


def test_questions_that_cannot_be_used_end_the_job_and_ask_nothing():
    driver = Driver(Activities(**{ReadQuestions.activity: BROKEN}))
    with pytest.raises(JobFailed, match="Line 3 is none"):
        driver.run(evaluate(driver, job_of()))
    assert not driver.lanes
    assert driver.statuses[-1]["error"]["code"] == "InvalidQuestions"


@pytest.mark.parametrize("step", [ReadQuestions, AskQuestions, SumUp])
def test_service_that_is_away_is_waited_for_in_every_step(step):
    answers = Activities().answers
    good = answers[step.activity]
    driver, result = run(Activities(**{step.activity: [AWAY, *[good] * 5]}))
    assert result["asked"] == 120
    lanes = [status for lane in driver.lanes.values() for status in lane.statuses]
    assert any("waiting" in status for status in (*driver.statuses, *lanes))


def test_at_its_budget_it_is_held_and_goes_on_when_that_is_raised():
    environment = {"MONTHLY_BUDGETS": "prod=0"}
    raised = {"MONTHLY_BUDGETS": "prod=5"}
    job = job_of(Budget(amount=0, recheck_seconds=60))
    driver, result = run(
        Activities(), job, environment=environment, on_timer=lambda host: host.environment.update(raised)
    )
    held = [status for lane in driver.lanes.values() for status in lane.statuses if "held" in status]
    assert held[0]["held"]["code"] == "BudgetReached"
    assert (result["asked"], sum(usage.tokens for usage in driver.usage.months.values())) == (120, 1_500)


def test_what_is_spent_is_metered():
    driver, result = run(Activities())
    (usage,) = driver.usage.months.values()
    assert (usage.tokens, usage.requests) == (result["tokens"], result["requests"])


def test_job_is_the_same_after_its_way_through_a_history():
    job = job_of(Budget(amount=5, recheck_seconds=60))
    assert parse_job(job.to_json()) == job


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"questions": "golden"}, "questions"),
        ({"questions": "golden/../jobs/x"}, "questions"),
        ({"questions": 7}, "questions"),
        ({"questions": "G/x.jsonl"}, "questions"),
        ({"env": "a b"}, "env"),
        ({"version": None}, "version"),
        ({"filesPath": "docs"}, "filesPath"),
        ({"dryRun": True}, "dryRun"),
    ],
)
def test_request_that_cannot_be_used_is_refused_by_its_field(fields, field):
    with pytest.raises(InvalidField) as refused:
        job_of(**fields)
    assert refused.value.field == field
