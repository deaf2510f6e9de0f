"""My keys and all keys, in the browser: seen, made, blocked, deleted and brought back."""

from uuid import UUID

from flask import Blueprint, Response, g, request
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.keys.forms import CreateKeyForm, key_asked_for
from selfserve.blueprints.keys.key_page import back_to_where, is_of_its_page, whereabouts_of
from selfserve.blueprints.keys.lists import LISTS, back_to_list, show_list, show_panel, ticked, told
from selfserve.blueprints.keys.snippets import examples_of
from selfserve.errors import Conflict, Invalid, NotFound
from selfserve.minting import mint_token
from selfserve.permissions import Permission
from selfserve.services import key_changes, key_deletes, key_restores, key_use, keys
from selfserve.web.guards import requires
from selfserve.web.render import flash_toast, render, see_other

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
            shown = {"made": made, "fresh_id": made.key.id, **examples_of(made.key)}
            return show_panel("keys/_reveal.html", "keys/_made.html", 201, **shown)
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
    return back_to_where(key.id)


@pages.post("/keys/<uuid:key_id>/unblock")
@requires(Permission.KEY_BLOCK)
def unblock(key_id: UUID) -> AnyResponse:
    """Unblock a key."""
    key = key_changes.unblock_key(g.actor, str(key_id))
    flash_toast(f"Key “{key.name}” works again.")
    return back_to_where(key.id)


@pages.get("/keys/<uuid:key_id>/delete")
@requires(Permission.KEY_DELETE)
def confirm_delete(key_id: UUID) -> Response:
    """Ask before a key is deleted, and say who uses it."""
    key = keys.get_key(g.actor, str(key_id), Permission.KEY_DELETE)
    return render("keys/delete.html", "keys/_delete.html", key=key, use=key_use.use_of(key), **whereabouts_of(key))


@pages.post("/keys/<uuid:key_id>/delete")
@requires(Permission.KEY_DELETE)
def delete(key_id: UUID) -> AnyResponse:
    """Delete a key; for ten minutes it can be brought back."""
    (key,) = key_deletes.delete_restorable(g.actor, [str(key_id)])
    flash_toast(f"Key “{key.name}” is deleted.", undo=[key.id])
    if is_of_its_page():
        return see_other(LISTS[key.owner_id != g.actor.id])
    return back_to_list()


@pages.post("/keys/restore")
@requires(Permission.KEY_DELETE)
def restore() -> AnyResponse:
    """Undo a delete."""
    try:
        restored = key_restores.restore_keys(g.actor, ticked(request.form))
    except NotFound as error:
        error.title = "Too late to undo"
        raise
    except Conflict as error:
        flash_toast(error.message, "bad")
        return back_to_list(status=error.status)
    flash_toast(f"{told(restored)} back, as before.")
    return back_to_list(restored[0].id)
