"""Stacked bars per day, in percent of the space they get: no script, no inline style, no fixed size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from selfserve.clock import Days
from selfserve.money import NANOS_PER_DOLLAR
from selfserve.permissions import Actor
from selfserve.services.spend_days import DaysByModel, days_of_key, days_of_user
from selfserve.services.spend_sums import Sums, add_up
from selfserve.web.figures import day_and_month, short_days, tick
from selfserve.web.words import money

MOST_SERIES = 5
MOST_LABELS = 15
FILLED, WIDEST = 0.62, 9
"""How much of its slot a bar fills, and how wide it is at most, in percent of the chart."""
_LEAST_STEP = NANOS_PER_DOLLAR // 10_000
_EMPTY_TOP, _EMPTY_STEP = 3 * NANOS_PER_DOLLAR, NANOS_PER_DOLLAR


@dataclass(frozen=True)
class Series:
    """One colour of the bars: a model, or all others together."""

    name: str
    tone: str
    spend: int


@dataclass(frozen=True)
class Box:
    """A part of a bar: its colour, where it begins from the top, and how high it is."""

    tone: str
    y: str
    height: str


@dataclass(frozen=True)
class Bar:
    """One day: its place with the space around it, and the boxes it is made of."""

    title: str
    slot: str
    x: str
    boxes: list[Box]


@dataclass(frozen=True)
class Mark:
    """A label of an axis and where it stands; every other one of the days is left out where there is little room."""

    text: str
    at: str
    is_extra: bool = False


@dataclass(frozen=True)
class Row:
    """A day as a line of the table behind the chart: what each series spent, and all together."""

    day: date
    values: list[int]
    total: int


@dataclass(frozen=True)
class Chart:
    """A chart with all that its template writes."""

    days: Days
    label: str
    series: list[Series]
    heights: list[Mark]
    bars: list[Bar]
    slot_width: str
    width: str
    axis: list[Mark]
    rows: list[Row]
    total: Sums

    @property
    def tones(self) -> dict[str, str]:
        """The colour of each model that has one."""
        return {one.name: one.tone for one in self.series}

    @property
    def is_fine(self) -> bool:
        """Whether the amounts are so small that their labels are long."""
        return any(len(mark.text) > len("$0.00") for mark in self.heights)


def chart_of_key(actor: Actor, key_id: str, days: int = 14) -> Chart:
    """Draw what a key spent lately."""
    return draw(days_of_key(actor, key_id, days))


def chart_of_user(actor: Actor, row_id: str, days: int = 30) -> Chart:
    """Draw what a person spent lately."""
    return draw(days_of_user(actor, row_id, days))


def draw(by_day: DaysByModel, axis: Days | None = None) -> Chart:
    """Draw the days, on an axis that may go on beyond them."""
    axis = axis or by_day.days
    series = _series(by_day)
    rows = [_row(day, by_day.cells.get(day, {}), series) for day in axis]
    top, step = scale(max(row.total for row in rows))
    slot = 100 / len(rows)
    width = min(slot * FILLED, WIDEST)
    return Chart(
        by_day.days,
        _label(by_day, rows),
        series,
        [Mark(tick(amount, step), percent(1 - amount / top)) for amount in range(0, top + 1, step)],
        [_bar(row, series, top, number * slot, (number + 0.5) * slot - width / 2) for number, row in enumerate(rows)],
        percent(slot / 100),
        percent(width / 100),
        [*_day_marks([row.day for row in rows], slot)],
        [row for row in rows if row.day <= by_day.days.last],
        by_day.total,
    )


def scale(highest: int) -> tuple[int, int]:
    """Choose a round height for the chart and round steps up to it: four at most."""
    if highest == 0:
        return _EMPTY_TOP, _EMPTY_STEP
    power = _LEAST_STEP
    while True:
        for step in (power, 2 * power, 5 * power // 2, 5 * power):
            if step * 4 >= highest:
                return -(-highest // step) * step, step
        power *= 10


def percent(part: float) -> str:
    """Write a length."""
    return f"{part * 100:.2f}%"


def _series(by_day: DaysByModel) -> list[Series]:
    """Give the models that spent the most a colour each, and all others one together."""
    models = by_day.models
    shown = [(name, sums) for name, sums in models if name is not None][:MOST_SERIES]
    series = [Series(name or "", f"s{number}", sums.spend) for number, (name, sums) in enumerate(shown, 1)]
    if len(models) > len(shown):
        series.append(Series("Other", "s6", add_up(sums for _, sums in models[len(shown) :]).spend))
    return series


def _row(day: date, cell: dict[str | None, Sums], series: Sequence[Series]) -> Row:
    """Give the values of a day in the order of the series; what has no colour of its own is the last one's."""
    total = sum(sums.spend for sums in cell.values())
    own = [cell[one.name].spend if one.name in cell else 0 for one in series if one.tone != "s6"]
    return Row(day, own + [total - sum(own)] * (len(series) - len(own)), total)


def _bar(row: Row, series: Sequence[Series], top: int, slot: float, x: float) -> Bar:
    """Pile up the boxes of a day."""
    boxes, base = [], 0
    for one, value in zip(series, row.values, strict=True):
        if value:
            base += value
            boxes.append(Box(one.tone, percent(1 - base / top), percent(value / top)))
    return Bar(_title(row, series), percent(slot / 100), percent(x / 100), boxes)


def _title(row: Row, series: Sequence[Series]) -> str:
    """Say a day in words."""
    if not row.total:
        return f"{day_and_month(row.day)}: no spend"
    parts = [f"{one.name} {money(value)}" for one, value in zip(series, row.values, strict=True) if value]
    told = f" ({', '.join(parts)})" if len(series) > 1 else ""
    return f"{day_and_month(row.day)}: {money(row.total)}{told}"


def _label(by_day: DaysByModel, rows: Sequence[Row]) -> str:
    """Say the chart in words, for who does not see it."""
    if not by_day.total.spend:
        return f"No spend from {short_days(by_day.days)}"
    highest = max(rows, key=lambda row: row.total)
    return (
        f"Spend per day, {short_days(by_day.days)}: {money(by_day.total.spend)} in total, "
        f"highest {money(highest.total)} on {day_and_month(highest.day)}. The same numbers are in the table."
    )


def _day_marks(days: Sequence[date], slot: float) -> Iterable[Mark]:
    """Label some of the days; the first one of each month that is labelled says which month it is."""
    every = -(-len(days) // MOST_LABELS)
    month = None
    for number, day in [*enumerate(days)][::every]:
        text = str(day.day) if day.month == month else day_and_month(day)
        month = day.month
        yield Mark(text, percent((number + 0.5) * slot / 100), bool(number // every % 2))
