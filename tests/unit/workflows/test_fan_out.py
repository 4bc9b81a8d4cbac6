import json
from datetime import timedelta
from typing import Any

from shared_code.jobs import LEDGER_LIMIT, Failure, Progress, Totals
from shared_code.jobs.steps import Failed, ItemDone
from shared_code.workflows.attempts import INTERRUPTED
from shared_code.workflows.fan_out import fan_out, lane_id
from shared_code.workflows.steps import run_step
from tests.unit.workflow_driver import NOVEMBER, Driver, Numbered

AWAY = {"code": "CircuitOpen", "message": "embeddings: CircuitOpen."}
DENIED = {"code": "AccessDenied", "message": "Storage refused access."}


def succeed(_name: Any, _payload: Any) -> Any:
    return {"ok": True, "counts": {"completed": 1, "skipped": 1}}


def run_fan_out(answer: Any, items: Any, *, lanes: Any, wave_size: Any) -> Any:
    driver = Driver(answer)
    steps = [Numbered(item) for item in items]
    workflow = fan_out(driver, steps, lanes=lanes, wave_size=wave_size, patience=timedelta(hours=1))
    return driver, driver.run(workflow)


def activity_inputs(driver: Any) -> Any:
    return [call.payload["n"] for lane in driver.lanes.values() for call in lane.calls]


def test_every_item_is_run_exactly_once():
    driver, totals = run_fan_out(succeed, range(23), lanes=3, wave_size=2)
    assert sorted(activity_inputs(driver)) == list(range(23))
    assert totals == Totals(counts={"completed": 23, "skipped": 23})


def test_pages_are_striped_over_lanes_with_ids_of_the_job():
    driver, _ = run_fan_out(succeed, range(6), lanes=2, wave_size=1)
    assert [call.payload["n"] for call in driver.lanes[lane_id("job", 0)].calls] == [0, 2, 4]
    assert [call.payload["n"] for call in driver.lanes["job:lane:1"].calls] == [1, 3, 5]


def test_lane_runs_no_more_than_one_page_at_a_time():
    driver, _ = run_fan_out(succeed, range(40), lanes=2, wave_size=4)
    assert {lane.most_at_once for lane in driver.lanes.values()} == {4}


def test_there_are_no_more_lanes_than_pages():
    driver, totals = run_fan_out(succeed, range(3), lanes=8, wave_size=2)
    assert len(driver.lanes) == 2
    assert totals.counts["completed"] == 3


def test_each_generation_of_a_lane_reports_its_totals_first_thing():
    driver, _ = run_fan_out(succeed, range(3), lanes=1, wave_size=1)
    completed = [status.get("completed", 0) for status in driver.lanes["job:lane:0"].statuses]
    assert completed == [0, 1, 1, 2, 2, 3]


def test_lane_stops_after_the_page_of_a_failure():
    def fail_on_second(_name: Any, payload: Any) -> Any:
        return (
            {"ok": False, "error": DENIED} if payload["n"] == 1 else {"ok": True, "counts": {"completed": 1}}
        )

    driver, totals = run_fan_out(fail_on_second, range(10), lanes=1, wave_size=2)
    assert activity_inputs(driver) == [0, 1]
    assert totals == Totals(counts={"completed": 1, "failed": 1}, error=Failure.from_json(DENIED))


def test_first_failure_is_the_one_that_is_kept():
    def fail(_name: Any, payload: Any) -> Any:
        return {"ok": False, "error": {"code": f"E{payload['n']}", "message": ""}}

    _, totals = run_fan_out(fail, range(2), lanes=1, wave_size=2)
    assert totals.counts["failed"] == 2
    assert totals.error == Failure("E0", "")


