"""Confirming who is signed in before a deed that wants it, in the browser (S-39)."""

from flask import Blueprint, g, redirect, request
from werkzeug.wrappers import Response

from selfserve.blueprints.sso.pages import send_to
from selfserve.errors import Conflict, Invalid, NotFound, TooMany
from selfserve.permissions import Permission
from selfserve.services import proofs
from selfserve.web.guards import go_on_as, requires
from selfserve.web.links import local_path
from selfserve.web.passwords import refuse_passwords
from selfserve.web.proofs import ConfirmForm, provider_of_session, show_proof, takes_password
from selfserve.web.render import flash_toast, render, see_other

pages = Blueprint("confirm", __name__)


@pages.post("/confirm")
@requires(Permission.ACCOUNT_READ)
def by_password() -> Response:
    """Take the password, then let the browser send on what it was about to send: 307 keeps the form as it is."""
    refuse_passwords()
    form, target = ConfirmForm(), request.args.get("next", "")
    try:
        if command := form.command():
            go_on_as(proofs.prove_by_password(g.actor, g.session_id, command.current_password))
            return send_on(target)
    except (Invalid, TooMany) as error:
        form.put_error(error)
        return show_proof(form, target, error.status)
    return show_proof(form, target, 422)


@pages.get("/confirm/sso")
@requires(Permission.ACCOUNT_READ)
def by_provider() -> Response:
    """Send who is signed in to their provider, which asks them anew; it is a link, because a form must not lead out."""
    if takes_password():
        raise Conflict(proofs.ASKED_HERE)
    provider = provider_of_session()
    if provider is None:
        raise NotFound("No provider that is set up here vouches for you. Sign out, then sign in again.")
    return send_to(provider, None, session_id=g.session_id)


@pages.get("/confirm/done")
@requires(Permission.ACCOUNT_READ)
def done() -> Response:
    """Send somebody who came from their provider back to the page that waits for them."""
    return render("confirm/done.html")


def send_on(target: str) -> Response:
    """Send on to a deed of ours what was typed for it; anywhere else nothing is sent."""
    if local_path(target) == target:
        return redirect(target, 307)
    flash_toast("It is you. Do again what you were about to do.")
    return see_other("keys.index")
