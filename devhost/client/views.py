"""What the commands show on a terminal: tables of instances, one instance, and its history over time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from devhost.client.timeline import QUEUED, Step, Timeline
from devhost.client.wording import cut, duration, moment, value_text, whole_seconds

ENDED = frozenset({"Completed", "Failed", "Terminated"})
_COLOURS = {
    "Completed": "green",
    "Failed": "red",
    "Terminated": "yellow",
    "Suspended": "magenta",
    "Running": "cyan",
    "completed": "green",
    "failed": "red",
}
_CELL = 60  # characters of a value in a table
LONGEST_VALUE = 300  # characters of a value on a line of its own
_BAR = 24  # characters of the time axis
_CUT = "(+n): n characters more, which --full shows"


def instance_table(found: Sequence[Mapping[str, Any]], total: int, now: datetime) -> RenderableType:
    """Instances, newest first, and how many of all they are."""
    table = Table(box=None, pad_edge=False)
    for title in ("id", "orchestrator", "status", "created", "took"):
        table.add_column(title, no_wrap=title == "id")
    for instance in found:
        created = datetime.fromisoformat(instance["createdTime"])
        table.add_row(
            instance["instanceId"],
            instance["name"],
            _coloured(instance["runtimeStatus"]),
            moment(created, now),
            whole_seconds(_age(instance, now)),
        )
    if not total:
        return Text("No instance fits.")
    if total == len(found):
        return table
    return Group(table, Text(f"{len(found)} of {total}; --top {total} shows all.", style="dim"))


def instance_view(instance: Mapping[str, Any], now: datetime, *, full: bool) -> RenderableType:
    """One instance with its values."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    grid.add_row("id", instance["instanceId"])
    grid.add_row("orchestrator", instance["name"])
    grid.add_row("status", _coloured(instance["runtimeStatus"]))
    grid.add_row("created", moment(datetime.fromisoformat(instance["createdTime"]), now))
    grid.add_row("updated", moment(datetime.fromisoformat(instance["lastUpdatedTime"]), now))
    grid.add_row("took", whole_seconds(_age(instance, now)))
    for title, member in (("input", "input"), ("custom status", "customStatus"), ("output", "output")):
        if instance[member] is not None:
            text = value_text(instance[member])
            grid.add_row(title, Text(text if full else cut(text, LONGEST_VALUE)))
    return grid


def history_view(instance: Mapping[str, Any], line: Timeline, *, full: bool) -> RenderableType:
    """The steps of an instance on a common time axis, below a line that says where the time went."""
    took = line.end - line.begin
    summary = Text.assemble(
        f"{instance['name']} {instance['instanceId']}  ",
        _coloured(instance["runtimeStatus"]),
        f"  {duration(took)}: {duration(line.working)} working, {duration(line.waiting)} waiting",
    )
    if not line.steps:
        return Group(summary, Text("There are no steps."))
    table = Table(box=None, pad_edge=False)
    for title in ("after", "step", "name", "waited", "took", ""):
        table.add_column(title, no_wrap=True, justify="right" if title in ("waited", "took") else "left")
    table.add_column("outcome", overflow="fold")
    for step in line.steps:
        table.add_row(*_cells(step, line, full=full))
    is_cut = not full and any(len(_detail(step)) > _CELL for step in line.steps)
    return Group(summary, table, *([Text(_CUT, style="dim")] if is_cut else []))


def step_line(step: Step) -> Text:
    """A step on one line: when it ended, what it was and how it came out."""
    end = step.end or step.begin
    took = step.ran(end)
    outcome = Text.assemble(_coloured(step.outcome), f" after {duration(took)}" if took else "")
    parts = (_clock(end), f"{step.kind} {step.name}".strip(), outcome, cut(_detail(step), LONGEST_VALUE))
    return Text("  ").join(Text.assemble(part) for part in parts if part)


def status_line(status: str, now: datetime) -> Text:
    """A custom status on one line."""
    return Text(f"{_clock(now)}  custom status  {cut(status, LONGEST_VALUE)}")


def log_view(records: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Records of the host's log as the host shows them."""
    text = Text()
    for record in records:
        origin = f"[{record['function']}] " if record["function"] else ""
        clock = _clock(datetime.fromisoformat(record["time"]))
        lines = f"{record['message']}\n{(record['error'] or {}).get('traceback', '')}".strip().splitlines()
        text.append(f"{clock} {record['level']:7} {origin}")
        text.append("\n    ".join(lines) + "\n")
    text.rstrip()
    return text


def _clock(when: datetime) -> str:
    return f"{when.astimezone():%H:%M:%S}"


def _cells(step: Step, line: Timeline, *, full: bool) -> list[str | Text]:
    detail = _detail(step) if full else cut(_detail(step), _CELL)
    return [
        f"+{duration(step.begin - line.begin)}",
        step.kind,
        Text(step.name),
        _duration_or_nothing(step.waited(line.now)),
        _duration_or_nothing(step.ran(line.now)),
        _bar(step, line),
        Text.assemble(_coloured(step.outcome), " " if step.outcome and detail else "", detail),
    ]


def _detail(step: Step) -> str:
    return "" if step.detail is None else value_text(step.detail)


def _duration_or_nothing(span: timedelta | None) -> str:
    return "" if span is None else duration(span)


def _bar(step: Step, line: Timeline) -> str:
    """Where the step lies on the axis: light while it waited for its turn, full while it ran."""
    end = step.end or line.now
    first = min(_BAR - 1, int(_place(step.begin, line)))
    if step.begin == end:
        return " " * first + "│"
    last = min(_BAR - 1, max(first, round(_place(end, line)) - 1))
    started = last + 1 if step.outcome == QUEUED else min(last, int(_place(step.started or step.begin, line)))
    return " " * first + "░" * (started - first) + "█" * (last + 1 - started)


def _place(when: datetime, line: Timeline) -> float:
    """A time on the axis, in characters."""
    return (when - line.begin) / ((line.end - line.begin) or timedelta(seconds=1)) * _BAR


def _coloured(word: str) -> Text:
    return Text(word, style=_COLOURS.get(word, ""))


def _age(instance: Mapping[str, Any], now: datetime) -> timedelta:
    created = datetime.fromisoformat(instance["createdTime"])
    ended = instance["runtimeStatus"] in ENDED
    until = datetime.fromisoformat(instance["lastUpdatedTime"]) if ended else now
    return until - created
