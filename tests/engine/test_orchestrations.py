"""What an orchestration may rely on: order, results, failures, retries, time and events."""

import asyncio
import json
from datetime import timedelta

import azure.durable_functions as df
import pytest

from tests.engine.app import App, Hub, output

FIRST_HISTORY = [12, 0]


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    @app.activity
    def boom(value):
        raise ValueError(f"boom {value}")


async def test_activities_of_a_chain_run_one_after_another(app: App, hub: Hub):
    @app.orchestrator
    def chain(context):
        first = yield context.call_activity("echo", "a")
        second = yield context.call_activity("echo", {"after": first})
        return [first, second]

    assert output(await hub.run("chain")) == ["a", {"after": "a"}]


async def test_task_all_returns_results_in_the_order_of_its_tasks(app: App, hub: Hub):
    @app.orchestrator
    def fan_out(context):
        results = yield context.task_all([context.call_activity("echo", n) for n in range(20)])
        return results

    assert output(await hub.run("fan_out")) == list(range(20))


async def test_task_any_goes_on_with_the_first_task_that_ends(app: App, hub: Hub):
    @app.orchestrator
    def race(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=2))
        quick = context.call_activity("echo", "quick")
        winner = yield context.task_any([timer, quick])
        timer.cancel()
        return "activity" if winner is quick else "timer"

    assert output(await hub.run("race")) == "activity"


async def test_completion_waits_for_tasks_that_are_still_open(app: App, hub: Hub):
    """The code returns at once; the instance ends when its uncancelled timer has fired."""

    @app.orchestrator
    def impatient(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([timer, context.call_activity("echo", 1)])
        return "done"

    instance_id = await hub.begin("impatient")
    await hub.settle()
    assert (await hub.state_of(instance_id)).status == "Running"
    await hub.run_until_idle()
    assert output(await hub.state_of(instance_id)) == "done"


async def test_timer_of_days_fires_at_its_time(app: App, hub: Hub):
    @app.orchestrator
    def sleeper(context):
        start = context.current_utc_datetime
        yield context.create_timer(start + timedelta(days=5))
        return (context.current_utc_datetime - start).total_seconds()

    assert output(await hub.run("sleeper")) == timedelta(days=5).total_seconds()


async def test_timer_longer_than_six_days_fires_in_legs(app: App, hub: Hub):
    @app.orchestrator
    def sleeper(context):
        start = context.current_utc_datetime
        yield context.create_timer(start + timedelta(days=10))
        return (context.current_utc_datetime - start).days

    assert output(await hub.run("sleeper")) == 10


async def test_failed_activity_raises_in_the_orchestrator(app: App, hub: Hub):
    @app.orchestrator
    def careful(context):
        try:
            yield context.call_activity("boom", "x")
        except Exception as error:  # noqa: BLE001 - the SDK raises nothing more precise
            return str(error).splitlines()[0]

    assert output(await hub.run("careful")) == "Activity function 'boom' failed:  ValueError: boom x "


async def test_uncaught_failure_ends_the_instance_as_failed(app: App, hub: Hub):
    @app.orchestrator
    def careless(context):
        context.set_custom_status({"step": "before"})
        yield context.call_activity("echo", 1)
        raise RuntimeError("no way out")

    instance = await hub.run("careless")
    assert instance.status == "Failed"
    assert instance.output == "Orchestrator function 'careless' failed: no way out"
    assert instance.custom_status == '{"step":"before"}'


async def test_failed_task_all_waits_for_every_child_before_the_next_step(app: App, hub: Hub):
    """The code goes on at the first failure; the engine starts the next step when all children have ended."""
    order: list[str] = []

    @app.activity
    def note(name):
        order.append(name)

    @app.orchestrator
    def fan_out(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=4))
        try:
            yield context.task_all([context.call_activity("boom", 1), timer])
        except Exception:  # noqa: BLE001 - the SDK raises nothing more precise
            yield context.call_activity("note", "next")
        return order

    instance_id = await hub.begin("fan_out")
    await hub.settle()
    assert order == []
    await hub.run_until_idle()
    assert output(await hub.state_of(instance_id)) == ["next"]


