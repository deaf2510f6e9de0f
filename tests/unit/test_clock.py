"""Durations as documented."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfserve.clock import after, now

NOON = datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("duration", "end"),
    [
        ("30s", NOON + timedelta(seconds=30)),
        ("30m", NOON + timedelta(minutes=30)),
        ("30min", NOON + timedelta(minutes=30)),
        ("1h", NOON + timedelta(hours=1)),
        ("1hr", NOON + timedelta(hours=1)),
        ("30d", NOON + timedelta(days=30)),
        ("1w", NOON + timedelta(days=7)),
        ("1mo", NOON.replace(month=12)),
        ("2mo", NOON.replace(year=2027, month=1)),
        (" 7D ", NOON + timedelta(days=7)),
        ("1 h", NOON + timedelta(hours=1)),
    ],
)
def test_a_documented_duration_ends_exactly_then(duration, end):
    assert after(duration, NOON) == end


@pytest.mark.parametrize(
    ("start", "end"),
    [((2026, 1, 31), (2026, 2, 28)), ((2028, 1, 31), (2028, 2, 29)), ((2026, 12, 15), (2027, 1, 15))],
)
def test_a_calendar_month_stays_within_the_month_it_reaches(start, end):
    assert after("1mo", datetime(*start, tzinfo=UTC)) == datetime(*end, tzinfo=UTC)


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "d",
        "30",
        "-1",
        "-1d",
        "0d",
        "1.5h",
        "1y",
        "30dd",
        "30d 5h",
        "１d",
        "1e9d",
        "9" * 20 + "d",
        "\x00",
        "1d\n2h",
    ],
)
def test_anything_else_is_refused(malformed):
    with pytest.raises(ValueError, match="not a duration"):
        after(malformed, NOON)


@pytest.mark.parametrize("absurd", ["101000d", "999999999w", "999999999mo", "1300mo", "999999999d"])
def test_beyond_a_hundred_years_is_too_long(absurd):
    with pytest.raises(ValueError, match="too long"):
        after(absurd, NOON)


@given(st.text())
def test_nothing_but_a_value_error_ever_comes_out(anything):
    with suppress(ValueError):
        assert after(anything, NOON) > NOON


def test_now_is_in_utc():
    assert now().utcoffset() == timedelta(0)
