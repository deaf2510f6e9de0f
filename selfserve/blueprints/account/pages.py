"""The own account, in the browser."""

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.account.forms import PasswordForm
from selfserve.errors import Invalid
from selfserve.permissions import Permission
from selfserve.schemas.account import AppearanceChange
from selfserve.services import account, activity, sessions
from selfserve.web.appearance import keep_appearance
from selfserve.web.guards import requires, sign_in, sign_out
from selfserve.web.links import local_path, settings
from selfserve.web.passwords import refuse_passwords
from selfserve.web.render import flash_toast, render, see_other, validated, wants_fragment
from selfserve.web.words import plural

pages = Blueprint("account", __name__)


@pages.get("/account")
@requires(Permission.ACCOUNT_READ)
def index() -> Response:
    """Show my account."""
    return show(PasswordForm())


@pages.post("/account/password")
@requires(Permission.ACCOUNT_PASSWORD)
def change_password() -> AnyResponse:
    """Change my password: every other session ends, this one goes on under a new id."""
    form = PasswordForm()
    if not take_password(form):
        return show(form, 422)
    flash_toast("Password changed. Every other session is signed out.")
    return see_other("account.index")


@pages.post("/account/sessions/<handle>/end")
@requires(Permission.SESSION_END)
def end_session(handle: str) -> AnyResponse:
    """Sign one of my devices out; when it is this one, go to the sign-in page."""
    if sessions.end_session(g.actor, handle, g.session_id):
        sign_out()
        return see_other("auth.login", bye=1)
    flash_toast("That device is signed out.")
    return back_to_sessions()


@pages.post("/account/sessions/end")
@requires(Permission.SESSION_END)
def end_other_sessions() -> AnyResponse:
    """Sign all my other devices out."""
    ended = sessions.end_other_sessions(g.actor, g.session_id)
    flash_toast(f"{plural(ended, 'other session')} signed out." if ended else "There was no other session.")
    return back_to_sessions()


@pages.post("/account/appearance")
@requires(Permission.ACCOUNT_APPEARANCE)
def change_appearance() -> AnyResponse:
    """Choose how the pages look in this browser, then go on where one was."""
    asked = validated(AppearanceChange, {"appearance": request.form.get("appearance", "")})
    response = redirect(local_path(request.form.get("next") or url_for("account.index")), 303)
    keep_appearance(response, asked.appearance)
    return response


def take_password(form: PasswordForm) -> bool:
    """Change my password as the form says and go on under a new session; tell whether that was done."""
    refuse_passwords()
    try:
        if command := form.command():
            sign_in(account.change_password(g.actor, command, shortest=settings().selfserve_password_min_length))
            return True
    except Invalid as error:
        form.put_error(error)
    return False


def show(form: PasswordForm, status: int = 200) -> Response:
    """Answer with the page, as it stands after a refused form or before any."""
    return render(
        "account/index.html",
        status=status,
        owner=account.get_account(g.actor),
        form=form,
        password_min_length=settings().selfserve_password_min_length,
        sessions=my_sessions(),
        events=activity.list_own_activity(g.actor),
    )


def back_to_sessions() -> AnyResponse:
    """Answer a deed with the sessions that are left."""
    if not wants_fragment():
        return see_other("account.index", _anchor="sessions")
    return render("account/index.html", "account/_sessions.html", sessions=my_sessions())


def my_sessions() -> sessions.SessionList:
    """List where I am signed in."""
    return sessions.list_sessions(g.actor, g.actor.id, settings().session_idle, g.session_id)