def test_ledgers_of_the_items_are_joined_up_to_a_limit():
    def note(_name: Any, payload: Any) -> Any:
        entries = [
            {"source": f"{payload['n']}-{n}", "code": "Broken", "message": ""}
            for n in range(LEDGER_LIMIT // 4)
        ]
        return {"ok": True, "counts": {"failed": len(entries)}, "ledger": entries}

    _, totals = run_fan_out(note, range(5), lanes=2, wave_size=1)
    assert totals.counts == {"failed": 5 * LEDGER_LIMIT // 4}
    assert len(totals.ledger) == LEDGER_LIMIT


def trouble(service: str = "embeddings", **more: Any) -> Any:
    answer = {"service": service, "until": None, "mostTries": None, **more}
    return {"ok": False, "error": AWAY, "counts": {"tokens": 70}, "trouble": answer}


class Recovering:
    """Activities of which each is in trouble for so many tries, and then succeeds."""

    def __init__(self, tries: int, answer: Any = None) -> None:
        self.left: dict[int, int] = {}
        self.tries = tries
        self.answer = answer or trouble()

    def __call__(self, _name: Any, payload: Any) -> Any:
        left = self.left.setdefault(payload["n"], self.tries if payload["n"] % 2 else 0)
        self.left[payload["n"]] = left - 1
        return self.answer if left > 0 else {"ok": True, "counts": {"completed": 1, "tokens": 100}}


def test_items_in_trouble_run_again_until_they_succeed_and_the_others_do_not():
    driver, totals = run_fan_out(Recovering(3), range(4), lanes=1, wave_size=4)
    assert activity_inputs(driver) == [0, 1, 2, 3, *(1, 3) * 3]
    assert totals == Totals(counts={"completed": 4, "tokens": 400 + 6 * 70})


def test_what_each_try_in_trouble_has_spent_counts_and_the_next_one_is_told():
    driver, totals = run_fan_out(Recovering(2), [1], lanes=1, wave_size=1)
    told = [call.payload.get("paid") for call in driver.lanes["job:lane:0"].calls]
    assert told == [None, {"tokens": 70}, {"tokens": 140}]
    assert totals == Totals(counts={"completed": 1, "tokens": 240})


def test_what_a_step_did_before_trouble_is_not_counted_since_it_is_done_again():
    answer = {**trouble(), "counts": {"tokens": 70, "chunks": 3, "failed": 1}}
    _, totals = run_fan_out(Recovering(2, answer), [1], lanes=1, wave_size=1)
    assert totals == Totals(counts={"completed": 1, "tokens": 240})


def test_item_that_lacks_tokens_runs_again_at_once_with_what_it_lacks():
    def answer(_name: Any, payload: Any) -> Any:
        lacks = {"lacks": 9} if payload.get("tokens") != 9 else {}
        return {"ok": True, "counts": {"tokens": 70}, **lacks}

    driver, totals = run_fan_out(answer, range(2), lanes=1, wave_size=2)
    last = [call.payload for call in driver.lanes["job:lane:0"].calls][2:]
    assert last == [{"jobId": "job", "n": n, "tokens": 9, "paid": {"tokens": 70}} for n in range(2)]
    assert (totals, driver.usage.now) == (Totals(counts={"tokens": 280}), NOVEMBER)


def test_lane_that_waits_shows_for_what_since_when_and_until_when():
    driver, _ = run_fan_out(Recovering(2), [1], lanes=1, wave_size=1)
    waits = [status for status in driver.lanes["job:lane:0"].statuses if "waiting" in status]
    assert [status["phase"] for status in waits] == ["waiting", "waiting"]
    assert [status["waiting"]["nextTry"][14:19] for status in waits] == ["00:05", "00:15"]
    assert {status["waiting"]["since"] for status in waits} == {NOVEMBER.isoformat()}
    assert waits[0]["waiting"]["service"] == "embeddings"


def test_pauses_grow_to_minutes_and_end_with_the_jobs_patience():
    driver, totals = run_fan_out(Recovering(1_000), [1], lanes=1, wave_size=1)
    assert len(activity_inputs(driver)) == 7 + 10  # five minutes of doubling pauses, then one in five minutes
    assert totals.error == Failure.from_json(AWAY)
    assert driver.usage.now - NOVEMBER <= timedelta(hours=1)


def test_time_that_a_service_names_is_waited_for():
    until = NOVEMBER + timedelta(seconds=61)
    answer = trouble(until=until.isoformat())
    driver, _ = run_fan_out(Recovering(1, answer), [1], lanes=1, wave_size=1)
    assert driver.usage.now == until


def test_time_far_away_is_not_believed():
    answer = trouble(until=(NOVEMBER + timedelta(days=1)).isoformat())
    driver, totals = run_fan_out(Recovering(1, answer), [1], lanes=1, wave_size=1)
    assert driver.usage.now == NOVEMBER + timedelta(minutes=5)
    assert totals.error is None


def test_fault_of_the_app_is_tried_three_times():
    driver, totals = run_fan_out(Recovering(1_000, trouble("app", mostTries=3)), [1], lanes=1, wave_size=1)
    assert activity_inputs(driver) == [1, 1, 1]
    assert totals.error == Failure.from_json(AWAY)


def test_failure_for_good_ends_a_lane_whose_other_items_are_in_trouble():
    def answer(_name: Any, payload: Any) -> Any:
        return trouble() if payload["n"] else {"ok": False, "error": DENIED, "counts": {}}

    driver, totals = run_fan_out(answer, range(3), lanes=1, wave_size=3)
    assert activity_inputs(driver) == [0, 1, 2]
    assert totals == Totals(counts={"tokens": 140}, error=Failure.from_json(DENIED))


def test_activity_that_the_host_ended_is_run_again_and_its_text_goes_nowhere():
    def explode_twice(_name: Any, payload: Any) -> Any:
        tries.append(payload["n"])
        if len(tries) < 3:
            raise RuntimeError("exited with code 137 AccountKey=secret")
        return {"ok": True, "counts": {"completed": 1}}

    tries: list[int] = []
    driver, totals = run_fan_out(explode_twice, [1], lanes=1, wave_size=1)
    assert totals == Totals(counts={"completed": 1})
    assert "secret" not in json.dumps(driver.lanes["job:lane:0"].statuses)


def test_what_the_others_of_a_page_have_done_is_counted_beside_an_exception():
    def explode_first(_name: Any, payload: Any) -> Any:
        if payload["n"] == 0:
            raise RuntimeError("boom")
        return {"ok": True, "counts": {"completed": 1, "tokens": 70}}

    _, totals = run_fan_out(explode_first, range(3), lanes=1, wave_size=3)
    assert totals == Totals(counts={"completed": 2, "tokens": 140}, error=INTERRUPTED.failure)


def test_failure_may_count_what_was_done_before_it():
    def stop(_name: Any, _payload: Any) -> Any:
        return {"ok": False, "error": DENIED, "counts": {"tokens": 70}}

    _, totals = run_fan_out(stop, range(1), lanes=1, wave_size=1)
    assert totals == Totals(counts={"tokens": 70}, error=Failure.from_json(DENIED))


def test_step_that_the_host_keeps_ending_is_a_failure_as_a_value_when_patience_is_over():
    def explode(_name: Any, _payload: Any) -> Any:
        raise RuntimeError("boom")

    driver = Driver(explode)
    work = run_step(driver, Numbered(0), ItemDone, progress=Progress(), patience=timedelta(hours=1))
    assert driver.run(work) == Failed(failure=INTERRUPTED.failure)
    assert timedelta(minutes=50) < driver.usage.now - NOVEMBER <= timedelta(hours=1)


def test_input_of_a_lane_is_made_of_json_values():
    driver, _ = run_fan_out(succeed, range(2), lanes=1, wave_size=1)
    payload = driver.calls[0].payload
    assert json.loads(json.dumps(payload)) == payload


def test_what_items_have_in_common_reaches_each_activity():
    driver, _ = run_fan_out(succeed, range(3), lanes=1, wave_size=1)
    assert [call.payload for call in driver.lanes["job:lane:0"].calls] == [
        {"jobId": "job", "n": n} for n in range(3)
    ]