async def test_retry_tries_again_until_the_activity_succeeds(app: App, hub: Hub):
    attempts: list[int] = []

    @app.activity
    def flaky(value):
        attempts.append(value)
        if len(attempts) < 3:
            raise ConnectionError("not yet")
        return len(attempts)

    @app.orchestrator
    def patient(context):
        start = context.current_utc_datetime
        result = yield context.call_activity_with_retry("flaky", df.RetryOptions(60_000, 5), 1)
        return [result, (context.current_utc_datetime - start).total_seconds()]

    assert output(await hub.run("patient")) == [3, 120.0]


async def test_retry_gives_up_after_the_last_attempt_and_one_more_timer(app: App, hub: Hub):
    @app.orchestrator
    def stubborn(context):
        yield context.call_activity_with_retry("boom", df.RetryOptions(5000, 2), 1)

    instance = await hub.run("stubborn")
    created = [event["EventType"] for event in await hub.get_history(instance.instance_id)]
    assert instance.status == "Failed"
    assert [kind for kind in created if kind in (4, 10)] == [4, 10, 4, 10]


async def test_retries_inside_a_fan_out_keep_their_results_apart(app: App, hub: Hub):
    seen: dict[int, int] = {}

    @app.activity
    def flaky(n):
        seen[n] = seen.get(n, 0) + 1
        if seen[n] <= n:
            raise TimeoutError(str(n))
        return n * 10

    @app.orchestrator
    def fan_out(context):
        options = df.RetryOptions(2000, 6)
        tasks = [context.call_activity_with_retry("flaky", options, n) for n in range(4)]
        results = yield context.task_all(tasks)
        last = yield context.call_activity("echo", "last")
        return [*results, last]

    assert output(await hub.run("fan_out")) == [0, 10, 20, 30, "last"]


