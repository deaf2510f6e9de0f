"""One key, in the browser: seen, renamed, its limits changed."""

from typing import Any
from uuid import UUID

from flask import Response, g
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.keys.forms import EditKeyForm, RenameKeyForm, changes_asked_for
from selfserve.blueprints.keys.key_page import back_to_where, on_its_page, show_calls, show_key, whereabouts_of
from selfserve.blueprints.keys.pages import pages
from selfserve.errors import Conflict, Forbidden, Invalid, Stale
from selfserve.permissions import Permission
from selfserve.schemas.keys import KeyUpdate
from selfserve.schemas.spend import CallFilter
from selfserve.services import key_changes, keys
from selfserve.web.filters import read_filter
from selfserve.web.guards import requires
from selfserve.web.render import flash_toast, render


@pages.get("/keys/<uuid:key_id>")
@requires(Permission.KEY_READ)
def detail(key_id: UUID) -> Response:
    """Show all about a key but its secret."""
    return show_key(str(key_id))


@pages.get("/keys/<uuid:key_id>/calls")
@requires(Permission.SPEND_READ)
def calls(key_id: UUID) -> Response:
    """Show calls with a key, newest first, all or those that failed or are of unknown cost."""
    return show_calls(str(key_id), read_filter(CallFilter))


@pages.get("/keys/<uuid:key_id>/edit")
@requires(Permission.KEY_UPDATE)
def ask_edit(key_id: UUID) -> Response:
    """Open the form that changes a key's limits."""
    key = keys.get_key(g.actor, str(key_id), Permission.KEY_UPDATE)
    return show_edit(key, EditKeyForm(key))


@pages.post("/keys/<uuid:key_id>/edit")
@requires(Permission.KEY_UPDATE)
def edit(key_id: UUID) -> AnyResponse:
    """Change a key's limits."""
    key = keys.get_key(g.actor, str(key_id), Permission.KEY_UPDATE)
    form = EditKeyForm(key)
    try:
        if asked := form.command():
            command = changes_asked_for(key, asked)
            if command.model_fields_set == {"key"}:
                flash_toast("Nothing was to be changed.")
            else:
                key_changes.update_key(g.actor, command, shown=asked.shown)
                flash_toast(f"Key “{key.name}” is changed.")
            return back_to_where(key.id, focus="details")
    except Stale as error:
        key = keys.get_key(g.actor, key.id, Permission.KEY_UPDATE)
        return show_edit(key, EditKeyForm(key, is_fresh=True).recall(form, error), error.status)
    except (Conflict, Forbidden, Invalid) as error:
        form.put_error(error)
    return show_edit(key, form, 422)


@pages.get("/keys/<uuid:key_id>/rename")
@requires(Permission.KEY_UPDATE)
def ask_rename(key_id: UUID) -> Response:
    """Open the form that gives a key another name."""
    key = keys.get_key(g.actor, str(key_id), Permission.KEY_UPDATE)
    return show_rename(key, RenameKeyForm(key_alias=key.alias))


@pages.post("/keys/<uuid:key_id>/rename")
@requires(Permission.KEY_UPDATE)
def rename(key_id: UUID) -> AnyResponse:
    """Give a key another name."""
    key = keys.get_key(g.actor, str(key_id), Permission.KEY_UPDATE)
    form = RenameKeyForm()
    try:
        if command := form.command():
            key_changes.update_key(g.actor, KeyUpdate(key=key.id, key_alias=command.key_alias))
            flash_toast(f"The key is called “{command.key_alias}” now.")
            return back_to_where(key.id)
    except (Conflict, Forbidden, Invalid) as error:
        form.put_error(error)
    return show_rename(key, form, 422)


def show_edit(key: Any, form: EditKeyForm, status: int = 200) -> Response:
    """Answer with the form for a key's limits, as a page or in its place on the key's page."""
    return render("keys/edit.html", "keys/_edit.html", status, key=key, owner=key.owner, form=form, **on_its_page(key))


def show_rename(key: Any, form: RenameKeyForm, status: int = 200) -> Response:
    """Answer with the form for a key's name, as a page or in the place of the name, where others may be open."""
    form.key_alias.id = f"name-{key.id}"
    return render("keys/rename.html", "keys/_rename.html", status, key=key, form=form, **whereabouts_of(key))
