"""A key gets a new secret, in the browser; the old one keeps working for a while, or not."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, g, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.keys.forms import RotateKeyForm, rotation_asked_for
from selfserve.blueprints.keys.key_page import back_to_where, key_context, whereabouts_of
from selfserve.blueprints.keys.pages import pages
from selfserve.clock import after, now
from selfserve.errors import Conflict
from selfserve.permissions import Permission
from selfserve.services import key_rotation, keys
from selfserve.web.guards import requires
from selfserve.web.render import flash_toast, render, see_other, wants_fragment


@pages.get("/keys/<uuid:key_id>/rotate")
@requires(Permission.KEY_ROTATE)
def ask_rotate(key_id: UUID) -> Response:
    """Ask how long the old secret keeps working."""
    return show_rotate(keys.get_key(g.actor, str(key_id), Permission.KEY_ROTATE))


@pages.post("/keys/<uuid:key_id>/rotate")
@requires(Permission.KEY_ROTATE)
def rotate(key_id: UUID) -> AnyResponse:
    """Give a key a new secret and show it, once."""
    key = keys.get_key(g.actor, str(key_id), Permission.KEY_ROTATE)
    form = RotateKeyForm()
    try:
        if command := form.command():
            made = key_rotation.rotate_key(g.actor, rotation_asked_for(key.id, command), tail=command.tail)
            response = render("keys/rotated.html", "keys/_rotated.html", 201, made=made, **key_context(made.key))
            address = url_for("keys.detail", key_id=key.id)
            response.headers.update({"HX-Retarget": "#main", "HX-Reswap": "innerHTML", "HX-Push-Url": address})
            return response
    except Conflict as error:
        if error.param == "tail":
            flash_toast(error.message)
            return see_other("keys.detail", key_id=key_id)
        form.put_error(error)
    return show_rotate(key, form, 422)


@pages.post("/keys/<uuid:key_id>/grace/end")
@requires(Permission.KEY_ROTATE)
def end_grace(key_id: UUID) -> AnyResponse:
    """Stop a key's old secret at once."""
    key = key_rotation.end_grace(g.actor, str(key_id))
    if request.form.get("then") == "rotate":
        where = whereabouts_of(key)["deed"]
        return show_rotate(key) if wants_fragment() else see_other("keys.ask_rotate", key_id=key_id, **where)
    flash_toast(f"The old secret of “{key.name}” does not work any more.")
    return back_to_where(key.id, focus="secrets")


def show_rotate(key: Any, form: RotateKeyForm | None = None, status: int = 200) -> Response:
    """Answer with the question, as a page or in the dialog."""
    form = form or RotateKeyForm(tail=key.tail)
    ends = {grace: end_of_grace(key, grace) for grace in ("1h", "24h", "7d")}
    return render("keys/rotate.html", "keys/_rotate.html", status, key=key, form=form, ends=ends, **whereabouts_of(key))


def end_of_grace(key: Any, grace: str) -> datetime:
    """Tell when the old secret would stop: never later than the key itself."""
    ends_at = after(grace, now())
    return min(ends_at, key.expires_at) if key.expires_at else ends_at
