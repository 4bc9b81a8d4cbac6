"""Orchestrators that wait in every way there is, most of them taken from questions that people ask."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from tests.engine.app import App

RETRY = df.RetryOptions(60_000, 3)
"""Three attempts, a minute apart."""


class Waits(App):
    """The app of the fixtures; `gate` holds up what is called slow, `block` what blocks its thread."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.block = threading.Event()
        self._slow_ones = 0
        self._tries = 0
        for function in _ORCHESTRATORS:
            self.orchestrator(function)
        self.orchestrator(self._sleeper())
        self.activity(echo)
        self.activity(fails)
        self.activities["slow"] = self._slow
        self.activities["slow_once_it_works"] = self._slow_once_it_works
        self.entity(counter)
        self.entities["busy"] = df.Entity.create(self._busy)

    @property
    def is_slow(self) -> bool:
        """Whether something slow has begun."""
        return self._slow_ones > 0

    async def call_http(self, request: str) -> str:
        """A request that is not answered before the gate opens."""
        return str(await self._slow('{"content": ""}'))

    def release(self) -> None:
        """Lets everything that is held up go on."""
        self.gate.set()
        self.block.set()

    def _sleeper(self) -> Any:
        def sleeps(_context: Any) -> Any:
            self.block.wait(30)
            yield from ()

        return sleeps

    async def _slow(self, value: Any) -> Any:
        self._slow_ones += 1
        await self.gate.wait()
        return value

    async def _slow_once_it_works(self, value: Any) -> Any:
        if not self._tries:
            self._tries += 1
            return fails(value)
        return await self._slow(value)

    def _busy(self, context: Any) -> None:
        self.block.wait(30)
        context.set_result("done")


def echo(value: Any) -> Any:
    return value


def fails(_value: Any) -> Any:
    raise ValueError("no luck")


def counter(context: Any) -> None:
    total = context.get_state(lambda: 0) + 1
    context.set_state(total)
    context.set_result(total)


def in_an_hour(context: Any) -> Any:
    return context.create_timer(context.current_utc_datetime + timedelta(hours=1))


def timer(context: Any) -> Any:
    yield in_an_hour(context)


def ten_years(context: Any) -> Any:
    yield context.create_timer(context.current_utc_datetime + timedelta(days=3650))


def polls(context: Any) -> Any:
    for _ in range(3):
        yield context.call_activity("echo", "still busy")
        yield in_an_hour(context)


def approval(context: Any) -> Any:
    return (yield context.wait_for_external_event("approval"))


def approval_given(context: Any) -> Any:
    yield context.wait_for_external_event("approval_given")


def two_approvals(context: Any) -> Any:
    yield context.task_all([context.wait_for_external_event(name) for name in ("first", "second")])


def one_of_two(context: Any) -> Any:
    yield context.task_any([context.wait_for_external_event(name) for name in ("first", "second")])


def one_after_another(context: Any) -> Any:
    yield context.wait_for_external_event("step-1")
    yield context.wait_for_external_event("step-2")


def twice(context: Any) -> Any:
    yield context.wait_for_external_event("go")
    yield context.call_activity("echo", 1)
    yield context.wait_for_external_event("go")


def limited(context: Any) -> Any:
    late = in_an_hour(context)
    approved = context.wait_for_external_event("approval")
    winner = yield context.task_any([approved, late])
    if winner == approved:
        late.cancel()
    yield context.wait_for_external_event("payment")


def forgets_its_timer(context: Any) -> Any:
    yield context.task_any([context.wait_for_external_event("approval"), in_an_hour(context)])
    return "approved"


def raises_beside_its_timer(context: Any) -> Any:
    yield context.task_any([context.wait_for_external_event("approval"), in_an_hour(context)])
    raise LookupError("no such order")


def trips(_context: Any) -> Any:
    raise LookupError("no region is set")
    yield


def returns(_context: Any) -> Any:
    return "done"
    yield


def retries_slowly(context: Any) -> Any:
    yield context.call_activity_with_retry("slow_once_it_works", RETRY, 1)


def forgets_its_activity(context: Any) -> Any:
    yield context.task_any([context.call_activity("echo", 1), context.call_activity("slow", 2)])
    return "the first"


def forgets_its_child(context: Any) -> Any:
    yield context.task_any([context.call_activity("echo", 1), context.call_sub_orchestrator("timer")])
    return "the first"


def likes_names(context: Any) -> Any:
    yield context.wait_for_external_event("go")
    yield context.wait_for_external_event("Go")


