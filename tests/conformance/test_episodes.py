"""What the functions of the scenario app were called with, and what they answered, chance left out."""

from tests.conformance.conftest import Trial
from tests.conformance.differences import listed, unexplained
from tests.conformance.executions import broken_replay, executions
from tests.conformance.records import Run


def assert_as_recorded(trial: Trial, kind: str) -> None:
    found = unexplained(trial.differences_of(kind), strict_parity=trial.strict_parity)
    assert not found, listed(found)


def test_orchestrations_differ_from_the_record_only_on_purpose(trial: Trial) -> None:
    assert_as_recorded(trial, "execution")


def test_entity_operations_are_as_recorded(trial: Trial) -> None:
    assert_as_recorded(trial, "entity")


def test_client_binding_is_as_recorded(trial: Trial) -> None:
    assert_as_recorded(trial, "starter")


def test_each_episode_continues_the_history_of_the_one_before(trial: Trial, recorded: Run) -> None:
    for execution in (*executions(recorded.episodes), *executions(trial.run.episodes)):
        assert broken_replay(execution) is None
