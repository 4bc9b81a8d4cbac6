"""What an environment has used in one month: the usage entity's state, and what it answers.

Pure: no I/O and no clock. Everything is a whole number, so that sums are exact; how a reading counts once is
told in workflows.metering, which sends them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shared_code.errors import AppError, BudgetReached, SettingsError
from shared_code.jobs import COST_UNIT, Budget
from shared_code.settings import Settings
from shared_code.usage.metering import ASK, HELD, LEFT, READ

_FIGURES = ("tokens", "requests", "cost")


class UnknownOperation(AppError):
    """The usage entity was asked for what it does not do."""


@dataclass(frozen=True, kw_only=True)
class MonthUsage:
    """The state of one entity: small, however many jobs and pages there were.

    Attributes:
        tokens: embedded.
        requests: for embeddings.
        cost: what they cost, in parts of which the currency has COST_UNIT.
        opened: how many meters there were; each has its number from here.
        meters: the last readings of those that run, by their numbers as text: tokens, requests, cost.
    """

    tokens: int = 0
    requests: int = 0
    cost: int = 0
    opened: int = 0
    meters: Mapping[str, list[int]] = field(default_factory=dict)

    @property
    def amount(self) -> float:
        """The cost in the currency."""
        return self.cost / COST_UNIT

    def left(self, budget: Budget) -> float:
        """How much of a budget may still be spent."""
        return max(0, budget.limit - self.cost) / COST_UNIT

    def with_meter(self) -> "MonthUsage":
        """One more meter runs, with the number `opened`."""
        number = self.opened + 1
        return replace(self, opened=number, meters={**self.meters, str(number): [0, 0, 0]})

    def with_reading(self, reading: Mapping[str, Any]) -> "MonthUsage":
        """What a reading adds to the one before it: nothing if it is older, or of a meter that is over."""
        number = str(reading["meter"])
        before = self.meters.get(number)
        if before is None:
            return self
        now = [max(old, reading[figure]) for old, figure in zip(before, _FIGURES, strict=True)]
        others = {other: figures for other, figures in self.meters.items() if other != number}
        return replace(
            self,
            tokens=self.tokens + now[0] - before[0],
            requests=self.requests + now[1] - before[1],
            cost=self.cost + now[2] - before[2],
            meters=others if reading["ended"] else {**others, number: now},
        )

    def require_budget(self, env: str, month: str, budget: Budget | None) -> None:
        """Checks that something may still be spent.

        Raises:
            BudgetReached: all of the budget is spent.
        """
        if budget and self.cost >= budget.limit:
            raise BudgetReached(
                env, spent=self.amount, budget=budget.amount, renews_at=beginning_of_next(month)
            )

    def to_json(self) -> dict[str, Any]:
        """The state as the entity keeps it."""
        return dict(vars(self))


def answer(
    usage: MonthUsage, key: str, operation: str, payload: dict[str, Any], config: Settings
) -> tuple[MonthUsage, Any]:
    """One operation of the entity with this key: its new state, and what the caller gets.

    Raises:
        UnknownOperation: it is none of the entity's.
    """
    env, month = key.split(":")
    if operation == READ:
        return usage.with_reading(payload), None
    if operation == LEFT:
        return usage, _left(usage, env, config)
    if operation != ASK:
        raise UnknownOperation
    reason = _reason_to_hold(usage, env, month, config) if payload["limited"] else None
    if not reason and payload["meter"] is None:
        usage = usage.with_meter()
        return usage, {"meter": usage.opened, HELD: None}
    return usage, {"meter": payload["meter"], HELD: reason}


def beginning_of_next(month: str) -> datetime:
    """When the month after this one begins."""
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _left(usage: MonthUsage, env: str, config: Settings) -> float | None:
    """A malformed budget is told where it matters: when jobs are submitted, and when they are held."""
    try:
        budget = config.budgets.get(env)
    except SettingsError:
        return None
    return usage.left(budget) if budget else None


def _reason_to_hold(usage: MonthUsage, env: str, month: str, config: Settings) -> dict[str, str] | None:
    """Why the jobs of an environment have to wait; a malformed budget is a reason too, until it is mended."""
    try:
        usage.require_budget(env, month, config.budgets.get(env))
    except AppError as error:
        return {"code": error.code, "message": str(error)}
    return None
