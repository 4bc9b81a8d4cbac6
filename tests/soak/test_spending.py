"""What pages spend is counted, whatever happens to them: thousands of cases."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import seed as seeded

from tests.e2e.conftest import start_host
from tests.soak.conftest import SEED
from tests.support.budgets import JOBS, BudgetedJobs
from tests.support.corpus import SELF_CERTIFIED, empty_corpus
from tests.unit.files.test_spending import (
    BUDGETS,
    FACTORS,
    GRANTS,
    HAPPENINGS,
    NEEDED,
    check,
    check_limited,
)

__all__ = ["start_host"]
_FILES = 150  # of each job: three pages, so that nine lanes run at once


@SELF_CERTIFIED
@pytest.mark.soak
@pytest.mark.parametrize("round_", range(2))
@pytest.mark.parametrize("share", [0.1, 0.5, 2])
def test_jobs_of_a_host_that_dies_keep_to_their_budget_and_end_right_when_it_is_raised(  # noqa: PLR0917 - fixtures
    storage, cosmos_client, start_host, embeddings_server, embedding_settings, tmp_path: Path,
    table, seed, share, round_,
):  # fmt: skip
    kill_after = Random(f"{seed} {share} {round_}").randint(1, 12)  # noqa: S311 - repeatable
    with empty_corpus(storage, cosmos_client) as corpus:
        jobs = BudgetedJobs(corpus, start_host, embeddings_server, embedding_settings, tmp_path / "state.db")
        jobs.write_files(_FILES)
        outcome = jobs.meet(share, kill_after=kill_after)
        chunks = len(corpus.chunks())
    spent = f"spent {outcome.spent} of {outcome.budget:.0f}, killed after {kill_after} answers"
    in_all = f"charged {outcome.charged}, counted {outcome.counted}, of it estimated {outcome.estimated}"
    table.append(f"budget of {share} x the estimate: {spent}; {in_all}")

    assert outcome.spent <= 1.1 * outcome.budget
    assert {status["status"] for status in outcome.ended} == {"Completed"}
    assert [status["result"]["embedded"] for status in outcome.ended] == [_FILES] * JOBS
    assert sum(status["result"]["chunks"] for status in outcome.ended) == chunks
    assert outcome.counted - outcome.estimated <= outcome.charged <= outcome.counted


@pytest.mark.soak
@seeded(SEED)
@settings(max_examples=3_000)
@given(happenings=HAPPENINGS, grant=GRANTS, factor=FACTORS)
def test_what_is_counted_is_what_was_charged_in_thousands_of_cases(happenings, grant, factor):
    check(happenings, grant, factor)


@pytest.mark.soak
@seeded(SEED)
@settings(max_examples=3_000)
@given(happenings=HAPPENINGS, budgets=BUDGETS, needed=NEEDED, factor=FACTORS)
def test_budget_that_is_raised_and_lowered_is_kept_in_thousands_of_cases(happenings, budgets, needed, factor):
    check_limited(happenings, budgets, needed, factor)
