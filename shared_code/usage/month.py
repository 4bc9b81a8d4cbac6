"""What an environment has used in one month: the usage entity's state, and what it answers.

Pure: no I/O and no clock. Everything is a whole number, so that sums are exact. How a reading counts once is
explained in usage.metering, which sends them.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from shared_code.errors import AppError, BudgetReached, SettingsError
from shared_code.jobs import COST_UNIT, SPENDING, Budget
from shared_code.settings import Settings
from shared_code.usage.metering import ADD, ASK, HELD, LEFT, READ

# A lane that has not reported for so long has died: its step may be tried three times, each of ten minutes.
_RESERVED_SECONDS = 1_900


class UnknownOperation(AppError):
    """The usage entity was asked for what it does not do."""


@dataclass(frozen=True)
class _Running:
    """A meter that runs: its last reading, and what its next wave may cost. Kept as a list, in this order.

    Attributes:
        tokens: so far.
        requests: so far.
        cost: of the tokens, in parts.
        estimated: of the tokens, those whose answer was lost.
        reserved: what may be spent until the next reading, in parts.
        until: when the reservation ends by itself, in seconds of Unix time.
        turn: the page that it is for.
    """

    tokens: int = 0
    requests: int = 0
    cost: int = 0
    estimated: int = 0
    reserved: int = 0
    until: int = 0
    turn: int = 0

    def after(self, reading: Mapping[str, Any]) -> Self:
        """The meter after a reading, which may come late or twice."""
        is_of_this_turn = reading.get("turn", 0) >= self.turn
        return replace(
            self,
            tokens=max(self.tokens, reading["tokens"]),
            requests=max(self.requests, reading["requests"]),
            cost=max(self.cost, reading["cost"]),
            estimated=max(self.estimated, reading.get("estimated", 0)),
            reserved=0 if is_of_this_turn else self.reserved,
        )


@dataclass(frozen=True, kw_only=True)
class MonthUsage:
    """The state of one entity: small, however many jobs and pages there were.

    Attributes:
        tokens: embedded.
        requests: for embeddings.
        cost: what they cost, in parts of which the currency has COST_UNIT.
        estimated: of the tokens, those that may have been charged by requests whose answer was lost.
        opened: how many meters there were; each has its number from here.
        meters: those that run, by their numbers as text.
    """

    tokens: int = 0
    requests: int = 0
    cost: int = 0
    estimated: int = 0
    opened: int = 0
    meters: Mapping[str, list[int]] = field(default_factory=dict)

    @property
    def amount(self) -> float:
        """The cost in the currency."""
        return self.cost / COST_UNIT

    def reserved(self, now: float, *, beside: int | None = None) -> int:
        """What running waves may still spend, in parts; `beside` one meter's."""
        running = (_Running(*meter) for number, meter in self.meters.items() if number != str(beside))
        return sum(meter.reserved for meter in running if meter.until > now)

    def left(self, budget: Budget, now: float = 0) -> float:
        """How much of a budget may still be spent, in the currency."""
        return max(0, budget.limit - self.cost - self.reserved(now)) / COST_UNIT

    def with_meter(self) -> "MonthUsage":
        """One more meter runs, with the number `opened`."""
        number = self.opened + 1
        return replace(self, opened=number, meters=self._meters(number, _Running()))

    def with_reservation(self, number: int, turn: int, cost: int, now: float) -> "MonthUsage":
        """What the page of a meter's turn may spend, until it is reported or nobody will report it."""
        meter = self.meters.get(str(number))
        if meter is None or _Running(*meter).turn > turn:
            return self
        until = int(now) + _RESERVED_SECONDS
        reserved = replace(_Running(*meter), reserved=cost, until=until, turn=turn)
        return replace(self, meters=self._meters(number, reserved))

    def with_reading(self, reading: Mapping[str, Any]) -> "MonthUsage":
        """What a reading adds to the one before it: nothing if it is older, or of a meter that is over."""
        number = str(reading["meter"])
        if number not in self.meters:
            return self
        before = _Running(*self.meters[number])
        now = before.after(reading)
        return replace(
            self,
            tokens=self.tokens + now.tokens - before.tokens,
            requests=self.requests + now.requests - before.requests,
            cost=self.cost + now.cost - before.cost,
            estimated=self.estimated + now.estimated - before.estimated,
            meters=self._meters(number, None if reading["ended"] else now),
        )

    def plus(self, spent: Mapping[str, int]) -> "MonthUsage":
        """The usage with what no meter counts: a question, or a step whose workflow was ended."""
        sums = {name: getattr(self, name) + spent.get(name, 0) for name in (*SPENDING, "cost")}
        return replace(self, **sums)

    def require_budget(self, env: str, month: str, budget: Budget | None) -> None:
        """Checks that something may still be spent.

        Raises:
            BudgetReached: all of the budget is spent.
        """
        if budget and self.cost >= budget.limit:
            raise BudgetReached(
                env, spent=self.amount, budget=budget.amount, renews_at=beginning_of_next(month)
            )

    def require_left(
        self, env: str, month: str, budget: Budget | None, *, cost: int, now: float, meter: int | None
    ) -> None:
        """Checks that this amount, in parts, may still be spent, beside what others have reserved.

        Raises:
            BudgetReached: it does not fit into what is left.
        """
        self.require_budget(env, month, budget)
        reserved = self.reserved(now, beside=meter)
        if budget and self.cost + reserved + max(cost, 1) > budget.limit:
            raise BudgetReached(
                env,
                spent=self.amount,
                budget=budget.amount,
                renews_at=beginning_of_next(month),
                reserved=reserved / COST_UNIT,
                needed=cost / COST_UNIT,
            )

    def to_json(self) -> dict[str, Any]:
        """The state as the entity keeps it."""
        return dict(vars(self))

    def _meters(self, number: int | str, meter: _Running | None) -> dict[str, list[int]]:
        """All meters with this one; without it if it is over."""
        others = {other: figures for other, figures in self.meters.items() if other != str(number)}
        return {**others, str(number): list(astuple(meter))} if meter else others


