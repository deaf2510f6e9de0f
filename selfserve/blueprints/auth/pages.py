"""Signing in and out, in the browser."""

from flask import Blueprint, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from selfserve.blueprints.auth.forms import LoginForm
from selfserve.errors import Unauthenticated
from selfserve.schemas.auth import Login
from selfserve.services import auth, sso
from selfserve.web.guards import public, sign_in, sign_out, signed_in_actor
from selfserve.web.links import local_path, providers, settings
from selfserve.web.passwords import refuse_passwords
from selfserve.web.render import render, see_other

pages = Blueprint("auth", __name__)


@pages.get("/")
@public
def home() -> Response:
    """Go to my keys, or to the sign-in page."""
    return see_other("keys.index" if signed_in_actor() else "auth.login")


@pages.get("/login")
@public
def login() -> Response:
    """Show the sign-in page, unless somebody is signed in already."""
    if signed_in_actor():
        return redirect(local_path(request.args.get("next")), 303)
    return show(LoginForm())


@pages.post("/login")
@public
def log_in() -> Response:
    """Sign in by password, then go on to where the person was going."""
    refuse_passwords()
    form = LoginForm()
    given = form.command() or Login()
    try:
        sign_in(auth.log_in(given.username, given.password, g.client).session_id)
    except Unauthenticated as error:
        form.put_error(error)
        return show(form, 422)
    return redirect(local_path(request.args.get("next")), 303)


@pages.get("/logout")
@public
def logout() -> Response:
    """Ask before signing out, so that a link cannot do it."""
    return render("auth/logout.html") if signed_in_actor() else see_other("auth.login")


@pages.post("/logout")
@public
def log_out() -> Response:
    """End the session and leave nothing of it in the browser's cache."""
    began_by = sso.issuer_of(current_user.get_id()) if signed_in_actor() else None
    left = next((one.name for one in providers().values() if one.vouches_as(began_by)), 1)
    sign_out()
    response = redirect(settings().proxy_logout_url or url_for("auth.login", bye=left), 303)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def show(form: LoginForm, status: int = 200) -> Response:
    """Answer with the sign-in page."""
    bye = request.args.get("bye")
    left = providers().get(bye or "")
    return render(
        "auth/login.html",
        status=status,
        form=form,
        next=request.args.get("next"),
        is_bye=bye is not None,
        is_stale="stale" in request.args,
        left=left if left and left.can_sign_out else None,
    )
