import json
from typing import Any

from shared_code.workflows.fan_out import LEDGER_LIMIT, STEP_FAILED, Totals, fan_out, lane_id, run_step
from tests.unit.workflow_driver import Driver

COMMON = {"jobId": "job"}
DENIED = {"code": "AccessDenied", "message": "Storage refused access."}


def succeed(_name: Any, _payload: Any) -> Any:
    return {"ok": True, "counts": {"completed": 1, "skipped": 1}}


def run_fan_out(answer: Any, items: Any, *, lanes: Any, page_size: Any) -> Any:
    driver = Driver(answer)
    numbered = [{"n": item} for item in items]
    workflow = fan_out(driver, "activity", numbered, common=COMMON, lanes=lanes, page_size=page_size)
    return driver, driver.run(workflow)


def activity_inputs(driver: Any) -> Any:
    return [call.payload["n"] for lane in driver.lanes.values() for call in lane.calls]


def test_every_item_is_run_exactly_once():
    driver, totals = run_fan_out(succeed, range(23), lanes=3, page_size=2)
    assert sorted(activity_inputs(driver)) == list(range(23))
    assert totals == Totals(counts={"completed": 23, "skipped": 23})


def test_pages_are_striped_over_lanes_with_ids_of_the_job():
    driver, _ = run_fan_out(succeed, range(6), lanes=2, page_size=1)
    assert [call.payload["n"] for call in driver.lanes[lane_id("job", 0)].calls] == [0, 2, 4]
    assert [call.payload["n"] for call in driver.lanes["job:lane:1"].calls] == [1, 3, 5]


def test_lane_runs_no_more_than_one_page_at_a_time():
    driver, _ = run_fan_out(succeed, range(40), lanes=2, page_size=4)
    assert {lane.most_at_once for lane in driver.lanes.values()} == {4}


def test_there_are_no_more_lanes_than_pages():
    driver, totals = run_fan_out(succeed, range(3), lanes=8, page_size=2)
    assert len(driver.lanes) == 2
    assert totals.counts["completed"] == 3


def test_each_generation_of_a_lane_reports_its_totals_first_thing():
    driver, _ = run_fan_out(succeed, range(3), lanes=1, page_size=1)
    completed = [status.get("completed", 0) for status in driver.lanes["job:lane:0"].statuses]
    assert completed == [0, 1, 1, 2, 2, 3]


def test_lane_stops_after_the_page_of_a_failure():
    def fail_on_second(_name: Any, payload: Any) -> Any:
        return (
            {"ok": False, "error": DENIED} if payload["n"] == 1 else {"ok": True, "counts": {"completed": 1}}
        )

    driver, totals = run_fan_out(fail_on_second, range(10), lanes=1, page_size=2)
    assert activity_inputs(driver) == [0, 1]
    assert totals == Totals(counts={"completed": 1, "failed": 1}, error=DENIED)


def test_first_failure_is_the_one_that_is_kept():
    def fail(_name: Any, payload: Any) -> Any:
        return {"ok": False, "error": {"code": f"E{payload['n']}", "message": ""}}

    _, totals = run_fan_out(fail, range(2), lanes=1, page_size=2)
    assert totals.counts["failed"] == 2
    assert totals.error == {"code": "E0", "message": ""}


def test_ledgers_of_the_items_are_joined_up_to_a_limit():
    def note(_name: Any, payload: Any) -> Any:
        entries = [{"source": f"{payload['n']}-{n}", "code": "Broken"} for n in range(LEDGER_LIMIT // 4)]
        return {"ok": True, "counts": {"failed": len(entries)}, "ledger": entries}

    _, totals = run_fan_out(note, range(5), lanes=2, page_size=1)
    assert totals.counts == {"failed": 5 * LEDGER_LIMIT // 4}
    assert len(totals.ledger) == LEDGER_LIMIT


def test_exception_of_an_activity_becomes_a_failure_without_its_text():
    def explode(_name: Any, _payload: Any) -> Any:
        raise RuntimeError("AccountKey=secret")

    _, totals = run_fan_out(explode, range(2), lanes=1, page_size=2)
    assert totals == Totals(counts={"failed": 2}, error=STEP_FAILED)
    assert "secret" not in json.dumps(totals.error)


def test_what_the_others_of_a_page_have_done_is_counted_beside_an_exception():
    def explode_once(_name: Any, payload: Any) -> Any:
        if payload["n"] == 0:
            raise RuntimeError("boom")
        return {"ok": True, "counts": {"completed": 1, "tokens": 70}}

    _, totals = run_fan_out(explode_once, range(3), lanes=1, page_size=3)
    assert totals == Totals(counts={"failed": 1, "completed": 2, "tokens": 140}, error=STEP_FAILED)


def test_failure_may_count_what_was_done_before_it():
    def stop(_name: Any, _payload: Any) -> Any:
        return {"ok": False, "error": DENIED, "counts": {"failed": 1, "tokens": 70}}

    _, totals = run_fan_out(stop, range(1), lanes=1, page_size=1)
    assert totals == Totals(counts={"failed": 2, "tokens": 70}, error=DENIED)


def test_step_that_keeps_raising_is_a_failure_as_a_value():
    def explode(_name: Any, _payload: Any) -> Any:
        raise RuntimeError("boom")

    driver = Driver(explode)
    assert driver.run(run_step(driver, "activity", {})) == {"ok": False, "error": STEP_FAILED}


def test_input_of_a_lane_is_made_of_json_values():
    driver, _ = run_fan_out(succeed, range(2), lanes=1, page_size=1)
    payload = driver.calls[0].payload
    assert json.loads(json.dumps(payload)) == payload


def test_what_items_have_in_common_reaches_each_activity():
    driver, _ = run_fan_out(succeed, range(3), lanes=1, page_size=1)
    assert [call.payload for call in driver.lanes["job:lane:0"].calls] == [
        {"jobId": "job", "n": n} for n in range(3)
    ]
