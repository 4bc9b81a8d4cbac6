"""Bounded fan-out: lanes of sub-orchestrations that each run activities in waves, one wave after another.

A lane stops after the first wave with a failure and ends with its totals. What cannot be done now is waited
for: the lane begins again with what its wave still lacks, so that its history stays short however long the
wait is.

ADR 4 has the reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

from shared_code.errors import JobEnded
from shared_code.jobs import (
    DEFAULT_PATIENCE,
    Account,
    Failure,
    Json,
    OrchestrationContext,
    Patience,
    Progress,
    Step,
    Steps,
    Totals,
    Waiting,
    spending_of,
)
from shared_code.jobs.compatibility import patience_of
from shared_code.jobs.steps import CheckJob, Done, Failed, ItemDone
from shared_code.usage.metering import Meter, admitted, report
from shared_code.workflows.attempts import RETRY, answer_of, attempt, read_answer
from shared_code.workflows.pauses import CANCELED, hold, wait

LANE_ORCHESTRATOR = "lane-orchestrator-function"
_OVER = {CANCELED.code, JobEnded.__name__}
LANE_ENDED = Failure("LaneEnded", "A part of the job was ended from outside: submit the job again.")


class LaneStep(Step, Protocol):
    """A step of which a job has many, alike but for a few members of its input."""

    OWN: ClassVar[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class LaneWork:
    """The input of a lane: what it has still to do, and what it has done.

    Attributes:
        activity: that every item is the input of.
        common: the members that all inputs have in common.
        waves: the other members of each input, by waves; the items of a wave run at once.
        totals: of what has been done.
        meter: of what is spent; None if nothing is.
        held: why the lane waited for its budget before it began again.
        waiting: for what it waited.
        patience: how long it goes on trying what cannot be done now.
    """

    activity: str
    common: Json
    waves: Sequence[Sequence[Json]]
    totals: Totals = field(default_factory=Totals)
    meter: Meter | None = None
    held: Failure | None = None
    waiting: Waiting | None = None
    patience: Patience = DEFAULT_PATIENCE

    @property
    def progress(self) -> Progress:
        """What the lane shows of it."""
        return Progress(counts=self.totals.counts, error=self.totals.error, held=self.held)

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to do, or something stopped the lane."""
        return not self.waves or self.totals.error is not None

    def to_json(self) -> Json:
        """The orchestration's input."""
        return {
            "activity": self.activity,
            "common": self.common,
            "pages": [list(wave) for wave in self.waves],
            "totals": self.totals.to_json(),
            "meter": self.meter.to_json() if self.meter else None,
            "held": self.held.to_json() if self.held else None,
            "waiting": self.waiting.to_json() if self.waiting else None,
            "patienceSeconds": int(self.patience.total_seconds()),
        }

    @classmethod
    def from_json(cls, value: Json) -> "LaneWork":
        """Reads what to_json wrote; a lane of the first release has no meter, and waits for nothing."""
        meter, held, waiting = value.get("meter"), value.get("held"), value.get("waiting")
        return cls(
            activity=value["activity"],
            common=value["common"],
            waves=value["pages"],
            totals=Totals.from_json(value["totals"]),
            meter=Meter.from_json(meter) if meter else None,
            held=Failure.from_json(held) if held else None,
            waiting=Waiting.from_json(waiting) if waiting else None,
            patience=patience_of(value),
        )


