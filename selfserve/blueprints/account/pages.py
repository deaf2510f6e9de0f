"""The own account, in the browser."""

from flask import Blueprint, Response, g
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.account.forms import PasswordForm
from selfserve.errors import Invalid
from selfserve.permissions import Permission
from selfserve.services import account
from selfserve.web.guards import requires, sign_in
from selfserve.web.links import settings
from selfserve.web.render import flash_toast, render, see_other

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
    try:
        if command := form.command():
            shortest = settings().selfserve_password_min_length
            sign_in(account.change_password(g.actor, command, shortest=shortest))
            flash_toast("Password changed. Every other session is signed out.")
            return see_other("account.index")
    except Invalid as error:
        form.put_error(error)
    return show(form, 422)


def show(form: PasswordForm, status: int = 200) -> Response:
    """Answer with the page, as it stands after a refused form or before any."""
    shortest = settings().selfserve_password_min_length
    owner = account.get_account(g.actor)
    return render("account/index.html", status=status, owner=owner, form=form, password_min_length=shortest)
