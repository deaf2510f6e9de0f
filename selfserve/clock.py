"""Time: UTC everywhere, durations as documented, budget windows. One place, so that tests can move it."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

MAX_YEARS = 100
DURATION_FORMS = "30s, 30m, 30h, 30d, 1w or 1mo"

_DURATION = re.compile(r"(\d{1,9})\s*(mo|min|hr|[smhdw])", re.ASCII | re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600, "d": 86400, "w": 604800}
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Days:
    """The days from `first` to `last`, both included (UTC)."""

    first: date
    last: date

    @classmethod
    def until(cls, last: date, count: int) -> "Days":
        """Give as many days, the last of them this one."""
        return cls(last - timedelta(days=count - 1), last)

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(len(self)))


def now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)


def after(duration: str, start: datetime) -> datetime:
    """Tell when a documented duration (`30s`, `30m`, `30h`, `30d`, `1w`, `1mo`) that begins at `start` ends.

    Raises ValueError for any other form and for what lies beyond a hundred years.
    """
    count, unit = _parse(duration)
    try:
        end = _add_months(start, count) if unit == "mo" else start + timedelta(seconds=count * _SECONDS[unit])
    except (OverflowError, ValueError):
        raise ValueError("too long") from None
    if end - start > timedelta(days=366 * MAX_YEARS):
        raise ValueError("too long")
    return end


def next_reset(duration: str, moment: datetime) -> datetime:
    """Tell when the first window of a budget ends, one that holds `moment`.

    A month (`1mo`, `30d`) ends on the first, a week (`7d`, `1w`) on Monday, other days so many after today's midnight;
    hours are counted from midnight, minutes from the hour, seconds from the minute; all in UTC. This is how LiteLLM
    snaps them, so a budget moved over from it resets at the same time.
    """
    count, unit = _parse(duration)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if months := _months(count, unit):
        return _add_months(midnight.replace(day=1), months)
    length = timedelta(seconds=count * _SECONDS[unit])
    if unit in "dw":
        return midnight + (length - timedelta(days=midnight.weekday()) if length == _WEEK else length)
    began = {"s": moment.replace(microsecond=0, second=0), "m": moment.replace(microsecond=0, second=0, minute=0)}
    start = began.get(unit[0], midnight)
    return start + ((moment - start) // length + 1) * length


def reset_after(duration: str, last: datetime, moment: datetime) -> datetime:
    """Tell when the window that holds `moment` ends, where an earlier one ended at `last`.

    The windows between follow each other without a gap, whenever somebody looks.
    """
    count, unit = _parse(duration)
    if step := _months(count, unit):
        passed = (moment.year - last.year) * 12 + moment.month - last.month
        end = _add_months(last, passed // step * step)
        return end if end > moment else _add_months(last, (passed // step + 1) * step)
    length = timedelta(seconds=count * _SECONDS[unit])
    return last + ((moment - last) // length + 1) * length


def window_start(duration: str, end: datetime) -> datetime:
    """Tell when the budget window that ends at `end` began."""
    count, unit = _parse(duration)
    if months := _months(count, unit):
        return _add_months(end, -months)
    return end - timedelta(seconds=count * _SECONDS[unit])


def _months(count: int, unit: str) -> int:
    """Tell how many calendar months a window is long, 0 where it is counted otherwise; 30 days are a month."""
    return count if unit == "mo" else int((count, unit) == (30, "d"))


def _parse(duration: str) -> tuple[int, str]:
    """Split a duration into its number and its unit."""
    match = _DURATION.fullmatch(duration.strip())
    if not match or int(match[1]) == 0:
        raise ValueError("not a duration")
    return int(match[1]), match[2].lower()


def _add_months(moment: datetime, months: int) -> datetime:
    """Move on by calendar months, staying within the month that is reached."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    if year > 9999:
        raise ValueError("too long")
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
