"""Bounded fan-out: lanes of sub-orchestrations that each run pages of activities, one page after another.

An item is the input of one activity, which answers `{"ok": true, "counts"[, "ledger"]}` or
`{"ok": false, "error"[, "counts"]}`: what is known to fail is a value. A lane stops after the first page with
a failure and ends with its totals.
"""

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from azure.durable_functions import RetryOptions

from shared_code.jobs import Account
from shared_code.usage.metering import Meter, admitted, held_status, meter_json, report

LANE_ORCHESTRATOR = "lane-orchestrator-function"
# Of the ledger only so much travels through the history; all of it is in the blobs of the items.
LEDGER_LIMIT = 100
# Storage timers are cut to whole seconds: below two seconds there would be no wait at all.
RETRY = RetryOptions(first_retry_interval_in_milliseconds=5_000, max_number_of_attempts=3)
# The reason stays in the host's log: an activity's exception carries paths and stack traces.
STEP_FAILED = {"code": "StepFailed", "message": "A step of the job failed repeatedly: submit the job again."}


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What became of the items so far.

    Attributes:
        counts: sums of what the items count: `completed`, `failed`, `skipped`, and a workflow's own.
        error: the first failure that stopped a lane.
        ledger: what became of single things that an item could not do, the first of them only.
    """

    counts: dict[str, int] = field(default_factory=dict)
    error: dict[str, str] | None = None
    ledger: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, result: dict[str, Any]) -> "Totals":
        """The totals of one item's result."""
        if not result["ok"]:
            return cls(counts=result.get("counts", {})) + cls(counts={"failed": 1}, error=result["error"])
        return cls(counts=result["counts"], ledger=result.get("ledger", []))

    def __add__(self, other: "Totals") -> "Totals":
        names = self.counts | other.counts
        return Totals(
            counts={name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in names},
            error=self.error or other.error,
            ledger=(self.ledger + other.ledger)[:LEDGER_LIMIT],
        )

    def progress(self) -> dict[str, Any]:
        """What a custom status shows of them; it has room for 16 KB only, so the ledger stays out."""
        return {**self.counts, "error": self.error}


def fan_out(
    context: Any,
    activity: str,
    items: Sequence[dict[str, Any]],
    *,
    common: dict[str, Any],
    lanes: int,
    page_size: int,
    account: Account | None = None,
) -> Generator[Any, Any, Totals]:
    """Runs the activity once for every item, at most lanes x page_size of them at a time.

    The input of an activity is its item and what all items have in `common`. What items count as `tokens` and
    `requests` is added to the account, page by page, and where it has a budget each page waits for it.

    No retry is alive when this returns: else the SDK and the host would number the caller's next step
    differently. That is why retries happen inside the lanes, and why a lane answers with totals only.
    """
    pages = [list(items[start : start + page_size]) for start in range(0, len(items), page_size)]
    tasks = [
        context.call_sub_orchestrator(
            LANE_ORCHESTRATOR,
            {
                "activity": activity,
                "common": common,
                "pages": pages[number::lanes],
                "totals": asdict(Totals()),
                "meter": meter_json(Meter(account=account)) if account else None,
            },
            lane_id(context.instance_id, number),
        )
        for number in range(min(lanes, len(pages)))
    ]
    try:
        ended = yield context.task_all(tasks)
    except Exception:  # noqa: BLE001 - the SDK raises a bare Exception, here for a lane that was terminated
        return Totals(counts={"failed": 1}, error=STEP_FAILED)
    return sum((Totals(**totals) for totals in ended), Totals())


def lane_id(job_id: str, number: int) -> str:
    """The instance id of one of a job's lanes."""
    return f"{job_id}:lane:{number}"


def job_of_lane(instance_id: str) -> tuple[str, str]:
    """The job's id and the lane's number, of an id that lane_id made."""
    job_id, _, number = instance_id.partition(":lane:")
    return job_id, number


def lane(context: Any) -> Generator[Any, Any, dict[str, Any] | None]:
    """One lane: runs the first page of its input and continues as new with the rest."""
    work = context.get_input()
    totals = Totals(**work["totals"])
    # Every generation begins without a custom status, and the status route reads it meanwhile.
    context.set_custom_status(held_status(totals.progress(), work.get("held")))
    meter, held = yield from _admitted(context, work, totals)
    if held:
        context.continue_as_new({**work, "meter": meter_json(meter), "held": held})
        return None
    page, *rest = work["pages"]
    paged = yield from _run_page(context, work["activity"], [{**work["common"], **item} for item in page])
    totals += paged
    context.set_custom_status(totals.progress())
    ended = not rest or bool(totals.error)
    if meter:
        meter = meter.plus(paged.counts)
        report(context, meter, ended=ended)
    if ended:
        return asdict(totals)
    context.continue_as_new(
        {**work, "pages": rest, "totals": asdict(totals), "meter": meter_json(meter), "held": None}
    )
    return None


def _admitted(
    context: Any, work: dict[str, Any], totals: Totals
) -> Generator[Any, Any, tuple[Meter | None, dict[str, str] | None]]:
    """The meter of a lane that has one, when it may spend; lanes of the first release have none."""
    if not work.get("meter"):
        return None, None
    return (yield from admitted(context, Meter.from_json(work["meter"]), status=totals.progress()))


def _run_page(context: Any, activity: str, payloads: list[Any]) -> Generator[Any, Any, Totals]:
    tasks = [context.call_activity_with_retry(activity, RETRY, payload) for payload in payloads]
    try:
        results = yield context.task_all(tasks)
    except Exception:  # noqa: BLE001 - the SDK raises a bare Exception, whose text is not for the public
        # Waiting for each keeps what the others have done, and leaves no retry alive behind this page.
        results = []
        for task in tasks:
            results.append((yield from _outcome(task)))
    return sum(map(Totals.of, results), Totals())


def run_step(context: Any, activity: str, payload: dict[str, Any]) -> Generator[Any, Any, dict[str, Any]]:
    """Runs one activity with retries; when all of them raised, that is a failure as a value too."""
    return (yield from _outcome(context.call_activity_with_retry(activity, RETRY, payload)))


def _outcome(task: Any) -> Generator[Any, Any, dict[str, Any]]:
    try:
        result: dict[str, Any] = yield task
    except Exception:  # noqa: BLE001 - the SDK raises a bare Exception, whose text is not for the public
        return {"ok": False, "error": STEP_FAILED}
    return result
