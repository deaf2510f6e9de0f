"""The ranges of the spend page: the days they hold, the days the chart spans, and the days they are compared with."""

from dataclasses import dataclass
from datetime import date, timedelta

from selfserve.clock import Days, next_reset, now, window_start
from selfserve.models import User
from selfserve.models.budget import MICROSECOND, Window
from selfserve.schemas.spend import MOST_DAYS, SpendFilter

_LENGTHS = {"7d": 7, "30d": 30, "90d": 90}
_WINDOWS = {"month": "This month", "week": "This week", "day": "Today", "other": "This period"}
_WHEN = {"month": "this month", "week": "this week", "day": "today", "other": "in this period"}
_BEFORE = {"week": "the week before", "day": "yesterday"}
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Range:
    """A range of the spend page; `name` is its word in the address, `custom` for days that were picked."""

    name: str
    days: Days
    axis: Days
    before: Days
    before_name: str
    when: str


def range_of(wanted: SpendFilter, owner: User | None) -> Range:
    """Give the range that is asked for; by default the window of the owner's budget, or else the month."""
    today = now().date()
    if wanted.days:
        return _plain("custom", wanted.days)
    if wanted.range in _LENGTHS:
        return _plain(wanted.range, Days.until(today, _LENGTHS[wanted.range]))
    return _of_window(_month() if wanted.range == "month" else _window_of(owner), today)


def presets(owner: User | None) -> list[tuple[str, str]]:
    """List the ranges to choose from, by their word in the address and in the words of the page."""
    kind = _window_of(owner).kind
    window = "month" if kind == "month" else "period", _WINDOWS[kind]
    return [("7d", "7 days"), window, ("30d", "30 days"), ("90d", "90 days")]


def _plain(name: str, days: Days) -> Range:
    """Give a range of so many days, compared with as many before it."""
    count = len(days)
    before_name = "the day before" if count == 1 else f"the {count} days before"
    when = "in these days" if name == "custom" else f"in the last {count} days"
    return Range(name, days, days, Days.until(days.first - ONE_DAY, count), before_name, when)


def _of_window(window: Window, today: date) -> Range:
    """Give the days of a window so far, compared with the window before it; the chart spans it to its end."""
    last = (window.end - MICROSECOND).date()
    axis = Days(max(window.start.date(), last - (MOST_DAYS - 1) * ONE_DAY), last)
    days, eve = Days(axis.first, min(today, last)), axis.first - ONE_DAY
    if window.kind == "month":
        return Range("month", days, axis, Days(eve.replace(day=1), eve), f"{eve:%B}", _WHEN["month"])
    before_name = _BEFORE.get(window.kind, f"the {len(axis)} days before")
    return Range("period", days, axis, Days.until(eve, len(axis)), before_name, _WHEN[window.kind])


def _window_of(owner: User | None) -> Window:
    """Give the window of somebody's budget, or else the month."""
    return (owner.window if owner else None) or _month()


def _month() -> Window:
    """Give the calendar month that holds now."""
    end = next_reset("1mo", now())
    return Window(window_start("1mo", end), end)
