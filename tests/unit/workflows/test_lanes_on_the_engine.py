"""Lanes with a meter on the development host: retries, entity and timers together, in virtual time."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import azure.durable_functions as df
import pytest

from shared_code.jobs import Account, Budget
from shared_code.jobs.steps import ItemDone
from shared_code.settings import Settings
from shared_code.usage.metering import USAGE_ENTITY
from shared_code.usage.month import MonthUsage, answer
from shared_code.workflows.attempts import attempt
from shared_code.workflows.fan_out import LANE_ORCHESTRATOR, fan_out, lane
from tests.engine.app import App, Hub, output

FREE = Account(env="prod", price=20_000, budget=None)
DAILY = Budget(amount=1, recheck_seconds=86_400)


class WorkerProcessExitException(Exception):
    """What the host says when a worker has gone."""


BROKEN = {"code": "Broken", "message": "It broke."}


@dataclass(frozen=True)
class Embed:
    """A step that fails for good where its number is among the broken ones."""

    OWN: ClassVar[tuple[str, ...]] = ("n",)
    activity: ClassVar[str] = "embed"

    n: int
    broken: list[int]
    job_id: str = "job"

    def to_json(self) -> Any:
        return {"n": self.n, "broken": self.broken}


@pytest.fixture
def environment() -> dict[str, str]:
    return {}


@pytest.fixture
def app(environment: dict[str, str]) -> App:
    app = App()
    app.orchestrators[LANE_ORCHESTRATOR] = df.Orchestrator.create(lane)

    def usage_entity(context: df.DurableEntityContext) -> None:
        usage = MonthUsage(**context.get_state(dict))
        operation, payload = context.operation_name, context.get_input()
        usage, result = answer(usage, context.entity_key, operation, payload, Settings(environment))
        context.set_state(usage.to_json())
        context.set_result(result)

    app.entities[USAGE_ENTITY] = df.Entity.create(usage_entity)

    @app.activity
    def embed(payload: dict[str, Any]) -> dict[str, Any]:
        if payload["n"] in payload["broken"]:
            return {"ok": False, "error": BROKEN, "counts": {"failed": 1}}
        return {"ok": True, "counts": {"completed": 1, "tokens": 100, "requests": 1}}

    app.activities["check-job-activity"] = lambda payload: {"ok": True}
    return app


@pytest.fixture
async def hub(app: App) -> AsyncIterator[Hub]:
    async with Hub(app, ":memory:") as hub:
        yield hub


def job(app: App, account: Account, *, items: int, broken: list[int], lanes: int = 2) -> None:
    """Defines the orchestration `job`: a fan-out, and one step more after it."""

    @app.orchestrator
    def job(context: Any) -> Any:
        steps = [Embed(n, broken) for n in range(items)]
        totals = yield from fan_out(
            context, steps, lanes=lanes, wave_size=3, patience=timedelta(1), account=account
        )
        after = yield from attempt(context, Embed(0, []), ItemDone)
        return [totals.counts, totals.error and totals.error.to_json(), isinstance(after, ItemDone)]


async def usage_of(hub: Hub, month: str) -> MonthUsage:
    entity = await hub.get_entity(USAGE_ENTITY, f"prod:{month}")
    assert entity is not None
    return MonthUsage(**json.loads(entity.state or "{}"))


async def test_lanes_report_every_page_and_leave_no_meter(app: App, hub: Hub):
    job(app, FREE, items=20, broken=[])
    counts, error, after = output(await hub.run("job"))
    assert (counts, error, after) == ({"completed": 20, "tokens": 2_000, "requests": 20}, None, True)
    assert await usage_of(hub, "2026-01") == MonthUsage(
        tokens=2_000, requests=20, cost=2_000 * 20_000, opened=2
    )


@pytest.mark.parametrize("broken", [[0], [1], [2], [0, 2], [0, 1, 2], [4, 17]])
async def test_page_that_fails_for_good_counts_what_its_others_have_done(app: App, hub: Hub, broken):
    job(app, FREE, items=3, broken=broken, lanes=1)
    counts, error, after = output(await hub.run("job"))
    failed = len([n for n in broken if n < 3])
    assert counts.get("failed", 0) == failed
    assert (error, after) == (BROKEN if failed else None, True)
    assert (await usage_of(hub, "2026-01")).tokens == counts.get("tokens", 0) == 100 * (3 - failed)
    assert (await usage_of(hub, "2026-01")).meters == {}


async def test_job_at_its_budget_waits_for_the_next_month(app: App, hub: Hub, environment: dict[str, str]):
    environment["MONTHLY_BUDGETS"] = "prod=0.000005"
    job(app, Account(env="prod", price=20_000, budget=DAILY), items=9, broken=[], lanes=1)
    instance = await hub.begin("job")
    await hub.run_until_idle(limit=timedelta(days=30))
    waiting = await hub.state_of(f"{instance}:lane:0")
    assert '"phase":"held"' in (waiting.custom_status or "").replace(" ", "")

    await hub.run_until_idle(limit=timedelta(days=32))
    counts, _, _ = output(await hub.state_of(instance))
    months = [await usage_of(hub, f"2026-0{n}") for n in (1, 2, 3)]
    assert counts["completed"] == 9
    assert [(usage.tokens, usage.meters) for usage in months] == [(300, {})] * 3
    assert hub.clock.now() == datetime(2026, 3, 1, tzinfo=UTC)


async def test_worker_that_dies_ten_times_in_every_activity_fails_no_item(app: App, hub: Hub):
    deaths: Counter[int] = Counter()
    done = app.activities["embed"]

    @app.activity
    def embed(payload: dict[str, Any]) -> Any:
        deaths[payload["n"]] += 1
        if deaths[payload["n"]] <= 10:
            raise WorkerProcessExitException("python exited with code 137 (0x89)")
        return done(payload)

    job(app, FREE, items=6, broken=[])
    counts, error, after = output(await hub.run("job"))

    assert (counts, error, after) == ({"completed": 6, "tokens": 600, "requests": 6}, None, True)
    assert set(deaths.values()) == {11, 12}  # the step after the lanes is another call of one
