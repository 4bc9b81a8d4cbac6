"""Each way to be stuck is told by its cause, and nothing is told of instances with which nothing is wrong."""

import pytest

from tests.why.cases import Case, told
from tests.why.healthy import ALARMS, HEALTHY
from tests.why.stuck import STUCK


def _about(case: Case) -> str:
    return case.about.replace(" ", "-")


@pytest.mark.parametrize("case", STUCK, ids=_about)
async def test_a_way_to_be_stuck_is_named(case: Case):
    found = await told(case)
    assert found is not None
    assert (found.code, case.part in found.sentence) == (case.code, True), found
    assert found.remedy.endswith(".") or "python -m devhost" in found.remedy


@pytest.mark.parametrize("case", HEALTHY, ids=_about)
async def test_nothing_false_is_told_of_a_healthy_instance(case: Case):
    found = await told(case)
    assert (found and found.code, case.part in (found.sentence if found else "")) == (case.code, True), found
    assert found is None or found.code not in ALARMS
