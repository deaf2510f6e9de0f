"""How a budget ends at the pace so far: whole nano-dollars, and silence where a pace would say nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from time_machine import travel

from selfserve.clock import next_reset
from selfserve.models import ApiKey, User
from selfserve.models.budget import Forecast, Window

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)  # a Wednesday
MIDNIGHT = datetime(2026, 6, 17, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def somebody(spend, limit, duration="1mo", *, moment=NOON, since=LONG_AGO):
    """Give somebody who has spent so much in a window that holds the moment."""
    reset = next_reset(duration, moment) if duration else None
    return User(window_spend=spend, max_budget=limit, budget_duration=duration, budget_reset_at=reset, created_at=since)


def forecast(thing, moment=NOON):
    with travel(moment, tick=False):
        return thing.forecast


def test_the_pace_goes_on_to_the_end_of_the_window():
    """After 16.5 of 30 days $11 are spent: $20 at the end."""
    assert forecast(somebody(11 * 10**9, 50 * 10**9)) == Forecast(20 * 10**9, None)


def test_a_pace_that_is_too_fast_says_when_the_budget_is_gone():
    """$11 in 16.5 days are a dollar every day and a half: the two that are left last three days."""
    assert forecast(somebody(11 * 10**9, 13 * 10**9)) == Forecast(20 * 10**9, NOON + timedelta(days=3))


def test_a_pace_that_ends_exactly_at_the_budget_lasts():
    assert forecast(somebody(11 * 10**9, 20 * 10**9)) == Forecast(20 * 10**9, None)
    assert forecast(somebody(11 * 10**9, 20 * 10**9 - 1)).runs_out_at < datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("thing", "why"),
    [(somebody(5, None), "no budget"), (somebody(5, 10, None), "no window"), (somebody(0, 10), "nothing spent"),
     (somebody(10, 10), "used up"), (somebody(11, 10), "more than used up"), (somebody(0, 0), "no money at all")],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_without_a_pace_or_an_end_there_is_no_forecast(thing, why):
    assert forecast(thing) is None


@pytest.mark.parametrize(
    ("duration", "first_word_after"),
    [("1d", timedelta(hours=1)), ("7d", timedelta(hours=7)), ("1mo", timedelta(hours=30)),
     ("12h", timedelta(minutes=30))],
)  # fmt: skip
def test_the_first_hour_of_a_day_says_nothing_nor_does_as_much_of_any_other_window(duration, first_word_after):
    begins = somebody(1, 100, duration).window.start
    thing = somebody(1, 100, duration, moment=begins)
    assert forecast(thing, begins + first_word_after - timedelta(seconds=1)) is None
    assert forecast(thing, begins + first_word_after) == Forecast(24, None)


def test_who_came_in_the_middle_of_a_window_has_a_pace_of_their_own_days():
    """Since three and a half days ago: $7, and as much again for each of the 13.5 days to come."""
    thing = somebody(7 * 10**9, 50 * 10**9, since=NOON - timedelta(days=3, hours=12))
    assert forecast(thing) == Forecast(34 * 10**9, None)


def test_who_came_a_moment_ago_has_none_yet():
    assert forecast(somebody(1, 100, since=NOON)) is None
    assert forecast(somebody(1, 100, since=NOON + timedelta(seconds=1))) is None


def test_a_window_that_is_over_has_nothing_spent_and_no_forecast():
    thing = somebody(5, 10, "1d")
    assert forecast(thing, NOON + timedelta(days=1)) is None


def test_a_key_has_a_forecast_as_well():
    key = ApiKey(window_spend=5, max_budget=100, budget_duration="1d", budget_reset_at=MIDNIGHT + timedelta(days=1),
                 created_at=LONG_AGO)  # fmt: skip
    assert forecast(key) == Forecast(10, None)


@given(spend=st.integers(1, 10**18), seconds=st.integers(3_600, 86_399), more=st.integers(1, 10**18))
def test_it_is_exact_whatever_the_amounts(spend, seconds, more):
    """Rounded half up once; what is spent is never less than what was spent; the budget is gone when it says."""
    moment = MIDNIGHT + timedelta(seconds=seconds)
    limit = spend + more
    told = forecast(somebody(spend, limit, "1d", moment=moment), moment)
    exact = spend * 86_400 / seconds
    assert abs(told.spend - exact) <= max(1, exact * 1e-9)
    assert told.spend >= spend
    assert (told.runs_out_at is not None) == (told.spend > limit)
    if told.runs_out_at:
        assert moment <= told.runs_out_at <= MIDNIGHT + timedelta(days=1)


@pytest.mark.parametrize(
    ("duration", "kind", "start"),
    [("1mo", "month", datetime(2026, 6, 1, tzinfo=UTC)), ("30d", "month", datetime(2026, 6, 1, tzinfo=UTC)),
     ("7d", "week", datetime(2026, 6, 15, tzinfo=UTC)), ("1d", "day", MIDNIGHT), ("24h", "day", MIDNIGHT),
     ("12h", "other", NOON), ("3mo", "other", datetime(2026, 6, 1, tzinfo=UTC)), ("10d", "other", MIDNIGHT)],
)  # fmt: skip
def test_a_window_knows_when_it_began_and_what_it_is_called(duration, kind, start):
    with travel(NOON, tick=False):
        window = somebody(1, 10, duration).window
    assert (window.kind, window.start) == (kind, start)


def test_without_a_duration_there_is_no_window():
    assert somebody(1, 10, None).window is None
    assert Window(NOON, NOON + timedelta(hours=5)).kind == "other"
