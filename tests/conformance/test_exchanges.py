"""Every recorded HTTP request, sent to this host: status, headers and body of the answer."""

from tests.conformance.conftest import Trial
from tests.conformance.differences import listed, unexplained


def test_answers_differ_from_the_record_only_on_purpose(trial: Trial) -> None:
    found = unexplained(trial.differences_of("exchange"), strict_parity=trial.strict_parity)

    assert not found, listed(found)
