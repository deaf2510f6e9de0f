"""Spend per day and model, for the charts: from the daily sums only, one query each."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select

from selfserve.clock import Days, now
from selfserve.extensions import db
from selfserve.models import DailySpend
from selfserve.permissions import Actor
from selfserve.services.spend_sums import Sums, add_up, read_sums, sees_all_spend, sums_of

MOST_MODELS = 20


@dataclass(frozen=True)
class DaysByModel:
    """The sums of each day and model; models beyond the first ones come together, under no name."""

    days: Days
    cells: dict[date, dict[str | None, Sums]]
    before: Sums
    model_count: int

    @property
    def total(self) -> Sums:
        """The sums of all days."""
        return add_up(sums for cell in self.cells.values() for sums in cell.values())

    @property
    def models(self) -> list[tuple[str | None, Sums]]:
        """The sums of each model, whatever spent the most first; those without a name come last."""
        parts: dict[str | None, list[Sums]] = defaultdict(list)
        for cell in self.cells.values():
            for model, sums in cell.items():
                parts[model].append(sums)
        summed = [(model, add_up(each)) for model, each in parts.items()]
        return sorted(summed, key=lambda one: (one[0] is None, -one[1].spend, -one[1].requests, one[0]))


def days_of_key(actor: Actor, key_id: str, count: int) -> DaysByModel:
    """Sum up the last days of one key, as far as its spend is within reach."""
    own = [] if sees_all_spend(actor) else [DailySpend.user_pk == actor.id]
    return read_days([DailySpend.key_id == key_id, *own], Days.until(now().date(), count))


def days_of_user(actor: Actor, row_id: str, count: int) -> DaysByModel:
    """Sum up the last days of one person, as far as their spend is within reach."""
    own = [] if sees_all_spend(actor) else [DailySpend.user_pk == actor.id]
    return read_days([DailySpend.user_pk == row_id, *own], Days.until(now().date(), count))


def read_days(whose: list[Any], days: Days, before: Days | None = None) -> DaysByModel:
    """Sum up days per model, and all of the days before them that they are compared with."""
    cells: dict[date, dict[str | None, Sums]] = defaultdict(dict)
    earlier, model_count = [], 0
    for day, model, model_count, *sums in db.session.execute(_per_day_and_model(whose, days, before)):  # noqa: B007
        if day < days.first:
            earlier.append(read_sums(sums))
        else:
            cells[day][model] = read_sums(sums)
    return DaysByModel(days, cells, add_up(earlier), model_count)


def _per_day_and_model(whose: list[Any], days: Days, before: Days | None) -> Select[Any]:
    """Select the sums per day and model; the table itself is read once."""
    span = DailySpend.day.between(before.first if before else days.first, days.last)
    place = DailySpend.day, DailySpend.model
    each = select(*place, *sums_of()).where(*whose, span).group_by(*place).cte("per_day_and_model")
    most = func.sum(each.c.spend).desc(), func.sum(each.c.requests).desc(), each.c.model
    ranked = select(each.c.model, func.count().over().label("count")).where(each.c.day >= days.first)
    top = ranked.group_by(each.c.model).order_by(*most).limit(MOST_MODELS).cte("top_models")
    count = select(func.coalesce(func.max(top.c.count), 0)).scalar_subquery()
    rows = select(each.c.day, top.c.model, count, *sums_of(each.c)).outerjoin(top, top.c.model == each.c.model)
    return rows.group_by(each.c.day, top.c.model).order_by(each.c.day)
