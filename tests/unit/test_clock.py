"""Durations as documented, and budget windows that reset on the day LiteLLM resets them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfserve.clock import after, next_reset, now, window_start

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


@pytest.mark.parametrize(
    ("duration", "end"),
    [
        ("1d", datetime(2026, 11, 25, tzinfo=UTC)),
        ("24h", datetime(2026, 11, 25, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 30, tzinfo=UTC)),
        ("1w", datetime(2026, 11, 30, tzinfo=UTC)),
        ("30d", datetime(2026, 12, 1, tzinfo=UTC)),
        ("1mo", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2mo", datetime(2027, 1, 1, tzinfo=UTC)),
        ("1h", NOON + timedelta(hours=1)),
        ("90d", NOON + timedelta(days=90)),
    ],
)
def test_a_budget_window_ends_at_midnight_on_monday_or_on_the_first(duration, end):
    assert next_reset(duration, NOON) == end


@given(
    st.sampled_from(["1d", "7d", "1w", "30d", "1mo", "3mo", "1h", "45m"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_a_window_always_ends_later_and_the_next_one_later_still(duration, moment):
    first = next_reset(duration, moment)
    assert moment < first < next_reset(duration, first)


def test_now_is_in_utc():
    assert now().utcoffset() == timedelta(0)


@pytest.mark.parametrize("duration", ["1mo", "2mo", "30d", "7d", "1w", "24h", "1d", "5h", "90min"])
def test_a_window_begins_before_what_it_holds_and_ends_after_it(duration):
    moment = datetime(2026, 11, 24, 9, 30, 5, tzinfo=UTC)
    end = next_reset(duration, moment)
    assert window_start(duration, end) <= moment < end
