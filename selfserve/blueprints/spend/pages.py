"""Spend, in the browser: mine, and for admins everyone's and one person's."""

from typing import Any

from flask import Blueprint, Response, g

from selfserve.permissions import Permission
from selfserve.schemas.spend import SpendFilter
from selfserve.services.spend_export import HEADER, export_days
from selfserve.services.spend_overview import give_overview
from selfserve.services.spend_ranges import presets
from selfserve.services.spend_sums import sees_all_spend
from selfserve.web.charts import draw
from selfserve.web.filters import read_filter
from selfserve.web.guards import requires
from selfserve.web.render import render
from selfserve.web.sheets import sheet

pages = Blueprint("spend", __name__)


@pages.get("/spend")
@requires(Permission.SPEND_READ)
def index() -> Response:
    """Show what was spent: cards, days, models and keys, for admins people too."""
    wanted = read_filter(SpendFilter)
    overview = give_overview(g.actor, wanted)
    return render(
        "spend/index.html",
        here="spend.index",
        overview=overview,
        chart=draw(overview.by_day, overview.range.axis),
        presets=presets(overview.owner),
        sees_all=sees_all_spend(g.actor),
        place=place_of(wanted),
        day_place=place_of(wanted, "scope", "user"),
    )


@pages.get("/spend.csv")
@requires(Permission.SPEND_READ)
def export() -> Response:
    """Give the same days as a file."""
    file = export_days(g.actor, read_filter(SpendFilter))
    return sheet(f"spend-{file.days.first}-to-{file.days.last}.csv", HEADER, file.rows)


def place_of(wanted: SpendFilter, *words: str) -> dict[str, Any]:
    """Give what was asked for as the query of a link, all of it or only some words."""
    return wanted.model_dump(mode="json", by_alias=True, exclude_none=True, include=set(words) or None)
