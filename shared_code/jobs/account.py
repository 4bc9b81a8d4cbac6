"""Where what a job spends is added up, and how much that may be; in whole numbers, so that sums are exact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

# What steps count as spent: tokens, requests that were answered, and of the tokens those that are estimated
# since an answer was lost. The rest of what they count is what was done.
SPENDING = ("tokens", "requests", "estimated")
# A price of a million tokens has six decimals at most, so that of one token is whole in these parts.
COST_UNIT = 10**12


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What an environment may spend in a month, as it was when its job was submitted.

    Attributes:
        amount: in the currency of the price.
        recheck_seconds: after how many seconds a job that is held asks again.
    """

    amount: float
    recheck_seconds: int

    @property
    def limit(self) -> int:
        """The amount in parts, as costs are added up."""
        return millionths(self.amount) * 1_000_000

    @property
    def recheck(self) -> timedelta:
        """How long a job that is held waits."""
        return timedelta(seconds=self.recheck_seconds)


@dataclass(frozen=True, kw_only=True)
class Account:
    """The environment whose usage a job adds to.

    Attributes:
        env: its label.
        price: of a token, in parts of which the currency has COST_UNIT: whole, so that sums are exact.
        budget: None if there is no limit.
    """

    env: str
    price: int
    budget: Budget | None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Reads what asdict made of an account."""
        return cls(env=value["env"], price=value["price"], budget=budget_from_json(value["budget"]))


def spending_of(counts: Mapping[str, int]) -> dict[str, int]:
    """What of counts was spent."""
    return {name: counts[name] for name in SPENDING if counts.get(name)}


def budget_from_json(value: dict[str, Any] | None) -> Budget | None:
    """Reads what asdict made of a budget, if there was one."""
    return Budget(**value) if value else None


def millionths(amount: float) -> int:
    """Settings have six decimals at most, so nothing is lost."""
    return round(amount * 1_000_000)


def month_of(moment: datetime) -> str:
    """The calendar month that spending belongs to, such as `2026-11`."""
    return f"{moment:%Y-%m}"
