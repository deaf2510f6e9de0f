"""The audit log, in the browser."""

from typing import Any

from flask import Blueprint, Response, g, request, url_for

from selfserve.permissions import Permission
from selfserve.schemas.audit import AuditFilter
from selfserve.services import audit_log
from selfserve.web.filters import read_filter
from selfserve.web.guards import requires
from selfserve.web.links import settings
from selfserve.web.render import render, wants_fragment
from selfserve.web.sheets import json_lines, long_sheet

pages = Blueprint("audit", __name__)


@pages.get("/audit")
@requires(Permission.AUDIT_READ)
def index() -> Response:
    """Show the log, or only its list under a clean address while somebody types into the filter."""
    wanted = read_filter(AuditFilter)
    context = whereabouts(wanted) | {"listing": audit_log.list_log(g.actor, wanted)}
    response = render("audit/index.html", "audit/_refresh.html", kept=settings().audit_kept, **context)
    if wants_fragment():
        response.headers["HX-Push-Url"] = url_for("audit.index", **context["place"])
    return response


@pages.get("/audit/<event_id>")
@requires(Permission.AUDIT_READ)
def detail(event_id: str) -> Response:
    """Show one event in full: a page, or its rows in the list, which `shut` folds again."""
    entry = audit_log.get_entry(g.actor, event_id)
    is_open = request.args.get("shut") is None
    return render("audit/detail.html", "audit/_event.html", entry=entry, is_open=is_open, here="audit.index")


@pages.get("/audit.csv")
@requires(Permission.AUDIT_READ)
def export() -> Response:
    """Give the events that pass the filters as a file, and write down who took it."""
    return long_sheet("audit.csv", audit_log.COLUMNS, audit_log.export_log(g.actor, read_filter(AuditFilter), "csv"))


@pages.get("/audit.jsonl")
@requires(Permission.AUDIT_READ)
def export_lines() -> Response:
    """Give them as lines of JSON, in the words of the API."""
    return json_lines("audit.jsonl", audit_log.export_log(g.actor, read_filter(AuditFilter), "jsonl"))


def whereabouts(wanted: AuditFilter) -> dict[str, Any]:
    """Tell how the log is filtered, so that links keep it."""
    place = wanted.model_dump(mode="json", by_alias=True, exclude_none=True)
    filters = {name: value for name, value in place.items() if name not in ("older", "newer")}
    return {
        "here": "audit.index",
        "filter": wanted,
        "place": place,
        "filters": filters,
        "is_open": False,
        "is_filtered": bool(filters),
    }
