"""Embedding files as a job: which path, for which version of an index."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from shared_code.errors import InvalidField
from shared_code.jobs.account import Account, Budget, budget_from_json
from shared_code.jobs.compatibility import VERSION, may_shrink, patience_of, version_of
from shared_code.jobs.durable import Json
from shared_code.jobs.embedding_plan import EmbeddingPlan
from shared_code.jobs.failures import DEFAULT_PATIENCE
from shared_code.jobs.fields import blob_path, flag, label
from shared_code.jobs.parallelism import LANES, LARGE_STEPS_AT_ONCE

FIELDS = ("env", "version", "filesPath", "dryRun", "allowShrink")


@dataclass(frozen=True, kw_only=True)
class EmbedFilesJob:
    """Embed every file below a blob path into one version of an environment's index.

    Attributes:
        allow_shrink: whether files that are gone are taken out of the index, however many they are.
    """

    KIND: ClassVar[str] = "embed-files"

    env: str
    index_version: str
    container: str
    prefix: str
    dry_run: bool
    plan: EmbeddingPlan
    budget: Budget | None = None
    allow_shrink: bool = False
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
        if not isinstance(body, dict):
            raise InvalidField("body", "send a JSON object with env, version and filesPath")
        for name in body:
            if name not in FIELDS:
                raise InvalidField(name, f"unknown; there are {', '.join(FIELDS)}")
        container, prefix = _files_path(body.get("filesPath"))
        env = label(body.get("env"), "env")
        return cls(
            env=env,
            index_version=label(body.get("version"), "version"),
            container=container,
            prefix=prefix,
            dry_run=flag(body, "dryRun"),
            plan=plan,
            budget=budgets.get(env),
            allow_shrink=flag(body, "allowShrink"),
            patience=patience,
        )

    @property
    def files_path(self) -> str:
        """The path as the client names it."""
        return f"{self.container}/{self.prefix}".rstrip("/")

    @property
    def account(self) -> Account | None:
        """Where the job's spending is added up; a dry run has none."""
        if self.dry_run:
            return None
        return Account(env=self.env, price=self.plan.price, budget=self.budget)

    def asks_the_same_as(self, other: object) -> bool:
        """Whether two jobs have the same request, whatever the settings were then."""
        return isinstance(other, EmbedFilesJob) and self.request == other.request

    @property
    def request(self) -> tuple[str, str, str, bool, bool]:
        """What the client asked for."""
        return self.env, self.index_version, self.files_path, self.dry_run, self.allow_shrink

    def to_json(self) -> Json:
        """The orchestration's input: JSON values only."""
        return {
            "kind": self.KIND,
            "version": self.version,
            "env": self.env,
            "indexVersion": self.index_version,
            "container": self.container,
            "prefix": self.prefix,
            "dryRun": self.dry_run,
            "allowShrink": self.allow_shrink,
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
            prefix=value["prefix"],
            dry_run=value["dryRun"],
            allow_shrink=may_shrink(value),
            plan=EmbeddingPlan(**value["plan"]),
            # Jobs of the first release had none.
            budget=budget_from_json(value.get("budget")),
            lanes=value["lanes"],
            page_size=value["pageSize"],
            patience=patience_of(value),
            version=version_of(value),
        )


def _files_path(value: Any) -> tuple[str, str]:
    container, prefix = blob_path(
        value, "filesPath", form="container, container/folder or the path of a file"
    )
    return container, f"{prefix}/" if prefix else ""
