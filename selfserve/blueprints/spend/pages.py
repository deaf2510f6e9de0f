"""My spend, in the browser."""

from flask import Blueprint, Response, g, request

from selfserve.permissions import Permission
from selfserve.services import account, spend
from selfserve.web.guards import requires
from selfserve.web.render import render

pages = Blueprint("spend", __name__)
RANGES = (7, 30, 90)
USUAL_RANGE = 30


@pages.get("/spend")
@requires(Permission.SPEND_READ)
def index() -> Response:
    """Show what I spent, per day and model."""
    asked = request.args.get("days", "")
    days = int(asked) if asked in map(str, RANGES) else USUAL_RANGE
    owner = account.get_account(g.actor)
    return render("spend/index.html", summary=spend.summarise(g.actor, days), days=days, ranges=RANGES, owner=owner)
