"""Evaluating a version of an index as a job: by which golden questions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from shared_code.errors import InvalidField
from shared_code.jobs.account import Account, Budget, budget_from_json
from shared_code.jobs.compatibility import VERSION, patience_of, version_of
from shared_code.jobs.durable import Json
from shared_code.jobs.embedding_plan import EmbeddingPlan
from shared_code.jobs.failures import DEFAULT_PATIENCE
from shared_code.jobs.fields import blob_path, label, require_known
from shared_code.jobs.parallelism import LANES, LARGE_STEPS_AT_ONCE

FIELDS = ("env", "version", "questions")


@dataclass(frozen=True, kw_only=True)
class EvaluateJob:
    """Ask one version of an environment's index golden questions, and tell how often it finds their sources.

    Attributes:
        container: of the file with the questions.
        name: of that file in it.
        plan: how the questions become vectors.
    """

    KIND: ClassVar[str] = "evaluate"
    id: ClassVar[None] = None

    env: str
    index_version: str
    container: str
    name: str
    plan: EmbeddingPlan
    budget: Budget | None = None
    lanes: int = LANES
    page_size: int = LARGE_STEPS_AT_ONCE // LANES
    patience: timedelta = DEFAULT_PATIENCE
    version: int = VERSION

    @classmethod
    def parse(
        cls,
        body: Any,
        plan: EmbeddingPlan,
        budgets: Mapping[str, Budget],
        *,
        patience: timedelta = DEFAULT_PATIENCE,
    ) -> Self:
        """Reads a request's JSON body; the budgets are those of environments that have one.

        Raises:
            InvalidField: a field is missing, unknown or malformed; the first one is named.
        """
        require_known(body, FIELDS, unknown="unknown beside questions")
        form = "container/file.jsonl"
        container, name = blob_path(body.get("questions"), "questions", form=form)
        if not name:
            raise InvalidField("questions", f"use {form}: a file with a question in each line")
        env = label(body.get("env"), "env")
        return cls(
            env=env,
            index_version=label(body.get("version"), "version"),
            container=container,
            name=name,
            plan=plan,
            budget=budgets.get(env),
            patience=patience,
        )

    @property
    def questions(self) -> str:
        """The path of the questions as the client names it."""
        return f"{self.container}/{self.name}"

    @property
    def account(self) -> Account:
        """Where the job's spending is added up."""
        return Account(env=self.env, price=self.plan.price, budget=self.budget)

    def asks_the_same_as(self, other: object) -> bool:
        """Whether two jobs have the same request, whatever the settings were then."""
        return isinstance(other, EvaluateJob) and self.request == other.request

    @property
    def request(self) -> tuple[str, str, str]:
        """What the client asked for."""
        return self.env, self.index_version, self.questions

    def to_json(self) -> Json:
        """The orchestration's input: JSON values only."""
        return {
            "kind": self.KIND,
            "version": self.version,
            "env": self.env,
            "indexVersion": self.index_version,
            "container": self.container,
            "name": self.name,
            "plan": asdict(self.plan),
            "budget": asdict(self.budget) if self.budget else None,
            "lanes": self.lanes,
            "pageSize": self.page_size,
            "patienceSeconds": int(self.patience.total_seconds()),
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(
            env=value["env"],
            index_version=value["indexVersion"],
            container=value["container"],
            name=value["name"],
            plan=EmbeddingPlan(**value["plan"]),
            budget=budget_from_json(value["budget"]),
            lanes=value["lanes"],
            page_size=value["pageSize"],
            patience=patience_of(value),
            version=version_of(value),
        )
