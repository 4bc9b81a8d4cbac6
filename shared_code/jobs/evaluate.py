"""Evaluating a version of an index as a job: by which golden questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from shared_code.errors import InvalidField
from shared_code.jobs.account import Account, Budget
from shared_code.jobs.durable import Json
from shared_code.jobs.embedding_plan import EmbeddingPlan
from shared_code.jobs.failures import DEFAULT_PATIENCE
from shared_code.jobs.fields import blob_path, label, require_known
from shared_code.jobs.job_input import JobInLanes, PaidJob

FIELDS = ("env", "version", "questions")


@dataclass(frozen=True, kw_only=True)
class EvaluateJob(JobInLanes, PaidJob):
    """Ask one version of an environment's index golden questions, and tell how often it finds their sources.

    Attributes:
        container: of the file with the questions.
        name: of that file in it.
    """

    KIND: ClassVar[str] = "evaluate"
    id: ClassVar[None] = None

    container: str
    name: str

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

    @property
    def request(self) -> tuple[str, str, str]:
        """What the client asked for."""
        return self.env, self.index_version, self.questions

    def to_json(self) -> Json:
        """The orchestration's input: JSON values only."""
        return {**super().to_json(), "container": self.container, "name": self.name}

    @classmethod
    def _members(cls, value: Json) -> dict[str, Any]:
        return {**super()._members(value), "container": value["container"], "name": value["name"]}
