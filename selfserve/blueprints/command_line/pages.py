"""Signing in on a command line, for the person in the browser."""

from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from selfserve.blueprints.command_line.forms import ConfirmForm
from selfserve.errors import Invalid
from selfserve.permissions import Permission
from selfserve.services import cli_logins
from selfserve.services.cli_logins import OpenLogin
from selfserve.web.guards import requires
from selfserve.web.links import settings
from selfserve.web.render import render, see_other

pages = Blueprint("command_line", __name__)


@pages.get("/cli")
@requires(Permission.ACCOUNT_READ)
def ask() -> Response:
    """Show which machine asks to sign in, and ask for the code that it shows; looking confirms nothing (S-28).

    A code in the address is not filled in: somebody else may have sent the link. RFC 8628, 5.4.
    """
    if "login" not in request.args:
        return render("command_line/begin.html")
    login = cli_logins.open_login(request.args["login"], g.client)
    return show(login, ConfirmForm(login=login.id))


@pages.post("/cli/confirm")
@requires(Permission.KEY_CREATE)
def confirm() -> Response:
    """Let the program there have a key of the person's."""
    form = ConfirmForm()
    login = cli_logins.open_login(form.login.data or "", g.client)
    try:
        if command := form.command():
            cli_logins.approve(g.actor, login.id, command.user_code)
            return see_other("command_line.done")
    except Invalid as error:
        form.put_error(error)
    return show(login, form, 422)


@pages.get("/cli/done")
@requires(Permission.ACCOUNT_READ)
def done() -> Response:
    """Send the person back to their terminal."""
    return render("command_line/done.html")


def show(login: OpenLogin, form: ConfirmForm, status: int = 200) -> Response:
    """Answer with the form that confirms."""
    hours = settings().cli_jwt_expiration_hours
    return render("command_line/ask.html", status=status, login=login, form=form, me=g.actor, hours=hours)