async def test_event_raised_before_the_wait_is_not_lost(app: App, hub: Hub):
    @app.orchestrator
    def listener(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        value = yield context.wait_for_external_event("go")
        return value

    instance_id = await hub.begin("listener")
    await hub.raise_event(instance_id, "go", '{"early":true}')
    await hub.run_until_idle()
    assert output(await hub.state_of(instance_id)) == {"early": True}


async def test_orchestration_waits_for_its_event_for_ever(app: App, hub: Hub):
    @app.orchestrator
    def listener(context):
        value = yield context.wait_for_external_event("go")
        return value

    instance = await hub.run("listener")
    assert instance.status == "Running"
    await hub.raise_event(instance.instance_id, "go", "5")
    await hub.run_until_idle()
    assert output(await hub.state_of(instance.instance_id)) == 5


async def test_continue_as_new_begins_again_with_an_empty_history(app: App, hub: Hub):
    @app.orchestrator
    def counter(context):
        count = context.get_input() or 0
        yield context.call_activity("echo", count)
        if count < 50:
            context.continue_as_new(count + 1)
            return None
        return count

    instance = await hub.run("counter", 0)
    assert output(instance) == 50
    assert await hub.get_input(instance.instance_id) == '"50"'
    assert len(await hub.get_history(instance.instance_id)) < 10


async def test_first_episode_of_a_new_generation_is_unplayed(app: App, hub: Hub):
    @app.orchestrator
    def twice(context):
        if context.get_input() == 2:
            return "end"
        context.continue_as_new(2)
        yield context.call_activity("echo", 1)

    await hub.run("twice", 1)
    last = app.contexts[-1]
    assert [event["EventType"] for event in last["history"]] == [12, 0, 13]
    assert not any(event["IsPlayed"] for event in last["history"])
    assert last["isReplaying"] is False


async def test_event_that_comes_while_the_code_runs_follows_the_start_of_the_next_generation(
    app: App, hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    run = app.run_orchestrator

    @app.orchestrator
    def twice(context):
        if context.get_input() == 2:
            return (yield context.wait_for_external_event("go"))
        context.continue_as_new(2)

    async def run_meanwhile(name: str, instance_id: str, context: str) -> str:
        if not app.contexts:
            await hub.raise_event(instance_id, "go", '"late"')
        return await run(name, instance_id, context)

    monkeypatch.setattr(app, "run_orchestrator", run_meanwhile)
    assert output(await hub.run("twice", 1)) == "late"
    assert [event["EventType"] for event in app.contexts[1]["history"]] == [12, 0, 15, 13]


async def test_event_that_comes_with_continue_as_new_reaches_the_next_generation(app: App, state: str):
    @app.orchestrator
    def listener(context):
        heard = context.get_input() or []
        heard.append((yield context.wait_for_external_event(f"go{len(heard)}")))
        if len(heard) == 2:
            return heard
        context.continue_as_new(heard)

    hub = Hub(app, state)
    instance_id = await hub.begin("listener")
    await hub.raise_event(instance_id, "go1", '"dropped"')
    await hub.raise_event(instance_id, "go0", '"one"')
    await hub.raise_event(instance_id, "go1", '"two"')
    async with hub:  # and so all events arrive in one episode
        await hub.run_until_idle()
        assert output(await hub.state_of(instance_id)) == ["one", "two"]
        assert [event["EventType"] for event in app.contexts[-1]["history"]] == [12, 0, 15, 13]


async def test_input_reaches_the_code_as_it_was_sent(app: App, hub: Hub):
    @app.orchestrator
    def mirror(context):
        return context.get_input()

    value = {"text": "Grüße, 世界", "list": [1, 2.5, None, True]}
    assert output(await hub.run("mirror", value)) == value


async def test_results_are_written_as_dot_net_writes_json(app: App, hub: Hub):
    @app.orchestrator
    def mirror(context):
        return (yield context.call_activity("echo", context.get_input()))

    instance = await hub.run("mirror", {"text": 'é 1e+5 \\"2e+5', "numbers": [1e300, 1.5e-07, 0.1]})
    written = '{"text":"é 1e+5 \\\\\\"2e+5","numbers":[1E+300,1.5E-07,0.1]}'
    (done,) = [event for event in await hub.get_history(instance.instance_id) if event["EventType"] == 5]
    assert done["Result"] == written
    assert instance.output == written


async def test_unknown_orchestrator_fails_and_names_the_known_ones(app: App, hub: Hub):
    @app.orchestrator
    def known(context):
        return 1

    instance = await hub.run("unknown")
    assert instance.status == "Failed"
    assert "The function 'unknown' doesn't exist" in (instance.output or "")
    assert "'known'" in (instance.output or "")


async def test_unknown_activity_fails_instead_of_waiting_for_ever(app: App, hub: Hub):
    @app.orchestrator
    def misspelt(context):
        yield context.call_activity("ecko", 1)

    instance = await hub.run("misspelt")
    assert instance.status == "Failed"
    assert "activity function 'ecko' does not exist; the known ones are: 'boom', 'echo'" in (
        instance.output or ""
    )


async def test_activity_names_match_whatever_their_case(app: App, hub: Hub):
    @app.orchestrator
    def shouting(context):
        result = yield context.call_activity("ECHO", 1)
        return result

    assert output(await hub.run("shouting")) == 1


async def test_changed_code_is_told_apart_from_its_history(app: App, hub: Hub):
    """The activity that history holds is not the one that the code asks for any more."""
    asked = ["echo", "boom"]

    @app.orchestrator
    def fickle(context):
        yield context.call_activity(asked.pop(0), 1)

    instance = await hub.run("fickle")
    assert instance.status == "Failed"
    assert (instance.output or "").startswith(
        "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled an "
        "activity task with sequence number 0 named 'echo', but the current orchestration replay instead "
        "scheduled an activity task named 'boom' with this sequence number."
    )


async def test_custom_status_shows_what_the_last_episode_set(app: App, hub: Hub):
    @app.orchestrator
    def reporter(context):
        context.set_custom_status({"phase": "listening"})
        yield context.wait_for_external_event("go")
        context.set_custom_status(None)
        return 1

    instance = await hub.run("reporter")
    assert json.loads(instance.custom_status or "null") == {"phase": "listening"}
    await hub.raise_event(instance.instance_id, "go", "1")
    await hub.run_until_idle()
    assert (await hub.state_of(instance.instance_id)).custom_status is None


async def test_custom_status_over_sixteen_kilobytes_fails_the_instance_and_clears_it(app: App, hub: Hub):
    @app.orchestrator
    def chatty(context):
        context.set_custom_status("short")
        yield context.call_activity("echo", 1)
        context.set_custom_status("x" * 9000)
        yield context.call_activity("echo", 1)

    instance = await hub.run("chatty")
    assert "must not exceed 16 KB. The current payload size is 17 KB." in (instance.output or "")
    assert instance.custom_status is None


async def test_custom_status_of_the_last_episode_stays_with_a_terminated_instance(app: App, state: str):
    @app.orchestrator
    def reporter(context):
        context.set_custom_status("waiting")
        yield context.wait_for_external_event("go")

    hub = Hub(app, state)
    instance_id = await hub.begin("reporter")
    await hub.terminate(instance_id, "enough")
    async with hub:  # and so start and termination arrive in one episode
        await hub.settle()
        assert (await hub.state_of(instance_id)).custom_status == '"waiting"'


async def test_first_episode_sees_the_start_alone(app: App, hub: Hub):
    @app.orchestrator
    def plain(context):
        return 1
        yield

    await hub.run("plain")
    assert [event["EventType"] for event in app.contexts[0]["history"]] == FIRST_HISTORY


async def test_answer_that_is_no_protocol_fails_the_instance(app: App, hub: Hub):
    app.orchestrators["raw"] = lambda _context: "not json"
    instance = await hub.run("raw")
    assert instance.status == "Failed"
    assert "Does its main come from df.Orchestrator.create?" in (instance.output or "")


async def test_fan_out_is_replayed_when_its_last_task_is_done(app: App, hub: Hub):
    """The cost of a fan-out grows with its tasks, not with their square."""

    @app.orchestrator
    def fan_out(context):
        results = yield context.task_all([context.call_activity("echo", n) for n in range(100)])
        return sum(results)

    assert output(await hub.run("fan_out")) == sum(range(100))
    assert len(app.contexts) == 2


async def test_fan_out_goes_on_as_soon_as_one_task_fails(app: App, hub: Hub):
    release = asyncio.Event()

    @app.activity
    async def slow(value):
        await release.wait()

    @app.orchestrator
    def fan_out(context):
        try:
            yield context.task_all([context.call_activity("slow", 1), context.call_activity("boom", 1)])
        except Exception:  # noqa: BLE001 - the SDK raises nothing more precise
            context.set_custom_status("one has failed")
            yield context.wait_for_external_event("never")

    instance_id = await hub.begin("fan_out")
    async with asyncio.timeout(30):
        while (await hub.state_of(instance_id)).custom_status is None:
            await asyncio.sleep(0.001)
    release.set()
    await hub.settle()


async def test_call_http_returns_the_answer_as_a_value(app: App, hub: Hub):
    app.http = lambda request: {"statusCode": 200, "headers": {}, "content": request["method"]}

    @app.orchestrator
    def caller(context):
        answer = yield context.call_http("GET", "http://127.0.0.1:9/")
        return answer

    assert output(await hub.run("caller")) == {"statusCode": 200, "headers": {}, "content": "GET"}


async def test_call_http_without_an_answer_raises_the_bare_reason(app: App, hub: Hub):
    def refuse(request):
        raise ConnectionRefusedError("Connection refused (127.0.0.1:9)")

    app.http = refuse

    @app.orchestrator
    def caller(context):
        try:
            yield context.call_http("GET", "http://127.0.0.1:9/")
        except Exception as error:  # noqa: BLE001 - the SDK raises nothing more precise
            return str(error)

    reason, details = output(await hub.run("caller")).splitlines()
    assert reason == "Connection refused (127.0.0.1:9) "
    assert details.startswith(' {"$type":"System.Net.Http.HttpRequestException, System.Net.Http",')


@pytest.mark.parametrize("state", ["file"], indirect=True)  # it takes seconds, and memory is no narrower
async def test_values_of_five_megabytes_pass_whole(app: App, hub: Hub):
    @app.orchestrator
    def mirror(context):
        result = yield context.call_activity("echo", context.get_input())
        return result

    value = "ä" * 2_500_000  # of two bytes each
    assert output(await hub.run("mirror", value)) == value
