"""Signing in and out for scripts: the one place where the JSON face meets the cookie."""

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response

from selfserve.schemas.auth import Login, LoginAnswer, LogoutAnswer
from selfserve.services import auth
from selfserve.web.guards import check_origin, public, sign_in, sign_out
from selfserve.web.links import public_link
from selfserve.web.render import accepts, returns, validated

api = Blueprint("auth_api", __name__)


@api.post("/login")
@public
def login() -> Response:
    """Sign in with the form fields `username` and `password`, then go to the keys page."""
    check_origin()
    _log_in(validated(Login, request.form.to_dict()))
    return redirect(url_for("keys.index"), 303)


@api.post("/v2/login")
@public
@accepts(Login)
@returns(LoginAnswer)
def login_json(command: Login) -> LoginAnswer:
    """Sign in with JSON. No key is made and no token is in the answer: the session is in the cookie."""
    check_origin()
    _log_in(command)
    return LoginAnswer(redirect_url=public_link("/ui/keys"))


@api.post("/session/logout")
@public
@returns(LogoutAnswer)
def logout() -> LogoutAnswer:
    """End the session of the cookie."""
    check_origin()
    return LogoutAnswer(message="Session revoked." if sign_out() else "Session already revoked.")


def _log_in(command: Login) -> None:
    """Begin a session and put it in the cookie."""
    sign_in(auth.log_in(command.username, command.password, g.client).session_id)