def fan_out(
    context: OrchestrationContext,
    steps: Sequence[LaneStep],
    *,
    lanes: int,
    wave_size: int,
    patience: Patience,
    account: Account | None = None,
) -> Steps[Totals]:
    """Runs every step once, at most lanes x wave_size of them at a time.

    What the steps count as `tokens` and `requests` is added to the account, wave by wave, and where it has a
    budget each wave waits for it.

    No retry is alive when this returns: else the SDK and the host would number the caller's next step
    differently. That is why retries happen inside the lanes, and why a lane answers with totals only.
    """
    if not steps:
        return Totals()
    works = _shared_out(steps, lanes, wave_size)
    meter = Meter(account=account) if account else None
    tasks = [
        context.call_sub_orchestrator(
            LANE_ORCHESTRATOR,
            replace(work, meter=meter, patience=patience).to_json(),
            lane_id(context.instance_id, number),
            # Else a lane would belong to the release that runs, and its job wait for it after a rollback.
            context.version,
        )
        for number, work in enumerate(works)
    ]
    try:
        ended = yield context.task_all(tasks)
    except Exception:  # noqa: BLE001 - the SDK raises a bare Exception, here for a lane that was terminated
        return Totals(error=LANE_ENDED)
    return Totals.sum_of(map(Totals.from_json, ended))


def _shared_out(steps: Sequence[LaneStep], lanes: int, wave_size: int) -> list[LaneWork]:
    """The work of each lane; what all inputs have in common stands in there once."""
    own = steps[0].OWN
    inputs = [step.to_json() for step in steps]
    common = {name: value for name, value in inputs[0].items() if name not in own}
    items = [{name: each[name] for name in own} for each in inputs]
    waves = [items[start : start + wave_size] for start in range(0, len(items), wave_size)]
    return [
        LaneWork(activity=steps[0].activity, common=common, waves=waves[number::lanes])
        for number in range(min(lanes, len(waves)))
    ]


def lane_id(job_id: str, number: int) -> str:
    """The instance id of one of a job's lanes."""
    return f"{job_id}:lane:{number}"