def answer(
    usage: MonthUsage, key: str, operation: str, payload: dict[str, Any], config: Settings, *, now: float = 0
) -> tuple[MonthUsage, Any]:
    """One operation of the entity with this key: its new state, and what the caller gets.

    Args:
        usage: the state before.
        key: of the entity.
        operation: its name.
        payload: what comes with it.
        config: where the budgets are.
        now: the time, in seconds of Unix time.

    Raises:
        UnknownOperation: it is none of the entity's.
    """
    env, _ = key.split(":")
    if operation == READ:
        return usage.with_reading(payload), None
    if operation == ADD:
        return usage.plus(payload), None
    if operation == LEFT:
        return usage, _left(usage, env, config, now)
    if operation != ASK:
        raise UnknownOperation
    return _asked(usage, key, payload, config, now=now)


def _asked(
    usage: MonthUsage, key: str, payload: dict[str, Any], config: Settings, *, now: float
) -> tuple[MonthUsage, Any]:
    """A meter's number and a reservation for its next wave, or the reason why its job is held."""
    number = payload["meter"]
    reason = _reason_to_hold(usage, key, payload, config, now=now) if payload["limited"] else None
    if reason:
        return usage, {"meter": number, HELD: reason}
    if number is None:
        usage = usage.with_meter()
        number = usage.opened
    if payload["limited"] and "cost" in payload:
        usage = usage.with_reservation(number, payload["turn"], payload["cost"], now)
    return usage, {"meter": number, HELD: None}


def beginning_of_next(month: str) -> datetime:
    """When the month after this one begins."""
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _left(usage: MonthUsage, env: str, config: Settings, now: float) -> float | None:
    """A malformed budget is reported where it matters: when jobs are submitted, and when they are held."""
    try:
        budget = config.budgets.get(env)
    except SettingsError:
        return None
    return usage.left(budget, now) if budget else None


def _reason_to_hold(
    usage: MonthUsage, key: str, payload: dict[str, Any], config: Settings, *, now: float
) -> dict[str, str] | None:
    """Why the jobs of an environment have to wait; a malformed budget is one, until it is corrected."""
    env, month = key.split(":")
    # Lanes that an earlier release began do not say what they may spend.
    cost, meter = payload.get("cost", 0), payload["meter"]
    try:
        usage.require_left(env, month, config.budgets.get(env), cost=cost, now=now, meter=meter)
    except AppError as error:
        return {"code": error.code, "message": str(error)}
    return None
