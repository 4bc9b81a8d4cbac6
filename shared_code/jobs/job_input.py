"""What inputs of several kinds of jobs have in common, and how they are written into a history."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from shared_code.jobs.account import Budget, budget_from_json
from shared_code.jobs.compatibility import VERSION, patience_of, version_of
from shared_code.jobs.durable import Json
from shared_code.jobs.embedding_plan import EmbeddingPlan
from shared_code.jobs.failures import DEFAULT_PATIENCE
from shared_code.jobs.parallelism import LANES, LARGE_STEPS_AT_ONCE


@dataclass(frozen=True, kw_only=True)
class JobInput(ABC):
    """The input of a job of any kind.

    Attributes:
        patience: how long the job waits for what has to recover.
        version: of the form of the input.
    """

    KIND: ClassVar[str]

    patience: timedelta = DEFAULT_PATIENCE
    version: int = VERSION

    @property
    @abstractmethod
    def request(self) -> tuple[object, ...]:
        """What the client asked for, without what the settings added."""

    def asks_the_same_as(self, other: object) -> bool:
        """Whether two jobs have the same request, whatever the settings were then."""
        return isinstance(other, type(self)) and self.request == other.request

    def to_json(self) -> Json:
        """The orchestration's input: JSON values only."""
        return {
            "kind": self.KIND,
            "version": self.version,
            "patienceSeconds": int(self.patience.total_seconds()),
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(**cls._members(value))

    @classmethod
    def _members(cls, value: Json) -> dict[str, Any]:
        """The arguments of the constructor; a subclass adds its own."""
        return {"patience": patience_of(value), "version": version_of(value)}


@dataclass(frozen=True, kw_only=True)
class JobInLanes(JobInput):
    """The input of a job whose steps run in lanes.

    Attributes:
        lanes: how many run at once.
        wave_size: how many activities each of them runs at once: a wave.
    """

    lanes: int = LANES
    wave_size: int = LARGE_STEPS_AT_ONCE // LANES

    def to_json(self) -> Json:
        """The orchestration's input: JSON values only."""
        return {**super().to_json(), "lanes": self.lanes, "pageSize": self.wave_size}

    @classmethod
    def _members(cls, value: Json) -> dict[str, Any]:
        return {**super()._members(value), "lanes": value["lanes"], "wave_size": value["pageSize"]}


@dataclass(frozen=True, kw_only=True)
class PaidJob(JobInput):
    """The input of a job that embeds, and so pays, for one version of an environment's index.

    Attributes:
        plan: how texts become vectors.
        budget: of the environment; None if there is no limit.
    """

    env: str
    index_version: str
    plan: EmbeddingPlan
    budget: Budget | None = None

    def to_json(self) -> Json:
        """The orchestration's input: JSON values only."""
        return {
            **super().to_json(),
            "env": self.env,
            "indexVersion": self.index_version,
            "plan": asdict(self.plan),
            "budget": asdict(self.budget) if self.budget else None,
        }

    @classmethod
    def _members(cls, value: Json) -> dict[str, Any]:
        return {
            **super()._members(value),
            "env": value["env"],
            "index_version": value["indexVersion"],
            "plan": EmbeddingPlan(**value["plan"]),
            # Jobs of the first release had none.
            "budget": budget_from_json(value.get("budget")),
        }