def lane_of(job_id: str, item: int, *, lanes: int, wave_size: int) -> str:
    """The instance id of the lane that runs a job's item of this number: waves are dealt out in turn."""
    return lane_id(job_id, item // wave_size % lanes)


def job_of_lane(instance_id: str) -> tuple[str, str]:
    """The job's id and the lane's number, of an id that lane_id made."""
    job_id, _, number = instance_id.partition(":lane:")
    return job_id, number


def lane(context: OrchestrationContext) -> Steps[Json | None]:
    """One lane: runs the first wave of its input and continues as new with the rest."""
    work = LaneWork.from_json(context.get_input())
    # Every generation begins without a custom status, and the status route reads it meanwhile.
    context.set_custom_status(work.progress.to_json())
    meter, held = yield from _admitted(context, work)
    if meter and held:
        return (yield from _held(context, replace(work, meter=meter), held))
    answers = yield from _run_wave(context, work)
    left, added = _after_wave(context, work, answers)
    context.set_custom_status(left.progress.to_json())
    if meter:
        meter = meter.plus(added.counts)
        report(context, meter, ended=left.has_ended)
    if left.has_ended:
        return left.totals.to_json()
    left = replace(left, meter=meter)
    if left.waiting and (yield from wait(context, left.waiting, left.progress)):
        return _stopped(context, left, CANCELED)
    context.continue_as_new(left.to_json())
    return None


def _admitted(context: OrchestrationContext, work: LaneWork) -> Steps[tuple[Meter | None, Failure | None]]:
    """The meter of a lane that has one, when it may spend."""
    if not work.meter:
        return None, None
    tokens = sum(item.get("tokens") or 0 for item in work.waves[0])
    return (yield from admitted(context, work.meter, tokens=tokens))


def _held(context: OrchestrationContext, work: LaneWork, reason: Failure) -> Steps[Json | None]:
    """Waits at the budget; then the lane starts again, unless its job is over."""
    account = work.meter.account if work.meter else None
    canceled = yield from hold(context, account, replace(work.progress, held=None), reason)
    over = CANCELED if canceled else (yield from _reason_to_end(context))
    if over:
        return _stopped(context, work, over)
    context.continue_as_new(replace(work, held=reason).to_json())
    return None


def _reason_to_end(context: OrchestrationContext) -> Steps[Failure | None]:
    """Why nobody wants the lane to go on; it begins no other step that would tell it while it is held."""
    job_id, _ = job_of_lane(context.instance_id)
    checked = yield from attempt(context, CheckJob(job_id=job_id), Done)
    return checked.failure if isinstance(checked, Failed) and checked.failure.code in _OVER else None


def _stopped(context: OrchestrationContext, work: LaneWork, failure: Failure) -> Json:
    """Ends a lane between two waves."""
    if work.meter and work.meter.number is not None:
        report(context, work.meter, ended=True)
    totals = work.totals + Totals(error=failure)
    context.set_custom_status(replace(work, totals=totals, held=None).progress.to_json())
    return totals.to_json()


def _run_wave(context: OrchestrationContext, work: LaneWork) -> Steps[list[ItemDone | Failed]]:
    inputs = [{**work.common, **item} for item in work.waves[0]]
    tasks = [context.call_activity_with_retry(work.activity, RETRY, each) for each in inputs]
    try:
        results = yield context.task_all(tasks)
    except Exception:  # noqa: BLE001 - the SDK raises a bare Exception, whose text is not for the public
        # Waiting for each keeps what the others have done, and leaves no retry of this wave alive.
        return (yield from _each_answer(tasks))
    return [read_answer(result, ItemDone) for result in results]


def _each_answer(tasks: Sequence[Any]) -> Steps[list[ItemDone | Failed]]:
    answers: list[ItemDone | Failed] = []
    for task in tasks:
        answer = yield from answer_of(task, ItemDone)
        answers.append(answer)
    return answers


def _after_wave(
    context: OrchestrationContext, work: LaneWork, answers: Sequence[ItemDone | Failed]
) -> tuple[LaneWork, Totals]:
    """What is left to do after a wave, and what the wave adds to the totals.

    Of an item that is to run again only what it has spent is counted; its next input says so.
    """
    wave, *rest = work.waves
    tried = list(zip(wave, answers, strict=True))
    unfinished = [(item, answer) for item, answer in tried if _runs_again(answer)]
    added = Totals.sum_of(answer.totals for answer in answers if not _runs_again(answer))
    troubled = [answer for _, answer in unfinished if isinstance(answer, Failed)]
    last = work.waiting if len(troubled) == len(wave) else None
    waiting = None if added.error else _next_wait(context, work, troubled, last)
    goes_on = not added.error and bool(waiting or not troubled)
    if goes_on:
        again = [_item_after(item, answer) for item, answer in unfinished]
        waves = [again, *rest] if again else rest
        added += Totals.sum_of(Totals(counts=spending_of(answer.counts)) for _, answer in unfinished)
    else:
        waves = rest
        added += Totals.sum_of(answer.totals for _, answer in unfinished)
    return replace(work, waves=waves, totals=work.totals + added, held=None, waiting=waiting), added


def _item_after(item: Json, answer: ItemDone | Failed) -> Json:
    """An item that is to run again."""
    counted, spent = item.get("paid", {}), spending_of(answer.counts)
    paid = {name: counted.get(name, 0) + spent.get(name, 0) for name in {**counted, **spent}}
    lacks = {"tokens": answer.lacks} if isinstance(answer, ItemDone) else {}
    return {**item, **({"paid": paid} if paid else {}), **lacks}


def _runs_again(answer: ItemDone | Failed) -> bool:
    """Whether an item is not done: something has to recover first, or it lacks tokens."""
    return bool(answer.trouble if isinstance(answer, Failed) else answer.lacks)


def _next_wait(
    context: OrchestrationContext,
    work: LaneWork,
    troubled: Sequence[Failed],
    last: Waiting | None,
) -> Waiting | None:
    """The wait for what stopped the first of these; None if nothing did, or if patience is over."""
    first = next(iter(troubled), None)
    if first is None or first.trouble is None:
        return None
    waiting = Waiting.after(first.failure, first.trouble, last, context.current_utc_datetime)
    return None if waiting.is_over(first.trouble, work.patience) else waiting
