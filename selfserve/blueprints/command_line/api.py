"""Signing in on a command line, for the program there."""

from flask import Blueprint, g, request

from selfserve.errors import Forbidden, NotFound, TooMany, Unavailable
from selfserve.schemas.cli_logins import CliPending, CliPolled, CliReady, CliStarted
from selfserve.services import cli_logins
from selfserve.web.guards import public
from selfserve.web.links import cli_link, settings
from selfserve.web.render import raises, returns, wants_header

api = Blueprint("command_line_api", __name__)
SECRET = "x-litellm-cli-poll-secret"  # noqa: S105 - the name of a header


@api.post("/sso/cli/start")
@public
@returns(CliStarted)
@raises(TooMany, Unavailable)
def start() -> CliStarted:
    """Begin to sign in: open `verification_uri_complete` in a browser, compare `user_code` there, and poll meanwhile.

    Without `PROXY_BASE_URL` the address is null: open `/sso/key/generate?source=litellm-cli&key=<login_id>` yourself.
    """
    begun = cli_logins.start(g.client)
    return CliStarted(
        login_id=begun.login_id,
        poll_secret=begun.poll_secret,
        user_code=begun.user_code,
        expires_in=int(cli_logins.LIFETIME.total_seconds()),
        verification_uri_complete=cli_link(begun.login_id, begun.user_code),
    )


@api.get("/sso/cli/poll/<login_id>")
@public
@returns(CliPolled)
@wants_header(SECRET, "The `poll_secret` of `POST /sso/cli/start`.")
@raises(Forbidden, NotFound, TooMany, Unavailable)
def poll(login_id: str) -> CliPending | CliReady:
    """Ask whether somebody confirmed the sign-in; the first answer after that holds the key, and there is no second.

    The key is theirs and works for `CLI_JWT_EXPIRATION_HOURS`.
    """
    hours = settings().cli_jwt_expiration_hours
    made = cli_logins.poll(login_id, request.headers.get(SECRET, ""), g.client, hours=hours)
    return CliReady(key=made.secret, user_id=made.key.owner.user_id) if made else CliPending()
