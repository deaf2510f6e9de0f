"""Where a deed is done from and leads back to: the list of users, as it was filtered, or the page of one."""

from typing import Any

from flask import Response, g, url_for
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.users.forms import ROLES
from selfserve.schemas.users import UserFilter
from selfserve.services import activity, sessions, user_details, user_lists
from selfserve.web.charts import chart_of_user
from selfserve.web.filters import place_of, read_filter
from selfserve.web.links import settings
from selfserve.web.render import render, see_other, wants_fragment


def whereabouts() -> dict[str, Any]:
    """Tell how the list is filtered and whether a person's page is open, so that links and forms lead back there."""
    wanted = read_filter(UserFilter)
    deed = place_of(wanted)
    return {
        "here": "users.index",
        "filter": wanted,
        "place": {name: value for name, value in deed.items() if name != "at"},
        "deed": deed,
        "is_person": wanted.at == "person",
        "is_filtered": bool(wanted.q or wanted.role or wanted.status),
    }


def list_context() -> dict[str, Any]:
    """Give what the list needs: its rows, its filters, its counts and which row stands out."""
    where = whereabouts()
    return where | {
        "listing": user_lists.list_user_page(g.actor, where["filter"]),
        "counts": user_lists.count_by_status(g.actor),
        "role_choices": ROLES,
        "fresh_id": None,
        "focus_id": None,
    }


def person_context(user_id: str) -> dict[str, Any]:
    """Give what the page of a person needs; its forms lead back to it."""
    detail = user_details.get_detail(g.actor, user_id)
    signed_in = sessions.list_sessions(g.actor, user_id, settings().session_idle, None)
    return {
        "here": "users.index",
        "deed": {"at": "person"},
        "is_person": True,
        "row": detail,
        "user": detail.user,
        "keys": user_details.list_newest_keys(g.actor, detail.user),
        "sessions": signed_in,
        "last_seen": signed_in.rows[0] if signed_in.rows else None,
        "made_links": user_details.list_links(g.actor, detail.user),
        "chart": chart_of_user(g.actor, user_id),
        "day_place": {"user": user_id},
        "events": activity.list_user_activity(g.actor, detail.user),
        "focus_id": None,
    }


def show_person(user_id: str, fragment: str = "users/_person_refresh.html", status: int = 200) -> Response:
    """Answer with the page of a person, or with all of it that can change and the focus on their menu."""
    context = person_context(user_id) | {"focus_id": user_id if wants_fragment() else None}
    return render("users/detail.html", fragment, status, panel=None, **context)


def show_panel(panel: str, fragment: str = "", status: int = 200, user_id: str = "", **context: Any) -> Response:
    """Answer with the panel above the list or a person; htmx gets it alone, or the fragment that brings them along."""
    page = "users/detail.html" if user_id else "users/index.html"
    if fragment or not wants_fragment():
        context = (person_context(user_id) if user_id else list_context()) | context
    return render(page, fragment or panel, status, panel=panel, **context)


def back_to_place(user_id: str, status: int = 200) -> AnyResponse:
    """Answer a deed from where it was done: the person's page, or the list with the focus on their row."""
    where = whereabouts()
    if where["is_person"]:
        return show_person(user_id, status=status) if wants_fragment() else see_other("users.detail", user_id=user_id)
    if not wants_fragment():
        return see_other("users.index", **where["place"])
    return render("users/index.html", "users/_refresh.html", status, **list_context() | {"focus_id": user_id})


def back_to_list() -> AnyResponse:
    """Answer a delete with the list, as it was filtered if it was done from there."""
    where = whereabouts()
    if where["is_person"] or not wants_fragment():
        return see_other("users.index", **where["place"])
    return render("users/index.html", "users/_refresh.html", **list_context())


def origin_of(user_id: str) -> str:
    """Give the address of the page that a question about a user was asked from."""
    where = whereabouts()
    if where["is_person"]:
        return url_for("users.detail", user_id=user_id)
    return url_for("users.index", **where["place"])
