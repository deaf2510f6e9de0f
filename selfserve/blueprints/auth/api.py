"""Signing in and out for scripts: the one place where the JSON face meets the cookie."""

from flask import Blueprint, g

from selfserve.errors import Forbidden, TooMany, Unauthenticated, Unavailable
from selfserve.schemas.auth import Login, LoginAnswer, LogoutAnswer
from selfserve.services import auth
from selfserve.web.guards import check_origin, public, sign_in, sign_out
from selfserve.web.links import public_link
from selfserve.web.passwords import refuse_passwords
from selfserve.web.render import accepts, raises, redirects, returns

api = Blueprint("auth_api", __name__)

_REFUSALS = (Unauthenticated, Forbidden, TooMany, Unavailable)


@api.post("/login")
@public
@accepts(Login, is_form=True)
@redirects("keys.index")
@raises(*_REFUSALS)
def login(command: Login) -> None:
    """Sign in with the form fields `username` and `password`, then go to the keys page."""
    check_origin()
    _log_in(command)


@api.post("/v2/login")
@public
@accepts(Login)
@returns(LoginAnswer)
@raises(*_REFUSALS)
def login_json(command: Login) -> LoginAnswer:
    """Sign in with JSON. No key is made and no token is in the answer: the session is in the cookie."""
    check_origin()
    _log_in(command)
    return LoginAnswer(redirect_url=public_link("/ui/keys"))


@api.post("/session/logout")
@public
@returns(LogoutAnswer)
@raises(Forbidden, Unavailable)
def logout() -> LogoutAnswer:
    """End the session of the cookie."""
    check_origin()
    return LogoutAnswer(message="Session revoked." if sign_out() else "Session already revoked.")


def _log_in(command: Login) -> None:
    """Begin a session and put it in the cookie."""
    refuse_passwords()
    sign_in(auth.log_in(command.username, command.password, g.client).session_id)
