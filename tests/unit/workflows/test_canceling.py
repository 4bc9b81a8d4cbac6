"""How workflows end that a client cancelled: by an event that ends a pause, or by a step that was told."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shared_code.jobs import AuditQueryJob, Budget, EmbedEventJob, EmbedFilesJob, EventDefaults
from shared_code.jobs.date_range import DateRange
from shared_code.jobs.durable import CANCEL_EVENT
from shared_code.workflows.audit_query import audit_query
from shared_code.workflows.embed_event import embed_event
from shared_code.workflows.pauses import pause
from shared_code.workflows.watch import embed_path
from tests.unit.workflow_driver import NOVEMBER, Driver, UsageHost
from tests.unit.workflows.test_embed_files import PART, PLAN, REQUEST

CANCELED = {"ok": False, "error": {"code": "JobCanceled", "message": ""}, "counts": {"tokens": 70}}
AWAY = {
    "ok": False,
    "error": {"code": "CircuitOpen", "message": "embeddings: CircuitOpen."},
    "counts": {"tokens": 30},
    "trouble": {"service": "embeddings", "until": None, "mostTries": None},
}
STORAGE_AWAY = {
    "ok": False,
    "error": {"code": "StorageUnavailable", "message": "Storage answered 503."},
    "trouble": {"service": "storage", "until": None, "mostTries": None},
}
DONE = {"ok": True, "counts": {"completed": 60, "tokens": 5}}
BUDGET = Budget(amount=5, recheck_seconds=60)
EVENT = EmbedEventJob.parse(
    {"trackingId": "t", "sessionId": "s"},
    EventDefaults(env="prod", index_version="v1", wait=timedelta(60), plan=PLAN, budgets={}),
)


def answers(**by_step: Any) -> Any:
    """Answers activities by the middle of their name."""

    def answer(name: str, _payload: Any) -> Any:
        if name == "discard-staged-activity":
            return {"ok": True, **({"canceledBy": "ann"} if by_step.get("by", True) else {})}
        return next(value for step, value in by_step.items() if step in name)

    return answer


def embed(budget: Budget | None = None, **by_step: Any) -> tuple[Driver, Any]:
    job = replace(EmbedFilesJob.parse(REQUEST, PLAN, {}), budget=budget)
    usage = UsageHost(environment={"MONTHLY_BUDGETS": "prod=5"}, events={CANCEL_EVENT})
    driver = Driver(answers(list=PART, **by_step), usage=usage)
    return driver, driver.run(embed_path(driver, job))


def test_job_whose_pages_were_stopped_returns_what_was_done_and_paid():
    driver, result = embed(embed=CANCELED)
    assert (result["files"], result["embedded"], result["tokens"]) == (120, 0, 140)
    assert (driver.statuses[-1]["phase"], driver.statuses[-1]["canceledBy"]) == ("canceled", "ann")
    assert driver.statuses[-1]["error"] is None


def test_lane_that_waits_is_woken_up_and_reports_what_it_paid():
    driver, result = embed(embed=AWAY)
    assert (result["tokens"], driver.usage.now) == (60, NOVEMBER)
    (usage,) = driver.usage.months.values()
    assert (usage.tokens, usage.meters) == (60, {})


def test_lane_that_is_held_is_woken_up_and_reserves_nothing():
    driver, _ = embed(replace(BUDGET, amount=0.000001), embed=CANCELED)
    assert driver.statuses[-1]["phase"] == "canceled"
    (usage,) = driver.usage.months.values()
    assert (usage.reserved(driver.usage.now.timestamp()), usage.meters) == (0, {})


def test_listing_that_waits_is_woken_up():
    driver = Driver(answers(list=AWAY), usage=UsageHost(events={CANCEL_EVENT}))
    result = driver.run(embed_path(driver, EmbedFilesJob.parse(REQUEST, PLAN, {})))
    assert (result["files"], driver.statuses[-1]["phase"]) == (0, "canceled")


def test_cancel_that_only_the_last_step_sees_is_heard():
    driver, result = embed(embed=DONE)
    assert (driver.statuses[-1]["phase"], result["embedded"]) == ("canceled", 120)


@pytest.mark.parametrize("event", [set(), {CANCEL_EVENT}], ids=["by its timer", "by its event"])
def test_cancel_before_an_outage_at_the_last_step_is_heard_when_storage_is_back(event):
    tries = iter([STORAGE_AWAY, {"ok": True, "canceledBy": "ann"}])

    def answer(name: str, payload: Any) -> Any:
        if name == "discard-staged-activity":
            return next(tries)
        return answers(list=PART, embed=DONE)(name, payload)

    driver = Driver(answer, usage=UsageHost(events=event))
    driver.run(embed_path(driver, EmbedFilesJob.parse(REQUEST, PLAN, {})))
    assert (driver.statuses[-1]["phase"], driver.statuses[-1]["canceledBy"]) == ("canceled", "ann")
    assert "storage" in [shown["waiting"]["service"] for shown in driver.statuses if "waiting" in shown]


def test_job_ends_with_its_result_if_storage_stays_away_for_longer_than_its_patience():
    def answer(name: str, payload: Any) -> Any:
        is_discard = name == "discard-staged-activity"
        return STORAGE_AWAY if is_discard else answers(list=PART, embed=DONE)(name, payload)

    driver = Driver(answer)
    result = driver.run(embed_path(driver, EmbedFilesJob.parse(REQUEST, PLAN, {})))
    assert (driver.statuses[-1]["phase"], result["embedded"]) == ("done", 120)


def test_storage_that_cannot_say_who_cancels_is_no_reason_to_go_on():
    driver, _ = embed(embed=CANCELED, by=False)
    assert driver.statuses[-1]["canceledBy"] == "unknown"


@pytest.mark.parametrize(("days", "windows"), [(3, 1), (60, 8)])
def test_audit_query_says_how_many_windows_were_read(days, windows):
    dates = DateRange(date(2021, 1, 1), date(2021, 1, 1) + timedelta(days))
    driver = Driver(answers(query=CANCELED))
    result = driver.run(audit_query(driver, AuditQueryJob.plan(dates)))
    assert result == {"windows": windows, "read": 0}
    assert driver.statuses[-1]["phase"] == "canceled"


def test_event_counts_all_its_tries_and_leaves_no_message():
    driver = Driver(
        answers(fetch={"ok": True, "characters": 9, "tokens": 5}, embed=AWAY),
        payload={},
        usage=UsageHost(events={CANCEL_EVENT}),
    )
    result = driver.run(embed_event(driver, replace(EVENT, from_queue=True)))
    assert (result["tokens"], driver.statuses[-1]["phase"]) == (30, "canceled")
    assert driver.usage.months["prod:2026-11"].tokens == 30
    assert "poison-event-activity" not in [call.name for call in driver.calls]


def test_pause_of_many_days_is_cut_into_timers_that_can_be_cancelled():
    timers: list[Any] = []
    driver = Driver(lambda *_: None, usage=UsageHost(on_timer=lambda host: timers.append(host.now)))
    assert driver.run(pause(driver, NOVEMBER + timedelta(days=9, hours=1))) is None
    assert [timer - NOVEMBER for timer in timers] == [
        *(timedelta(days=day) for day in range(1, 10)),
        timedelta(days=9, hours=1),
    ]
