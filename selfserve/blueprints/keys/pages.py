"""My keys and all keys, in the browser."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.keys.forms import CreateKeyForm, key_asked_for
from selfserve.blueprints.keys.snippets import example_models
from selfserve.errors import Conflict, Invalid
from selfserve.minting import mint_token
from selfserve.permissions import Permission
from selfserve.schemas.keys import KeyFilter
from selfserve.services import account, key_changes, key_deletes, key_lists, keys
from selfserve.web.filters import place_of, read_filter
from selfserve.web.guards import can, requires
from selfserve.web.render import flash_toast, render, see_other, wants_fragment

pages = Blueprint("keys", __name__)


@pages.get("/keys")
@requires(Permission.KEY_READ)
def index() -> Response:
    """Show my keys."""
    return show_list()


@pages.get("/all-keys")
@requires(Permission.KEY_OVERSEE)
def all_keys() -> Response:
    """Show everyone's keys."""
    return show_list(everyones=True)


@pages.get("/keys/new")
@requires(Permission.KEY_CREATE)
def new() -> Response:
    """Open the form that makes a key."""
    return show_panel("keys/_create.html", form=CreateKeyForm(creation_token=mint_token()))


@pages.post("/keys")
@requires(Permission.KEY_CREATE)
def create() -> AnyResponse:
    """Make a key and show its secret, once."""
    form = CreateKeyForm()
    try:
        if command := form.command():
            made = keys.create_key(g.actor, key_asked_for(command))
            return show_panel(
                "keys/_reveal.html",
                "keys/_made.html",
                201,
                made=made,
                fresh_id=made.key.id,
                **example_models(made.key.models),
            )
    except (Conflict, Invalid) as error:
        if error.param == "creation_token":
            flash_toast("That key was already made and shown.")
            return see_other("keys.index")
        form.put_error(error)
    return show_panel("keys/_create.html", status=422, form=form)


@pages.post("/keys/<uuid:key_id>/block")
@requires(Permission.KEY_BLOCK)
def block(key_id: UUID) -> AnyResponse:
    """Block a key."""
    key = key_changes.block_key(g.actor, str(key_id))
    flash_toast(f"Key “{key.name}” is blocked. Nothing can use it until it is unblocked.")
    return back_to_list(key.id)


@pages.post("/keys/<uuid:key_id>/unblock")
@requires(Permission.KEY_BLOCK)
def unblock(key_id: UUID) -> AnyResponse:
    """Unblock a key."""
    key = key_changes.unblock_key(g.actor, str(key_id))
    flash_toast(f"Key “{key.name}” works again.")
    return back_to_list(key.id)


@pages.get("/keys/<uuid:key_id>/delete")
@requires(Permission.KEY_DELETE)
def confirm_delete(key_id: UUID) -> Response:
    """Ask before a key is deleted."""
    key = keys.get_key(g.actor, str(key_id), Permission.KEY_DELETE)
    return render("keys/delete.html", "keys/_delete.html", key=key, **whereabouts(is_of_all()))


@pages.post("/keys/<uuid:key_id>/delete")
@requires(Permission.KEY_DELETE)
def delete(key_id: UUID) -> AnyResponse:
    """Delete a key."""
    key = key_deletes.delete_restorable(g.actor, [str(key_id)])[0]
    flash_toast(f"Key “{key.name}” is deleted.")
    return back_to_list()


def show_list(*, everyones: bool = False) -> Response:
    """Answer with the page, or with its list under a clean address while somebody types into the filter."""
    context = list_context(everyones)
    page = "keys/all.html" if everyones else "keys/index.html"
    response = render(page, "keys/_refresh.html", panel=None, owner=account.get_account(g.actor), **context)
    if wants_fragment():
        response.headers["HX-Push-Url"] = url_for(context["here"], **context["place"])
    return response


def show_panel(panel: str, fragment: str = "", status: int = 200, **context: Any) -> Response:
    """Answer with the panel above my keys; htmx gets the panel alone, or the fragment that brings the list along."""
    if fragment or not wants_fragment():
        context = list_context(everyones=False) | context
    return render(
        "keys/index.html", fragment or panel, status, panel=panel, owner=account.get_account(g.actor), **context
    )


def back_to_list(key_id: str | None = None) -> AnyResponse:
    """Answer a deed with the list it was done from, with the focus on the row it was done to."""
    where = whereabouts(is_of_all())
    if not wants_fragment():
        return see_other(where["here"], **where["place"])
    return render("keys/all.html", "keys/_refresh.html", **list_context(is_of_all()) | {"focus_id": key_id})


def list_context(everyones: bool) -> dict[str, Any]:
    """Give what the list needs: its rows, its filters and which row stands out."""
    where = whereabouts(everyones)
    read = key_lists.list_all_keys if everyones else key_lists.list_own_keys
    return where | {"listing": read(g.actor, where["filter"]), "fresh_id": None, "focus_id": None}


def whereabouts(everyones: bool) -> dict[str, Any]:
    """Tell which list somebody is on and how it is filtered, so that links and forms lead back to it."""
    wanted = read_filter(KeyFilter)
    place = place_of(wanted)
    return {
        "everyones": everyones,
        "here": "keys.all_keys" if everyones else "keys.index",
        "filter": wanted,
        "place": place,
        "deed": place | ({"list": "all"} if everyones else {}),
        "is_filtered": bool(place),
    }


def is_of_all() -> bool:
    """Tell whether a deed was done from the list of all keys."""
    return request.args.get("list") == "all" and can(Permission.KEY_OVERSEE)
