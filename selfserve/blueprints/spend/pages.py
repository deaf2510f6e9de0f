"""Spend, in the browser: mine, and for admins everyone's and one person's."""

import re
from typing import Any

from flask import Blueprint, Response, g, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from selfserve.errors import Invalid
from selfserve.permissions import Permission
from selfserve.schemas.spend import LiveSpend, SpendFilter
from selfserve.services import holds
from selfserve.services.spend_export import HEADER, export_days
from selfserve.services.spend_overview import give_overview
from selfserve.services.spend_ranges import presets
from selfserve.services.spend_sums import sees_all_spend
from selfserve.web.charts import draw
from selfserve.web.filters import read_filter
from selfserve.web.guards import polled, requires
from selfserve.web.render import read_query, render, render_if_new, see_other, validated, wants_fragment
from selfserve.web.sheets import sheet

pages = Blueprint("spend", __name__)


@pages.get("/spend")
@requires(Permission.SPEND_READ)
def index() -> Response:
    """Show what was spent: cards, days, models and keys, for admins people too."""
    try:
        return show(read_filter(SpendFilter))
    except Invalid as error:
        return show(asked_beside_days(), 422, refused=error)


@pages.get("/spend.csv")
@requires(Permission.SPEND_READ)
def export() -> Response:
    """Give the same days as a file."""
    file = export_days(g.actor, read_filter(SpendFilter))
    return sheet(f"spend-{file.days.first}-to-{file.days.last}.csv", HEADER, file.rows)


@pages.get("/spend/live")
@requires(Permission.SPEND_READ)
@polled
def live() -> AnyResponse:
    """Tell what somebody has spent by now of their budget."""
    if not wants_fragment():
        return see_other("spend.index")
    wanted = read_filter(LiveSpend)
    owner = holds.get_spender(g.actor, wanted.user)
    address = url_for("spend.live", user=owner.id, part=wanted.part)
    return render_if_new("spend/_live.html", owner=owner, part=wanted.part, live=address)


def place_of(wanted: SpendFilter, *words: str) -> dict[str, Any]:
    """Give what was asked for as the query of a link, all of it or only some words."""
    return wanted.model_dump(mode="json", by_alias=True, exclude_none=True, include=set(words) or None)


def show(wanted: SpendFilter, status: int = 200, refused: Invalid | None = None) -> Response:
    """Answer with the page; days that were refused stay in their form, with the reason on it."""
    overview = give_overview(g.actor, wanted)
    return render(
        "spend/index.html",
        status=status,
        refused=refused,
        picked=days_as_typed() if refused else overview.range.days,
        here="spend.index",
        overview=overview,
        chart=draw(overview.by_day, overview.range.axis),
        presets=presets(overview.owner),
        sees_all=sees_all_spend(g.actor),
        place=place_of(wanted),
        day_place=place_of(wanted, "scope", "user"),
    )


def asked_beside_days() -> SpendFilter:
    """Read what was asked for beside the days. Raises Invalid when it is not the days that are wrong."""
    asked = {name: value for name, value in read_query().items() if name not in ("from", "to") and value.strip()}
    return validated(SpendFilter, asked)


def days_as_typed() -> dict[str, str]:
    """Give the days of a refused range, as far as they look like days: nothing else is written back."""
    typed = {"first": request.args.get("from", ""), "last": request.args.get("to", "")}
    return {name: value if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) else "" for name, value in typed.items()}
