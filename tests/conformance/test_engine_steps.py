"""The engine alone, led through each recorded episode with the very events and answers that were recorded.

Here chance has no part: it must hand to the code what was handed to it, and create the same events.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from devhost.engine.clock import VirtualClock
from devhost.engine.errors import FunctionFailed
from devhost.engine.execution import Execution
from devhost.engine.executor import nothing
from devhost.engine.history import HistoryEvent
from devhost.engine.instance import Instance, Parent, RuntimeStatus
from devhost.engine.options import HubOptions
from devhost.engine.orchestration import OrchestrationProcessor
from devhost.engine.rewind import rewind
from devhost.engine.work import Checkpoint, WorkItem
from tests.conformance.differences import differences, listed, unexplained
from tests.conformance.executions import begin_of_news, executions, is_rewound, start_of
from tests.conformance.normalise import Names, normalise
from tests.conformance.records import STATE_LABEL, Call, recorded_run
from tests.conformance.scenario_app import ACTIVITIES, ORCHESTRATORS

_NOW = datetime(2026, 11, 20, microsecond=1, tzinfo=UTC)
_ORCHESTRATOR_COMPLETED = 13

NEVER_ENDED = ("o-missing",)
RECORDED = executions(recorded_run().episodes)


class RecordedCode:
    """Orchestrators that answer what they answered then."""

    orchestrators = ORCHESTRATORS
    activities = ACTIVITIES
    entities = ("counter",)

    def __init__(self, episode: Call) -> None:
        self._answer = episode.answer
        self.context: dict[str, Any] = {}

    async def run_orchestrator(self, name: str, instance_id: str, context: str) -> str:
        self.context = json.loads(context)
        if "raised" in self._answer:
            raise FunctionFailed(f"{self._answer['raised']}{STATE_LABEL}{json.dumps(self._answer['state'])}")
        return json.dumps(self._answer)

    async def run_activity(
        self, name: str, instance_id: str, input_text: str | None, has_read: Callable[[], None] = nothing
    ) -> str | None:
        raise NotImplementedError

    async def call_http(self, request: str) -> str:
        raise NotImplementedError

    async def run_entity(self, name: str, instance_id: str, context: str) -> str:
        raise NotImplementedError


def names_of_executions() -> Iterator[str]:
    for position, execution in enumerate(RECORDED):
        yield f"{execution[0].name} {position}"


async def repeat(episode: Call) -> tuple[dict[str, Any], Checkpoint]:
    """What the engine hands to the code in an episode, and what the episode leaves behind."""
    code = RecordedCode(episode)
    processor = OrchestrationProcessor(code, VirtualClock(_NOW), HubOptions(strict_parity=True))
    history = episode.given["history"]
    news = history[begin_of_news(history) + 1 :]
    arrived = [event for event in news if event["EventType"] != _ORCHESTRATOR_COMPLETED]
    instance = instance_of(episode)
    earlier_events = map(json.dumps, earlier(history))
    execution = Execution(instance.execution_id, earlier_events, input_text=start_of(episode)["Input"])
    item = WorkItem(instance, execution, arrived, [], execution.size)
    checkpoint = await processor.process(item)
    assert checkpoint is not None
    return code.context, checkpoint


def instance_of(episode: Call) -> Instance:
    start = start_of(episode)
    parent = start["ParentInstance"]
    return Instance(
        instance_id=start["OrchestrationInstance"]["InstanceId"],
        execution_id=start["OrchestrationInstance"]["ExecutionId"],
        name=start["Name"],
        version=start["Version"],
        status=RuntimeStatus.RUNNING,
        output=None,
        custom_status=None,
        created_at=_NOW,
        updated_at=_NOW,
        parent=parent and parent_of(parent),
        generation=start["Generation"],
        continuations=1 if start["Generation"] is None and parent is None else 0,
    )


def parent_of(recorded: dict[str, Any]) -> Parent:
    ids = recorded["OrchestrationInstance"]
    return Parent(ids["InstanceId"], ids["ExecutionId"], recorded["Name"], recorded["TaskScheduleId"])


def assert_as_recorded(episode: Call, recorded: Any, given: Any) -> None:
    names = Names()
    found = differences(normalise(recorded, names), normalise(given, names), f"episode/{episode.name}")
    unmeant = unexplained(found, strict_parity=True)
    assert not unmeant, listed(unmeant)


def earlier(history: list[HistoryEvent]) -> list[HistoryEvent]:
    """The events of the episodes before the one that begins last."""
    return history[: begin_of_news(history)]


def has_ended(checkpoint: Checkpoint) -> bool:
    return checkpoint.restarted or checkpoint.instance.status.is_terminal


@pytest.mark.parametrize("execution", RECORDED, ids=names_of_executions())
async def test_code_is_handed_what_the_real_engine_handed_it(execution: list[Call]) -> None:
    for episode in execution:
        context, _ = await repeat(episode)

        assert_as_recorded(episode, episode.given, context)


@pytest.mark.parametrize("execution", RECORDED, ids=names_of_executions())
async def test_episode_leaves_the_history_that_the_real_one_left(execution: list[Call]) -> None:
    for episode, following in itertools.pairwise(execution):
        _, checkpoint = await repeat(episode)

        recorded = following.given["history"]
        left = [*earlier(episode.given["history"]), *map(json.loads, checkpoint.history)]
        given = rewind(left).history if is_rewound(recorded) else left
        assert_as_recorded(episode, earlier(recorded), given)


@pytest.mark.parametrize("execution", RECORDED, ids=names_of_executions())
async def test_execution_ends_in_the_episode_in_which_the_real_one_ended(execution: list[Call]) -> None:
    ended = [has_ended((await repeat(episode))[1]) for episode in execution]

    rewound = [is_rewound(following.given["history"]) for following in execution[1:]]
    assert ended == [*rewound, execution[0].name not in NEVER_ENDED]
