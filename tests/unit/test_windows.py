"""Budget windows: they end when LiteLLM's end, and follow each other without a gap, in UTC wherever the server is."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from time_machine import travel

from selfserve.clock import next_reset, reset_after, window_start
from selfserve.models import ApiKey

WEDNESDAY = datetime(2026, 3, 18, 10, 17, 23, tzinfo=UTC)
DURATIONS = ["1s", "30s", "45s", "15m", "45min", "90m", "1h", "5h", "12h", "24h", "30h", "168h", "1d", "3d", "7d", "1w"]
DURATIONS += ["2w", "30d", "31d", "90d", "1mo", "2mo", "3mo", "12mo"]

windows = st.sampled_from(DURATIONS)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def at(month, day, hour=0, minute=0, second=0, year=2026):
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("duration", "end"),
    [("30s", at(3, 18, 10, 17, 30)), ("15m", at(3, 18, 10, 30)), ("1h", at(3, 18, 11)), ("5h", at(3, 18, 15)),
     ("30h", at(3, 19, 6)), ("1d", at(3, 19)), ("3d", at(3, 21)), ("7d", at(3, 23)), ("1w", at(3, 23)),
     ("30d", at(4, 1)), ("1mo", at(4, 1))],
)  # fmt: skip
def test_the_first_window_ends_when_it_does_in_litellm(duration, end):
    assert next_reset(duration, WEDNESDAY) == end


@pytest.mark.parametrize(
    ("duration", "end"),
    [("1hr", at(3, 18, 11)), ("24h", at(3, 19)), ("90m", at(3, 18, 11, 30)), ("45s", at(3, 18, 10, 17, 45)),
     ("72h", at(3, 21)), ("168h", at(3, 25)), ("2w", at(4, 1)), ("31d", at(4, 18)), ("2mo", at(5, 1))],
)  # fmt: skip
def test_what_litellm_leaves_open_or_gets_wrong_goes_by_the_same_rules(duration, end):
    assert next_reset(duration, WEDNESDAY) == end


@given(windows, moments)
def test_a_window_holds_the_moment_that_it_was_made_for(duration, moment):
    end = next_reset(duration, moment)
    assert window_start(duration, end) <= moment < end


@given(windows, moments, st.integers(1, 20))
def test_windows_follow_each_other_without_a_gap_or_an_overlap(duration, moment, count):
    end = next_reset(duration, moment)
    for _ in range(count):
        following = reset_after(duration, end, end)
        assert window_start(duration, following) == end < following
        end = following


@given(windows, moments, st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_it_makes_no_difference_how_long_nobody_looked(duration, moment, pause):
    last = next_reset(duration, moment)
    end = reset_after(duration, last, last + pause)
    assert window_start(duration, end) <= last + pause < end
    halfway = reset_after(duration, last, last + pause / 2)
    assert end == (halfway if halfway > last + pause else reset_after(duration, halfway, last + pause))


@given(st.sampled_from(["1s", "15m", "1h", "24h", "1d", "7d", "1w", "30d", "1mo"]), moments, moments)
def test_windows_of_the_clock_and_the_calendar_are_the_same_for_everybody(duration, one, other):
    first, later = sorted((one, other))
    last = next_reset(duration, first)
    assert last > later or reset_after(duration, last, later) == next_reset(duration, later)


@pytest.mark.parametrize("year", [2026, 2028, 2100])
@pytest.mark.parametrize("duration", ["1mo", "30d"])
def test_a_monthly_budget_has_twelve_windows_a_year_each_as_long_as_its_month(duration, year):
    ends = [next_reset(duration, at(1, 31, 23, 59, 59, year=year))]
    while len(ends) < 12:
        ends.append(reset_after(duration, ends[-1], ends[-1]))
    assert ends == [*(at(month, 1, year=year) for month in range(2, 13)), at(1, 1, year=year + 1)]


@pytest.mark.parametrize(("year", "day"), [(2026, 28), (2028, 29), (2100, 28)])
def test_the_last_moment_of_february_belongs_to_february(year, day):
    assert next_reset("1mo", at(2, day, 23, 59, 59, year=year)) == at(3, 1, year=year)
    assert next_reset("1d", at(2, day, 23, 59, 59, year=year)) == at(3, 1, year=year)
    assert reset_after("1mo", at(2, 1, year=year), at(3, 1, year=year)) == at(4, 1, year=year)


@pytest.fixture(params=["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"])
def server_zone(request, monkeypatch):
    """The server stands where clocks are put forward and back, by an hour or by half of one."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "night",
    [at(3, 8, 6, 30), at(11, 1, 5, 30), at(3, 29, 0, 30), at(10, 25, 0, 30), at(4, 4, 14, 30), at(10, 3, 15, 15)],
)
@pytest.mark.parametrize("duration", ["1h", "5h", "1d", "7d", "1mo"])
def test_clocks_that_are_put_forward_or_back_change_nothing(server_zone, duration, night):
    key = ApiKey(max_budget=10, budget_duration=duration, window_spend=0, total_spend=0)
    key.budget_reset_at = next_reset(duration, night)
    with travel(night, tick=False):
        key.add_spend(7, night)
    for hours in range(1, 60):
        end, moment = key.budget_reset_at, night + timedelta(hours=hours)
        with travel(moment, tick=False):
            assert key.spend == (0 if moment >= end else key.window_spend)
            key.add_spend(1, moment)
            assert key.window.start <= moment < key.window.end
            assert key.window.start == end or key.window.end == end
