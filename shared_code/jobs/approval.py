"""Which jobs wait for an approval, and what was decided: data that workflows and the API share."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from shared_code.jobs.durable import Json

DEFAULT_APPROVAL_DAYS = 7
# Tells a job that something was decided; what, it looks up.
APPROVAL_EVENT = "approval"


@dataclass(frozen=True, kw_only=True)
class ApprovalRule:
    """From which estimated cost on somebody has to approve, as it was when the job was submitted.

    Attributes:
        above: what may cost more waits; None if nothing does.
        days: how long it waits.
    """

    above: float | None = None
    days: int = DEFAULT_APPROVAL_DAYS

    @property
    def period(self) -> timedelta:
        """How long a job waits for a decision."""
        return timedelta(days=self.days)

    def tightened(self, above: float | None) -> "ApprovalRule":
        """The rule for a job that asks for one, too: whoever submits it can lower the limit, not lift it."""
        limits = [limit for limit in (self.above, above) if limit is not None]
        return ApprovalRule(above=min(limits, default=None), days=self.days)

    def applies_to(self, cost: float) -> bool:
        """Whether a job of this estimated cost waits."""
        return self.above is not None and cost > self.above

    def to_json(self) -> Json:
        """JSON values only."""
        return {"above": self.above, "days": self.days}

    @classmethod
    def from_json(cls, value: Json | None) -> Self:
        """Reads what to_json wrote; jobs of earlier releases have no rule."""
        return cls(**value) if value else cls()


NO_APPROVAL = ApprovalRule()


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided about a job that waited: the one that holds, also where time decided.

    Attributes:
        approved: whether it may go on.
        by: who decided; empty if nobody did in time.
        comment: why.
        token: tells one decision from another one of the same words.
    """

    approved: bool
    by: str = ""
    comment: str = ""
    token: str = ""

    @property
    def is_expiry(self) -> bool:
        """Whether nobody decided in time."""
        return not self.by

    def to_json(self) -> Json:
        """JSON values only."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(**value)


@dataclass(frozen=True, kw_only=True)
class Approval:
    """What a job shows of its approval.

    Attributes:
        above: the cost from which on it needs one.
        expires_at: until when somebody may decide.
        decision: what was decided; None while it waits.
    """

    above: float
    expires_at: datetime
    decision: Decision | None = None

    def to_json(self) -> Json:
        """JSON values only."""
        decision = self.decision
        more = {"by": decision.by, "comment": decision.comment} if decision else {}
        return {"above": self.above, "expiresAt": self.expires_at.isoformat(), **more}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Reads what to_json wrote; a decision that is shown is an approval."""
        by = value.get("by")
        return cls(
            above=value["above"],
            expires_at=datetime.fromisoformat(value["expiresAt"]),
            decision=Decision(approved=True, by=by, comment=value["comment"]) if by else None,
        )
