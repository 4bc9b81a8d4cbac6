"""What pages spend is counted, whatever happens to them: thousands of cases."""

import pytest
from hypothesis import given, settings
from hypothesis import seed as seeded

from tests.soak.conftest import SEED
from tests.unit.files.test_spending import FACTORS, GRANTS, HAPPENINGS, check


@pytest.mark.soak
@seeded(SEED)
@settings(max_examples=3_000)
@given(happenings=HAPPENINGS, grant=GRANTS, factor=FACTORS)
def test_what_is_counted_is_what_was_charged_in_thousands_of_cases(happenings, grant, factor):
    check(happenings, grant, factor)
