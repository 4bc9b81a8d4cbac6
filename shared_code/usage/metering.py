"""What a workflow spends, and whether it may: every stream of work has a meter with the usage entity.

A workflow asks before it spends (`admitted`) and reports after each wave (`report`), the last time with
`ended`. Where there is a budget it asks for what its next wave may cost: that is reserved until it reports,
and where it is not left the job is held. A meter's readings only ever grow, so the entity adds what is new
in one and nothing when it comes twice or late; it gives each meter its number and forgets it with the last
reading. A number that was given out and is not known any more is over, so that a repeat adds nothing then
either.

    meter, held = yield from admitted(context, Meter(account=job.account))
    if held:
        ...  # wait, and ask again
    ...
    report(context, meter.plus(counts), ended=True)

ADR 21 has the reasons.
"""

from dataclasses import asdict, dataclass, replace

from azure.durable_functions import EntityId

from shared_code.jobs import Account, Counts, Failure, Json, OrchestrationContext, Steps, month_of

USAGE_ENTITY = "usage-entity"
ASK = "ask"
READ = "read"
LEFT = "left"
ADD = "add"
HELD = "held"
# The entity counts from one.
_NO_METER = 0


@dataclass(frozen=True, kw_only=True)
class Meter:
    """What one stream of work has spent in one month.

    Attributes:
        account: whose usage it adds to.
        month: such as `2026-11`; empty before the first wave.
        number: the entity's, within the month; None if it is still to be given.
        turn: how many waves it has asked for: a reading ends the reservation of its own turn only.
        tokens: embedded so far, in this month.
        requests: for embeddings so far, in this month.
        estimated: of the tokens, those whose answer was lost.
    """

    account: Account
    month: str = ""
    number: int | None = None
    turn: int = 0
    tokens: int = 0
    requests: int = 0
    estimated: int = 0

    def plus(self, counts: Counts) -> "Meter":
        """The meter after a wave with these counts."""
        return replace(
            self,
            tokens=self.tokens + counts.get("tokens", 0),
            requests=self.requests + counts.get("requests", 0),
            estimated=self.estimated + counts.get("estimated", 0),
        )

    @classmethod
    def from_json(cls, value: Json) -> "Meter":
        """Reads what asdict made of a meter."""
        return cls(**{**value, "account": Account.from_json(value["account"])})

    def to_json(self) -> Json:
        """JSON values only."""
        return asdict(self)


def entity_key(env: str, month: str) -> str:
    """The key of the usage entity of an environment and a month."""
    return f"{env}:{month}"


def admitted(
    context: OrchestrationContext, meter: Meter, *, tokens: int = 0
) -> Steps[tuple[Meter, Failure | None]]:
    """The meter to spend on; or, with it, the reason why the job is held: it waits, and asks again.

    Only a meter without a number asks, and every meter of an environment with a budget. The month is that of
    the wave's beginning, which the history has before the wave ends: a repeated report names it again.

    Args:
        context: of the orchestration.
        meter: of the wave before, or a new one.
        tokens: that are to be spent now, at most.
    """
    meter = _of_month(context, meter)
    budget = meter.account.budget
    if meter.number is not None and not budget:
        return meter, None
    turn = meter.turn + 1
    asking = {
        "meter": meter.number,
        "limited": bool(budget),
        "turn": turn,
        "cost": tokens * meter.account.price,
    }
    answer = yield context.call_entity(_entity(meter.account.env, meter.month), ASK, asking)
    reason = Failure.from_json(answer[HELD]) if answer[HELD] else None
    if budget and reason:
        return meter, reason
    return replace(meter, number=answer["meter"], turn=turn), None


def held(context: OrchestrationContext, account: Account) -> Steps[Failure | None]:
    """Why a job that spends in one go is held; None if it may go on."""
    if not account.budget:
        return None
    # With a number it is given none: a job that waits for something else meanwhile takes no room.
    asking = Meter(account=account, month=_month_of(context), number=_NO_METER)
    _, reason = yield from admitted(context, asking)
    return reason


def spent(context: OrchestrationContext, meter: Meter, counts: Counts) -> Steps[None]:
    """Adds what a job has spent in one go: its meter ends here, and begins here if it has no number yet."""
    if meter.number is None and (counts.get("tokens") or counts.get("requests")):
        # What is spent is added, whatever the budget is now.
        unlimited = replace(meter, account=replace(meter.account, budget=None))
        meter, _ = yield from admitted(context, unlimited)
    if meter.number is not None:
        report(context, meter.plus(counts), ended=True)


def budget_left(context: OrchestrationContext, env: str) -> Steps[float | None]:
    """What an environment may still spend this month; None if there is no limit any more."""
    left: float | None = yield context.call_entity(_entity(env, _month_of(context)), LEFT, {})
    return left


def report(context: OrchestrationContext, meter: Meter, *, ended: bool) -> None:
    """Sends the meter's reading; the entity forgets the meter when it has ended."""
    reading = {
        "meter": meter.number,
        "tokens": meter.tokens,
        "requests": meter.requests,
        "estimated": meter.estimated,
        "turn": meter.turn,
        "cost": meter.tokens * meter.account.price,
        "ended": ended,
    }
    context.signal_entity(_entity(meter.account.env, meter.month), READ, reading)


def _month_of(context: OrchestrationContext) -> str:
    return month_of(context.current_utc_datetime)


def _of_month(context: OrchestrationContext, meter: Meter) -> Meter:
    """The meter itself, or a new one where the month has changed since the last wave."""
    month = _month_of(context)
    if meter.month == month:
        return meter
    if meter.number is not None:
        report(context, meter, ended=True)
    return Meter(account=meter.account, month=month)


def _entity(env: str, month: str) -> EntityId:
    return EntityId(USAGE_ENTITY, entity_key(env, month))
