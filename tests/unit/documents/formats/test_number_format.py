"""What cells show of the numbers, dates and times that are stored in them."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.documents.formats.number_format import shown, shown_in_general, text_shown

NUMBERS = [
    (0.07, "0%", "7%"),
    (0.1234, "0.0%", "12.3%"),
    (0.07, "0 %", "7 %"),
    (1234.5, '#,##0.00 "CHF"', "1,234.50 CHF"),
    (1234.5, "[$€-407] #,##0.00", "€ 1,234.50"),
    (1234.5, '_-* #,##0.00\\ "€"_-;-* #,##0.00\\ "€"_-', "1,234.50 €"),
    (-5, "$#,##0.00_);($#,##0.00)", "($5.00)"),
    (-5.5, "#,##0.00;[Red]-#,##0.00", "-5.50"),
    (0, '#,##0;-#,##0;"-"', "-"),
    (8.381538461538465, "0.0", "8.4"),
    (2.675, "0.00", "2.68"),
    (1.005, "0.00", "1.01"),
    (0.5, "0", "1"),
    (-0.001, "0.00", "0.00"),
    (12, '0 "kg"', "12 kg"),
    (4.2, "0.0\\ °C", "4.2 °C"),
    (5, '"No. "0', "No. 5"),
    (3, 'General" kg"', "3 kg"),
    (42, "00000", "00042"),
    (5551234567, "(000) 000-0000", "(555) 123-4567"),
    (7561234567897, "000\\.0000\\.0000\\.00", "756.1234.5678.97"),
    (1234567, '#,##0,"k"', "1,235k"),
    (1234567, '0.0,,"M"', "1.2M"),
    (12.25, "0.0#", "12.25"),
    (12, "0.0#", "12.0"),
    (12345.678, "0.00E+00", "1.23E+04"),
    (1.75, "# ?/?", "1 3/4"),
    (150, '[>100]"high";"low"', "high"),
    (5, '[>100]"high";0', "5"),
    (1e30, "0.00", "1e+30"),
    (12, "@", "12"),
    (0, '_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)', "-"),
    (1234.5, '_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)', "1,234.50"),
    (-1234.5, '_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)', "(1,234.50)"),
    (-3, '[<0]"minus "0;0', "minus 3"),
    (-3, "[<10]0;0.0", "-3"),
    (-3, '[Red][<=-1]"("0")";0', "(3)"),
    (999999999999999, "0", "999999999999999"),
    (4111111111111111, "0000 0000 0000 0000", "4111 1111 1111 1111"),
    (123456789012345, "0.00", "123456789012345.00"),
    (0.75, "# ?/?", "3/4"),
    (0, "# ?/?", "0"),
    (12, "?? ???", "12"),
]
# Cells know no time zones.
MOMENT = datetime(2024, 3, 1, 14, 5)  # noqa: DTZ001
DATES = [
    (date(2024, 3, 1), "dd.mm.yyyy", "2024-03-01"),
    (MOMENT, "m/d/yy h:mm", "2024-03-01 14:05"),
    (date(2024, 3, 1), "mmm yyyy", "Mar 2024"),
    (date(2024, 3, 1), "[$-409]mmmm\\ yyyy", "March 2024"),
    (date(2024, 3, 1), "yyyy", "2024"),
    (date(2024, 3, 1), "dddd", "Friday"),
    (date(2024, 3, 1), "d mmm", "1 Mar"),
    (MOMENT, "h:mm AM/PM", "2:05 PM"),
    (time(14, 5), "h:mm", "14:05"),
    (time(14, 5, 9), "mm:ss", "05:09"),
    (timedelta(hours=36, minutes=5), "[h]:mm", "36:05"),
    (timedelta(minutes=73, seconds=44), "[mm]:ss", "73:44"),
    (timedelta(minutes=73), "[m]", "73"),
    (timedelta(seconds=86), "[ss]", "86"),
    (timedelta(hours=-36), "[h]:mm", "-36:00"),
    (time(0, 13, 43, 680_000), "mm:ss", "13:44"),
    (time(0, 13, 43, 680_000), "mm:ss.0", "13:43.7"),
    (time(12, 0), "yyyy-mm-dd", "12:00"),
    (datetime(2024, 3, 1, 23, 59, 59, 700_000), "yyyy-mm-dd hh:mm:ss", "2024-03-02"),  # noqa: DTZ001
    (datetime(9999, 12, 31, 23, 59, 59, 997_000), "yyyy-mm-dd hh:mm:ss", "9999-12-31 23:59:59"),  # noqa: DTZ001
]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('0;0;0;"Item: "@', "Item: abc"),
        ('@" kg"', "abc kg"),
        ("@", "abc"),
        ("0.00", "abc"),
        ("0;-0", "abc"),
        ('_(* "-"??_);_(@_)', "abc"),
        ("0;0;0;", "abc"),
    ],
)
def test_text_is_shown_with_what_its_format_puts_around_it(code, text):
    assert text_shown("abc", code) == text


@pytest.mark.parametrize(("value", "code", "text"), NUMBERS)
def test_number_is_shown_as_its_format_says(value, code, text):
    assert shown(value, code) == text


@pytest.mark.parametrize(("value", "code", "text"), DATES)
def test_whole_dates_are_iso_and_parts_of_dates_as_shown(value: Any, code, text):
    assert shown(value, code) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (42.0, "42"),
        (8.381538461538465, "8.381538462"),
        (0.1 + 0.2, "0.3"),
        (123456789012.0, "123456789012"),
        (7, "7"),
        (float("inf"), "inf"),
    ],
)
def test_number_without_format_is_rounded_as_a_cell_is_wide(value, text):
    assert shown_in_general(value) == text


@given(st.floats() | st.integers(), st.text('0#?.,%/;"[]@EeGdmyhs*_\\-+ >1', max_size=20))
def test_any_format_shows_something_and_never_fails(value, code):
    assert isinstance(shown(value, code), str)
