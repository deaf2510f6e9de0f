"""The page behind an invitation link."""

from flask import Blueprint, after_this_request, g, request
from werkzeug.wrappers import Response

from selfserve.blueprints.onboarding.forms import ChoosePasswordForm
from selfserve.errors import Conflict, Gone, Invalid
from selfserve.permissions import Permission, Role, reach
from selfserve.services import auth, onboarding
from selfserve.services.onboarding import GONE, OpenInvitation
from selfserve.web.guards import public, sign_in, signed_in_actor
from selfserve.web.links import settings
from selfserve.web.passwords import may_set_password, refuse_passwords
from selfserve.web.render import render, see_other
from selfserve.web.tokens import ONBOARDING_SECONDS, read_onboarding, sign_onboarding

pages = Blueprint("onboarding", __name__)
COOKIE = "selfserve_onboarding"


@pages.get("/onboarding")
@public
def welcome() -> Response:
    """Show the form; the link's id moves from the address into a cookie first. Looking never uses the link up."""
    secret = request.args.get("id") or request.args.get("invitation_id")
    if secret is None:
        return show(opened(), ChoosePasswordForm())
    after_this_request(without_referrer)
    found = onboarding.open_link(secret, g.client)
    response = see_other("onboarding.welcome")
    keep(response, sign_onboarding(found.id))
    return response


@pages.post("/onboarding")
@public
def claim() -> Response:
    """Use the link up: set the password, sign in, go on to the first key."""
    invitation, form = opened(), ChoosePasswordForm()
    if not may_set_password(invitation):
        refuse_passwords()
    try:
        if command := form.command():
            shortest = settings().selfserve_password_min_length
            user = onboarding.claim(invitation.id, command.password, command.email, g.client, shortest=shortest)
            sign_in(auth.begin_session(user, g.client, is_break_glass=invitation.is_break_glass))
            may_create = reach(Role(user.role), Permission.KEY_CREATE) is not None
            response = see_other("keys.new" if may_create else "keys.index")
            keep(response, "", seconds=0)
            return response
    except (Conflict, Invalid) as error:
        form.put_error(error)
    return show(invitation, form, 422)


def opened() -> OpenInvitation:
    """Give the invitation that the cookie names. Raises Gone, the same for every cause."""
    invitation_id = read_onboarding(request.cookies.get(COOKIE, ""))
    if invitation_id is None:
        raise Gone(GONE)
    return onboarding.open_invitation(invitation_id)


def show(invitation: OpenInvitation, form: ChoosePasswordForm, status: int = 200) -> Response:
    """Answer with the form."""
    shortest = settings().selfserve_password_min_length
    return render(
        "onboarding/welcome.html",
        status=status,
        open=invitation,
        form=form,
        password_min_length=shortest,
        may_choose_password=may_set_password(invitation),
        visitor=signed_in_actor(),
    )


def keep(response: Response, token: str, seconds: int = ONBOARDING_SECONDS) -> None:
    """Keep the signed name of the invitation where only this page gets it, for a quarter of an hour."""
    path = f"{settings().server_root_path}/ui/onboarding"
    secure = settings().is_https
    response.set_cookie(COOKIE, token, max_age=seconds, path=path, secure=secure, httponly=True, samesite="Lax")


def without_referrer(response: Response) -> Response:
    """Keep the link's id out of the next request's Referer."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
