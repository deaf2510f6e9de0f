"""One renderer for everything that goes wrong: a JSON envelope, an htmx toast or a page."""

import json
from typing import Any

from flask import Flask, Response, g, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from selfserve.errors import (
    BadRequest,
    DomainError,
    MethodNotAllowed,
    NotFound,
    ProofNeeded,
    TooLarge,
    Unauthenticated,
    Unavailable,
    WrongMediaType,
)
from selfserve.extensions import db
from selfserve.web.guards import is_pages_face, is_polled
from selfserve.web.links import way_back
from selfserve.web.logs import write_error, write_line
from selfserve.web.proofs import ask_for_proof
from selfserve.web.render import flash_toast, wants_fragment

_FROM_HTTP: dict[int, DomainError] = {
    400: BadRequest("The request could not be read. Check its form and try again."),
    404: NotFound("There is nothing at this address."),
    405: MethodNotAllowed("This address does not take that method."),
    415: WrongMediaType("This address does not take that format."),
}
MESSAGES = "gateway_api.messages"
"""The endpoint that Anthropic's clients call."""
STOP_POLLING = 286
"""htmx's word to a page that asks by itself: do not ask again."""
_COLLISIONS = ("40001", "40P01", "55P03")
"""PostgreSQL's words for two transactions in each other's way: serialization, deadlock, lock time-out."""
_UNPREPARED = ("42P01", "42703")
"""PostgreSQL's words for a table or a column that a set-up has yet to make; SQLite says it as an operational error."""
_COLLIDED = "Somebody changed the same thing at the same moment. Nothing was changed; try again."
_AWAY = "The database does not answer. Your keys are safe and nothing was changed; try again in a moment."


def init_errors(app: Flask) -> None:
    """Dress every error that leaves a view or never reached one."""
    app.register_error_handler(DomainError, dress)
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(HTTPException, _from_http)
    for kind in (OperationalError, InterfaceError, ProgrammingError, PoolTimeout):
        app.register_error_handler(kind, _database_away)
    app.register_error_handler(Exception, _unexpected)


def dress(error: DomainError) -> AnyResponse:
    """Give an error the dress of the face that it leaves by."""
    if not is_pages_face(request.path):
        response: AnyResponse = _envelope(error)
    elif wants_fragment() and is_polled():
        response = Response(status=204 if error.status >= 500 else STOP_POLLING)
    elif isinstance(error, Unauthenticated):
        response = _to_login()
    elif isinstance(error, ProofNeeded):
        response = ask_for_proof(error)
    elif wants_fragment():
        response = Response(render_template("errors/_toast.html", error=error), status=error.status)
        response.headers.update({"HX-Retarget": "#flash", "HX-Reswap": "beforeend"})
    else:
        response = Response(render_template("errors/page.html", error=error), status=error.status)
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.is_final:
        # The SDKs of OpenAI and Anthropic heed it: https://github.com/openai/openai-python/blob/main/src/openai/_base_client.py
        response.headers["x-should-retry"] = "false"
    return response


def _envelope(error: DomainError) -> Response:
    """Write the one JSON envelope; Anthropic's clients look for a word beside it."""
    body: dict[str, Any] = {"error": error.envelope}
    if request.endpoint == MESSAGES:
        body = {"type": "error"} | body
    response = Response(json.dumps(body) + "\n", status=error.status, mimetype="application/json")
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _to_login() -> AnyResponse:
    """Send a browser without a session to the sign-in page, say why, and back afterwards if it was only looking."""
    was_signed_in = session.pop("_user_id", None) is not None
    if request.method != "GET":
        flash_toast("You are signed out, so nothing was changed. Sign in and do it again.", "warn")
    elif was_signed_in:
        flash_toast("Your session ended. Sign in to go on.", "warn")
    back = way_back() if request.method == "GET" and not wants_fragment() else None
    target = url_for("auth.login", next=back)
    if wants_fragment():
        return Response(status=401, headers={"HX-Redirect": url_for("auth.login")})
    return redirect(target, 303)


def _stale(_error: CSRFError) -> AnyResponse:
    """Say that a form's token is not this session's any more; a stale sign-in page is shown anew and says why."""
    if request.endpoint == "auth.log_in":
        return redirect(url_for("auth.login", next=request.args.get("next"), stale=1), 303)
    stale = BadRequest(
        "This page was open too long, or you signed in or out in another tab. "
        "Reload it and try again; nothing was changed."
    )
    stale.title = "Please reload this page"
    return dress(stale)


def _from_http(error: HTTPException) -> AnyResponse:
    """Dress what the framework raised; a 405 says which methods there are."""
    response = dress(_known(error))
    if methods := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(methods))
    return response


def _known(error: HTTPException) -> DomainError:
    """Translate what the framework raised."""
    if error.code == TooLarge.status:
        return TooLarge(f"The request is larger than {_megabytes()} MB, which is the most we read.")
    return _FROM_HTTP.get(error.code or 500) or _other(error)


def _megabytes() -> int:
    """Tell how much of this request we would have read."""
    return (request.max_content_length or 0) // 1_000_000


def _other(error: HTTPException) -> DomainError:
    """Translate a rarer status by its number."""
    other = DomainError(
        "That did not work. Try again." if (error.code or 500) >= 500 else "The request could not be read."
    )
    other.status = error.code or 500
    other.type = "internal_server_error" if other.status >= 500 else "bad_request_error"
    return other


def _database_away(error: DBAPIError | PoolTimeout) -> AnyResponse:
    """Say that the database is away; the reason goes to the log, without statement and parameters."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if isinstance(error, ProgrammingError) and state not in _UNPREPARED:
        return _unexpected(error)
    if state in _COLLISIONS:
        _let_go()
        return dress(Unavailable(_COLLIDED))
    reason = str(getattr(error, "orig", "pool timeout"))[:200]
    write_line("error", "database away", kind=type(error).__name__, reason=reason)
    _let_go()
    return dress(Unavailable(_AWAY))


def _unexpected(error: Exception) -> AnyResponse:
    """Say that we broke; the trace goes to the log under the request's id."""
    write_error("unexpected error", error)
    _let_go()
    return dress(
        DomainError(
            f"Nothing was changed. Try again; if it keeps happening, tell your admin the request number {g.request_id}."
        )
    )


def _let_go() -> None:
    """Give back whatever the failed request still holds of the database."""
    try:
        db.session.rollback()
    except Exception:
        db.session.remove()
