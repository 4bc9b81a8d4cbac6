from datetime import timedelta
from typing import Any

from shared_code.jobs import EmbedFilesJob, parse_job
from shared_code.jobs.durable import CANCEL_EVENT
from shared_code.workflows.watch import embed_path
from tests.unit.workflow_driver import NOVEMBER, Driver, UsageHost
from tests.unit.workflows.test_embed_files import DENIED, LIST_FILES, PART, PLAN, REQUEST, Activities

WATCH = EmbedFilesJob.parse({**REQUEST, "watchMinutes": 30}, PLAN, {})


class Rounds:
    """A watch whose rounds run one after another, each on the input that the one before left."""

    def __init__(self, activities: Any) -> None:
        self.activities = activities
        self.usage = UsageHost()
        self.payload: Any = {**WATCH.to_json(), "submittedAt": "then"}
        self.statuses: list[Any] = []

    def run(self) -> Any:
        """One round, and the wait after it; what it returns if it is the last."""
        driver = Driver(self.activities, payload=self.payload, usage=self.usage)
        job = parse_job(self.payload)
        assert isinstance(job, EmbedFilesJob)
        result = driver.run(embed_path(driver, job))
        self.payload, self.statuses = driver.next_input, driver.statuses
        return result


def test_round_begins_after_its_interval_and_knows_the_one_before():
    rounds = Rounds(Activities(PART, PART))
    for number in (1, 2):
        assert rounds.run() is None
        assert rounds.usage.now == NOVEMBER + number * timedelta(minutes=30)
        assert rounds.payload["watch"]["round"] == number + 1
        assert rounds.payload["watch"]["last"]["embedded"] == 100
    assert rounds.payload["submittedAt"] == "then"


def test_status_between_rounds_has_the_last_one_and_when_the_next_one_begins():
    rounds = Rounds(Activities())
    rounds.run()
    idle = rounds.statuses[-1]
    assert (idle["phase"], idle["total"], idle["completed"], idle["skipped"]) == ("watching", 120, 100, 20)
    assert idle["watch"]["nextAt"] == (NOVEMBER + timedelta(minutes=30)).isoformat()


def test_input_of_a_watch_does_not_grow_over_a_thousand_rounds():
    rounds = Rounds(Activities(*[PART] * 1_001))
    rounds.run()
    before = len(str(rounds.payload))
    for _ in range(1_000):
        rounds.run()
    assert rounds.payload["watch"]["round"] == 1_002
    assert len(str(rounds.payload)) < before + 20


def test_round_that_fails_is_told_and_the_next_one_begins():
    def denied(name: str, payload: Any) -> Any:
        return {"ok": False, "error": DENIED} if name == LIST_FILES else {"ok": True}

    rounds = Rounds(denied)
    rounds.run()
    assert rounds.payload["watch"]["last"]["error"] == DENIED
    assert rounds.statuses[-1]["error"] is None


def test_watch_that_is_cancelled_between_rounds_returns_what_the_last_one_did():
    def activities(name: str, payload: Any) -> Any:
        return Activities()(name, payload)

    rounds = Rounds(activities)
    rounds.run()
    rounds.usage.on_timer = lambda usage: usage.events.add(CANCEL_EVENT)
    result = rounds.run()
    assert (result["rounds"], result["embedded"], rounds.statuses[-1]["phase"]) == (2, 100, "canceled")
