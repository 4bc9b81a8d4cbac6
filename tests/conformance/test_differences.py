"""The comparison itself: it sees every field, and its table of differences holds nothing outdated."""

from dataclasses import replace

from tests.conformance.comparison import compare
from tests.conformance.conftest import Trial
from tests.conformance.differences import DIFFERENCES, Difference, differences, listed, outdated, unexplained
from tests.conformance.records import Run


def test_every_difference_on_purpose_still_occurs(trial: Trial) -> None:
    unused = outdated(trial.differences, strict_parity=trial.strict_parity)

    assert not unused, listed(unused)


def test_strict_parity_does_away_with_some_differences() -> None:
    assert not all(entry.in_strict_parity for entry in DIFFERENCES)


def test_record_does_not_differ_from_itself(recorded: Run) -> None:
    assert not list(compare(recorded, recorded))


def test_changed_field_is_named_by_its_path() -> None:
    found = list(differences({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "exchange/x"))

    assert found == [Difference("exchange/x/a/0/b", 1, 2)]


def test_other_order_of_members_is_a_difference() -> None:
    assert [each.path for each in differences({"a": 1, "b": 2}, {"b": 2, "a": 1}, "x")] == ["x/(order)"]


def test_number_in_place_of_a_boolean_is_a_difference() -> None:
    assert list(differences(True, 1, "x"))


def test_other_status_of_an_answer_is_not_explained(recorded: Run) -> None:
    first, *others = recorded.exchanges
    changed = replace(recorded, exchanges=[replace(first, status=200), *others])

    found = unexplained(compare(recorded, changed), strict_parity=False)

    assert [each.path for each in found] == ["exchange/start o-chain/status"]