def timer_and_more(context: Any) -> Any:
    yield in_an_hour(context)
    yield context.call_activity("echo", "new in this release")


def next_generation(context: Any) -> Any:
    generation = context.get_input() or 0
    if not generation:
        yield context.call_activity("echo", 1)
        context.continue_as_new(generation + 1)
        return
    yield context.wait_for_external_event("approval")


def works(context: Any) -> Any:
    yield context.call_activity("slow", 1)


def fans_out(context: Any) -> Any:
    quick = [context.call_activity("echo", number) for number in range(19)]
    yield context.task_all([*quick, context.call_activity("slow", 19)])


def retries(context: Any) -> Any:
    yield context.call_activity_with_retry("fails", RETRY, 1)


def retries_among_others(context: Any) -> Any:
    tasks = [context.call_activity("echo", 1), context.call_activity_with_retry("fails", RETRY, 1)]
    yield context.task_all(tasks)


def retries_a_child(context: Any) -> Any:
    yield context.call_sub_orchestrator_with_retry("gives_up", RETRY)


def gives_up(context: Any) -> Any:
    yield context.call_activity("fails", 1)


def asks_http(context: Any) -> Any:
    yield context.call_http("GET", "http://localhost/slow")


def asks_entity(context: Any) -> Any:
    yield context.call_entity(df.EntityId("busy", "a"), "add")


def counts(context: Any) -> Any:
    return (yield context.call_entity(df.EntityId("counter", "a"), "add"))


def calls_a_stranger(context: Any) -> Any:
    yield context.call_activity("charge_card", 1)


def starts_a_stranger(context: Any) -> Any:
    yield context.call_sub_orchestrator("settlement")


def asks_a_stranger(context: Any) -> Any:
    yield context.call_entity(df.EntityId("account", "a"), "add")


def yields_nothing(_context: Any) -> Any:
    yield None


def awaits_a_cancelled_timer(context: Any) -> Any:
    late = in_an_hour(context)
    late.cancel()
    yield late


def says_what_it_waits_for(context: Any) -> Any:
    waiting = {"service": "tables", "code": "Busy", "nextTry": "2026-01-01T00:05:00Z"}
    context.set_custom_status({"waiting": waiting})
    yield in_an_hour(context)


def held_at_its_budget(context: Any) -> Any:
    context.set_custom_status({"held": {"code": "BudgetReached", "message": "demo has spent its budget."}})
    yield in_an_hour(context)


def said_what_it_waited_for(context: Any) -> Any:
    context.set_custom_status({"waiting": {"service": "tables", "code": "Busy", "nextTry": None}})
    yield context.call_activity("slow", 1)


def speaks_otherwise(context: Any) -> Any:
    context.set_custom_status("waiting")
    yield in_an_hour(context)


def child_of(name: str) -> Any:
    """An orchestrator that waits for another."""

    def parent(context: Any) -> Any:
        return (yield context.call_sub_orchestrator(name, instance_id=f"{context.instance_id}-child"))

    parent.__name__ = f"parent_of_{name}"
    return parent


def beside(name: str) -> Any:
    """An orchestrator that waits for an event while another runs."""

    def both(context: Any) -> Any:
        child = context.call_sub_orchestrator(name, instance_id=f"{context.instance_id}-child")
        yield context.task_all([child, context.wait_for_external_event("approval")])

    both.__name__ = f"beside_{name}"
    return both


def approved_before(context: Any) -> Any:
    yield context.wait_for_external_event("approval")
    yield context.call_sub_orchestrator("approval", instance_id=f"{context.instance_id}-child")


_WAITING = [
    timer, ten_years, polls, approval, approval_given, two_approvals, one_of_two, one_after_another, twice,
    limited, forgets_its_timer, forgets_its_activity, forgets_its_child, next_generation, works, fans_out,
    retries, retries_among_others, retries_a_child, gives_up, asks_http, asks_entity, counts,
    calls_a_stranger, starts_a_stranger, asks_a_stranger, yields_nothing, awaits_a_cancelled_timer,
    held_at_its_budget, timer_and_more, likes_names, says_what_it_waits_for, said_what_it_waited_for,
    speaks_otherwise, approved_before, raises_beside_its_timer, trips, returns, retries_slowly,
]  # fmt: skip
_PARENTS = [child_of(function.__name__) for function in _WAITING]
_ORCHESTRATORS = [
    *_WAITING, *_PARENTS, child_of("parent_of_approval"),
    beside("approval"), beside("timer"), beside("works"),
]  # fmt: skip
