"""Embedding files as a job: which path, for which version of an index."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from shared_code.errors import InvalidField
from shared_code.jobs.account import Account, Budget
from shared_code.jobs.approval import NO_APPROVAL, ApprovalRule
from shared_code.jobs.compatibility import may_shrink
from shared_code.jobs.durable import Json
from shared_code.jobs.embedding_plan import EmbeddingPlan
from shared_code.jobs.failures import DEFAULT_PATIENCE
from shared_code.jobs.fields import amount_or_none, blob_path, flag, label, require_known, whole_or_none
from shared_code.jobs.job_input import JobInLanes, PaidJob
from shared_code.jobs.watch import MOST_WATCH_MINUTES, Watch

FIELDS = ("env", "version", "filesPath", "dryRun", "allowShrink", "approvalAbove", "watchMinutes")


@dataclass(frozen=True, kw_only=True)
class EmbedFilesJob(JobInLanes, PaidJob):
    """Embed every file below a blob path into one version of an environment's index.

    Attributes:
        allow_shrink: whether files that are gone are taken out of the index, however many they are.
        approval_above: the limit that the client asks for; None for that of the app alone.
        approval: the limit of the app.
        watch: of a job that is done again and again; None for once.
        retry_of: the job whose failed files are embedded, and no others; empty for all of the path.
    """

    KIND: ClassVar[str] = "embed-files"

    container: str
    prefix: str
    dry_run: bool
    allow_shrink: bool = False
    approval_above: float | None = None
    approval: ApprovalRule = NO_APPROVAL
    watch: Watch | None = None
    retry_of: str = ""

    @classmethod
    def parse(
        cls,
        body: Any,
        plan: EmbeddingPlan,
        budgets: Mapping[str, Budget],
        *,
        patience: timedelta = DEFAULT_PATIENCE,
        approval: ApprovalRule = NO_APPROVAL,
    ) -> Self:
        """Reads a request's JSON body; the budgets are those of environments that have one.

        Raises:
            InvalidField: a field is missing, unknown or malformed; the first one is named.
        """
        if not isinstance(body, dict):
            raise InvalidField("body", "send a JSON object with env, version and filesPath")
        require_known(body, FIELDS)
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
            approval_above=amount_or_none(body, "approvalAbove"),
            approval=approval,
            watch=_watch(body),
        )

    @property
    def id(self) -> str | None:
        """The id of a watch, of which there is one for a path in a version; None for any other job."""
        if not self.watch:
            return None
        identity = json.dumps((self.env, self.index_version, self.files_path)).encode()
        return hashlib.blake2b(identity, digest_size=16, person=b"watch").hexdigest()

    @property
    def round(self) -> int:
        """Of a watch, which time this is; 0 of any other job."""
        return self.watch.round if self.watch else 0

    def writer(self, job_id: str) -> str:
        """Who writes into the index: a job, or one round of a watch."""
        return f"{job_id}:{self.round}" if self.watch else job_id

    @property
    def rule(self) -> ApprovalRule:
        """When the job needs an approval."""
        return self.approval.tightened(self.approval_above)

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

    @property
    def request(self) -> tuple[object, ...]:
        """What the client asked for."""
        path = self.env, self.index_version, self.files_path
        return *path, self.dry_run, self.allow_shrink, self.approval_above, self.retry_of

    def to_json(self) -> Json:
        """The orchestration's input: JSON values only."""
        return {
            **super().to_json(),
            "container": self.container,
            "prefix": self.prefix,
            "dryRun": self.dry_run,
            "allowShrink": self.allow_shrink,
            "approvalAbove": self.approval_above,
            "approval": self.approval.to_json(),
            "watch": self.watch.to_json() if self.watch else None,
            **({"retryOf": self.retry_of} if self.retry_of else {}),
        }

    @classmethod
    def _members(cls, value: Json) -> dict[str, Any]:
        return {
            **super()._members(value),
            "container": value["container"],
            "prefix": value["prefix"],
            "dry_run": value["dryRun"],
            "allow_shrink": may_shrink(value),
            "approval_above": value.get("approvalAbove"),
            "approval": ApprovalRule.from_json(value.get("approval")),
            "watch": Watch.from_json(value["watch"]) if value.get("watch") else None,
            "retry_of": value.get("retryOf", ""),
        }


def _watch(body: Mapping[str, Any]) -> Watch | None:
    minutes = whole_or_none(body, "watchMinutes", most=MOST_WATCH_MINUTES)
    if minutes and flag(body, "dryRun"):
        raise InvalidField("watchMinutes", "a dry run is not repeated: leave one of the two out")
    return Watch(minutes=minutes) if minutes else None


def _files_path(value: Any) -> tuple[str, str]:
    container, prefix = blob_path(
        value, "filesPath", form="container, container/folder or the path of a file"
    )
    return container, f"{prefix}/" if prefix else ""
