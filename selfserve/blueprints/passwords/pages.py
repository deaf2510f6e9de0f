"""Passwords that are forgotten, reset, due for another one, or being typed."""

from typing import Any

from flask import Blueprint, after_this_request, g, request
from werkzeug.wrappers import Response

from selfserve.blueprints.account.forms import PasswordForm
from selfserve.blueprints.account.pages import take_password
from selfserve.blueprints.onboarding.pages import without_referrer
from selfserve.blueprints.passwords.forms import ForgotForm, NewPasswordForm
from selfserve.errors import Gone, Invalid
from selfserve.permissions import Permission
from selfserve.schemas.auth import Forgotten, PasswordCheck
from selfserve.services import account, auth, passwords, resets
from selfserve.services.onboarding import GONE
from selfserve.services.resets import OpenReset
from selfserve.web.guards import public, requires, sign_in, signed_in_actor
from selfserve.web.links import settings
from selfserve.web.passwords import may_set_password, refuse_passwords
from selfserve.web.render import flash_toast, render, see_other, validated
from selfserve.web.tokens import RESET_SECONDS, is_typing, read_reset, sign_reset

pages = Blueprint("passwords", __name__)
COOKIE = "selfserve_reset"


@pages.get("/password/forgot")
@public
def forgot() -> Response:
    """Ask whose password is forgotten; where no mail is sent, say whom to ask instead."""
    refuse_passwords()
    return render("auth/forgot.html", form=ForgotForm())


@pages.post("/password/forgot")
@public
def ask() -> Response:
    """Send a link if the address has an account, and say the same if it has none (S-20b)."""
    refuse_passwords()
    if not settings().is_mail_set:
        return see_other("passwords.forgot")
    given = ForgotForm().command() or Forgotten()
    resets.ask_for_reset(given.email, g.client)
    return see_other("passwords.sent")


@pages.get("/password/sent")
@public
def sent() -> Response:
    """Say that a link is on its way, if there is an account."""
    return render("auth/forgot_sent.html")


@pages.get("/reset")
@public
def reset() -> Response:
    """Show the form; what opens the link moves from the address into a cookie first. Looking never uses it up."""
    secret = request.args.get("id")
    if secret is None:
        return show(opened(), NewPasswordForm())
    after_this_request(without_referrer)
    found = resets.open_reset_link(secret, g.client)
    response = see_other("passwords.reset")
    keep(response, sign_reset(found.id))
    return response


@pages.post("/reset")
@public
def claim() -> Response:
    """Use the link up: set the password, end every session, sign in."""
    link, form = opened(), NewPasswordForm()
    if not may_set_password(link):
        refuse_passwords()
    try:
        if command := form.command():
            shortest = settings().selfserve_password_min_length
            user = resets.claim(link.id, command.password, g.client, shortest=shortest)
            sign_in(auth.begin_session(user, g.client, is_break_glass=link.is_break_glass))
            flash_toast("Your new password is set. Every other session is signed out.")
            response = see_other("keys.index")
            keep(response, "", seconds=0)
            return response
    except Invalid as error:
        form.put_error(error)
    return show(link, form, 422)


@pages.post("/password/check")
@public
def check() -> Response:
    """Say how hard the password is to guess that is being typed; nothing of it is kept or written down.

    Judging takes a while, so only pages that ask for a password may ask, and a busy worker says nothing.
    """
    typed = validated(PasswordCheck, request.form.to_dict())
    if not is_typing(typed.page):
        return Response(status=204)
    about: list[str | None] = [typed.username, typed.email, typed.alias]
    password = typed.password or typed.new_password
    with passwords.judging() as is_free:
        if not is_free:
            return Response(status=204)
        strength = passwords.judge(password, settings().selfserve_password_min_length, about) if password else None
    return render("auth/_strength.html", strength=strength)


@pages.get("/password/new")
@requires(Permission.ACCOUNT_PASSWORD)
def new() -> Response:
    """Ask somebody for a new password who may do nothing else before."""
    return show_due(PasswordForm())


@pages.post("/password/new")
@requires(Permission.ACCOUNT_PASSWORD)
def save() -> Response:
    """Take the new password, then go on."""
    form = PasswordForm()
    if not take_password(form):
        return show_due(form, 422)
    flash_toast("Your new password is set. Every other session is signed out.")
    return see_other("keys.index")


def opened() -> OpenReset:
    """Give the link that the cookie names. Raises Gone, the same for every cause."""
    link_id = read_reset(request.cookies.get(COOKIE, ""))
    if link_id is None:
        raise Gone(GONE)
    return resets.open_reset(link_id)


def show(link: OpenReset, form: NewPasswordForm, status: int = 200) -> Response:
    """Answer with the form behind a link."""
    if not may_set_password(link):
        refuse_passwords()
    shortest = settings().selfserve_password_min_length
    told: dict[str, Any] = {"open": link, "visitor": signed_in_actor(), "password_min_length": shortest}
    return render("auth/reset.html", status=status, form=form, **told)


def show_due(form: PasswordForm, status: int = 200) -> Response:
    """Answer with the form that must be filled in first."""
    shortest = settings().selfserve_password_min_length
    owner = account.get_account(g.actor)
    return render("auth/new_password.html", status=status, form=form, owner=owner, password_min_length=shortest)


def keep(response: Response, token: str, seconds: int = RESET_SECONDS) -> None:
    """Keep the signed name of the link where only this page gets it, for a quarter of an hour."""
    path = f"{settings().server_root_path}/ui/reset"
    secure = settings().is_https
    response.set_cookie(COOKIE, token, max_age=seconds, path=path, secure=secure, httponly=True, samesite="Lax")
