"""The workflow of a live event, without a host."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared_code.jobs import Budget, EmbedEventJob, JobFailed
from shared_code.jobs.steps import EmbedEvent, FetchEvent, PoisonEvent
from shared_code.usage.month import MonthUsage
from shared_code.workflows.embed_event import embed_event
from tests.unit.jobs.test_embed_event import DEFAULTS, job_of
from tests.unit.workflow_driver import NOVEMBER, Driver

FETCH_EVENT, EMBED_EVENT = FetchEvent.activity, EmbedEvent.activity
JOB = replace(job_of(replace(DEFAULTS, wait=timedelta(seconds=6))), submission="run")
FETCHED = {"ok": True, "characters": 9}
EMBEDDED = {
    "ok": True,
    "counts": {"completed": 1, "documents": 2, "embedded": 2, "tokens": 50_000, "requests": 1},
}


def failure(code: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": "A sentence."}}


class Activities:
    """Answers look-ups one after another, the last one for all that follow."""

    def __init__(self, *fetched: Any, embedded: Any = EMBEDDED) -> None:
        self.fetched = list(fetched or [FETCHED])
        self.embedded = embedded

    def __call__(self, name: str, _payload: Any) -> Any:
        if name == EMBED_EVENT:
            return self.embedded
        return self.fetched.pop(0) if len(self.fetched) > 1 else self.fetched[0]


def driver_of(*fetched: Any, embedded: Any = EMBEDDED, job: EmbedEventJob = JOB) -> Driver:
    return Driver(Activities(*fetched, embedded=embedded), payload=job.to_json())


def run(*fetched: Any, embedded: Any = EMBEDDED) -> tuple[Driver, Any]:
    driver = driver_of(*fetched, embedded=embedded)
    return driver, driver.run(embed_event(driver, JOB))


def failed(*fetched: Any, embedded: Any = EMBEDDED) -> Driver:
    driver = driver_of(*fetched, embedded=embedded)
    with pytest.raises(JobFailed, match=r"A sentence\."):
        driver.run(embed_event(driver, JOB))
    return driver


def names(driver: Driver) -> list[str]:
    return [call.name for call in driver.calls]


def test_event_is_fetched_then_embedded():
    driver, _ = run()
    assert names(driver) == [FETCH_EVENT, EMBED_EVENT]
    assert [status["phase"] for status in driver.statuses] == ["fetching", "embedding", "done"]


def test_result_tells_what_was_embedded_and_what_it_cost():
    _, result = run()
    assert result == {
        "trackingId": "abc123",
        "sessionId": "sess789",
        "documents": 2,
        "embedded": 2,
        "tokens": 50_000,
        "requests": 1,
        "cost": 0.05,
    }


def test_both_steps_get_the_job_and_no_text():
    driver, _ = run()
    assert [call.payload for call in driver.calls] == [{"jobId": "job", "job": JOB.to_json()}] * 2


@pytest.mark.parametrize("code", ["EventNotFound", "EventsUnavailable"])
def test_look_up_that_may_succeed_later_is_repeated_after_a_timer(code: str):
    driver, _ = run(failure(code), FETCHED)
    assert names(driver) == [FETCH_EVENT, FETCH_EVENT, EMBED_EVENT]
    assert driver.statuses[1]["phase"] == "waiting"
    assert driver.usage.now - NOVEMBER == JOB.waits[0]


def test_event_that_stays_unknown_fails_its_job_when_its_time_is_over():
    driver = failed(failure("EventNotFound"))
    assert driver.usage.now - NOVEMBER == timedelta(seconds=6)
    assert driver.statuses[-1]["error"]["code"] == "EventNotFound"


@pytest.mark.parametrize("code", ["EventInvalid", "EventMismatch", "EventsUnusable", "StepFailed"])
def test_look_up_that_time_does_not_cure_fails_the_job_at_once(code: str):
    assert names(failed(failure(code))) == [FETCH_EVENT]


def test_event_that_cannot_be_embedded_fails_its_job_with_the_reason():
    driver = failed(embedded=failure("EmbeddingRefused"))
    assert driver.statuses[-1] == {
        "phase": "failed",
        "total": 1,
        "lanes": 0,
        "failed": 1,
        "error": {"code": "EmbeddingRefused", "message": "A sentence."},
    }


def test_progress_counts_the_event():
    driver, _ = run()
    assert (driver.statuses[-1]["total"], driver.statuses[-1]["completed"]) == (1, 1)


def test_what_was_spent_is_added_to_the_month_of_the_environment_and_the_meter_ends():
    driver, _ = run()
    month = driver.usage.months["prod:2026-11"]
    assert (month.tokens, month.requests, month.amount, month.meters) == (50_000, 1, 0.05, {})


def test_event_that_cost_nothing_asks_the_usage_entity_nothing():
    counts = {"skipped": 1, "documents": 1, "embedded": 0, "tokens": 0, "requests": 0}
    driver, _ = run(embedded={"ok": True, "counts": counts})
    assert (driver.usage.asked, driver.usage.readings) == (0, [])


LIMITED = replace(JOB, budget=Budget(amount=0.01, recheck_seconds=60))


def limited(amount: float, spent: int, job: EmbedEventJob = LIMITED) -> Driver:
    """A job in an environment with this budget, of which so many tokens are spent."""
    driver = driver_of({**FETCHED, "tokens": 9}, job=job)
    driver.usage.environment["MONTHLY_BUDGETS"] = f"prod={amount}"
    driver.usage.months["prod:2026-11"] = MonthUsage(tokens=spent, cost=spent * LIMITED.plan.price)
    return driver


@pytest.mark.parametrize(
    ("version", "spent", "begun"),
    [(2, 10_000, []), (3, 10_000, [FETCH_EVENT]), (3, 9_992, [FETCH_EVENT]), (3, 9_999, [FETCH_EVENT])],
)
def test_event_is_held_at_the_budget_before_it_spends_anything_and_begins_anew(version, spent, begun):
    job = replace(LIMITED, version=version)
    driver = limited(0.01, spent=spent, job=job)
    assert driver.run(embed_event(driver, job)) is None
    assert names(driver) == begun
    assert driver.statuses[-1]["phase"] == "held"
    assert driver.next_input["held"]["code"] == "BudgetReached"
    assert driver.usage.now - NOVEMBER == timedelta(seconds=60)


def test_held_event_shows_so_until_it_goes_on():
    driver = limited(0.02, spent=10_000)
    driver.payload["held"] = {"code": "BudgetReached", "message": "It was."}
    result = driver.run(embed_event(driver, LIMITED))
    assert [status["phase"] for status in driver.statuses] == ["held", "embedding", "done"]
    assert result["tokens"] == 50_000


@pytest.mark.parametrize(("version", "asked"), [(2, 2), (3, 1)])
def test_event_that_waits_takes_no_meter_meanwhile(version: int, asked: int):
    job = replace(LIMITED, version=version)
    driver = limited(0.02, spent=0, job=job)
    driver.run(embed_event(driver, job))
    month = driver.usage.months["prod:2026-11"]
    assert (month.opened, month.meters, driver.usage.asked) == (1, {}, asked)


def test_event_reserves_what_its_text_may_cost_until_it_has_spent_it():
    driver = limited(0.02, spent=0)
    reserved = []
    activities = driver.answer

    def watch(name: str, payload: Any) -> Any:
        month = driver.usage.months.get("prod:2026-11", MonthUsage())
        reserved.append((name, month.reserved(driver.usage.now.timestamp())))
        return activities(name, payload)

    driver.answer = watch
    driver.run(embed_event(driver, LIMITED))
    assert reserved == [(FETCH_EVENT, 0), (EMBED_EVENT, 9 * LIMITED.plan.price)]
    assert driver.usage.months["prod:2026-11"].reserved(0) == 0


def test_every_try_of_the_step_counts_what_it_has_spent_and_the_next_one_is_told():
    trouble = {"service": "embeddings", "until": None, "mostTries": None}
    lost = {**failure("ConnectionLost"), "counts": {"tokens": 7, "estimated": 7}, "trouble": trouble}
    answers = [lost, lost, EMBEDDED]
    driver = Driver(lambda name, _: answers.pop(0) if name == EMBED_EVENT else FETCHED, payload=JOB.to_json())
    driver.run(embed_event(driver, JOB))
    month = driver.usage.months["prod:2026-11"]
    assert [call.payload.get("paid") for call in driver.calls[1:]] == [
        None, {"tokens": 7, "estimated": 7}, {"tokens": 14, "estimated": 14},
    ]  # fmt: skip
    assert (month.tokens, month.estimated) == (50_014, 14)


QUEUED = replace(JOB, from_queue=True)
POISON_EVENT = PoisonEvent.activity


@pytest.mark.parametrize(
    "steps",
    [{"fetched": [failure("EventInvalid")]}, {"embedded": failure("EmbeddingRefused")}],
    ids=["fetching", "embedding"],
)
def test_event_of_the_queue_that_gives_up_leaves_its_message_on_the_poison_queue(steps: dict[str, Any]):
    driver = driver_of(*steps.get("fetched", []), embedded=steps.get("embedded", EMBEDDED), job=QUEUED)
    with pytest.raises(JobFailed):
        driver.run(embed_event(driver, QUEUED))
    assert names(driver)[-1] == POISON_EVENT
    assert driver.statuses[-1]["phase"] == "failed"


def test_event_of_a_request_leaves_no_message():
    assert POISON_EVENT not in names(failed(failure("EventInvalid")))


def test_service_that_is_away_is_waited_for_and_the_event_embedded():
    away = {
        **failure("EventsUnavailable"),
        "trouble": {"service": "events", "until": None, "mostTries": None},
    }
    driver, result = run(*[away] * 20, FETCHED)
    assert result["embedded"] == 2
    assert {status["waiting"]["service"] for status in driver.statuses if "waiting" in status} == {"events"}


def test_message_that_is_left_asks_for_the_same_event_again():
    assert EmbedEventJob.parse(QUEUED.message, DEFAULTS).request == QUEUED.request


def test_poison_queue_that_is_away_for_longer_than_any_patience_gets_the_message_when_it_is_back():
    def answer(name: str, _payload: Any) -> Any:
        if name == FETCH_EVENT:
            return failure("EventInvalid")
        if driver.usage.now - NOVEMBER < 2 * QUEUED.patience:
            raise RuntimeError("The output binding cannot write.")
        return {"ok": True}

    driver = Driver(answer, payload=QUEUED.to_json())
    with pytest.raises(JobFailed, match=r"A sentence\."):
        driver.run(embed_event(driver, QUEUED))
    assert driver.usage.now - NOVEMBER >= 2 * QUEUED.patience
    assert driver.statuses[1]["phase"] == "waiting"
    assert driver.statuses[-1]["error"]["code"] == "EventInvalid"
