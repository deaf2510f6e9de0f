"""Who is asking, and may they? Each face has one way in; a route that names no permission stops the start."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, current_app, g, request, session
from flask_login import UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response as AnyResponse

from selfserve.database import end_read
from selfserve.errors import BadRequest, Forbidden, Unauthenticated
from selfserve.extensions import csrf, login_manager
from selfserve.permissions import Actor, Permission, allows
from selfserve.routes import opens
from selfserve.services import auth
from selfserve.services.actors import require
from selfserve.services.key_names import is_name_of
from selfserve.ways_in import passwords_are_off
from selfserve.web.client import client_of
from selfserve.web.links import settings
from selfserve.web.render import View, see_other

PUBLIC = "public"
CALLS = ("gateway_api", "models_api")
"""The blueprint of calls to models."""
_ABOUT_ITSELF = ("/key/info", "/key/health")
_PAGES = ("/", "/ui", "/docs", "/docs/", "/sso/key/generate", "/sso/callback")
"""Pages outside of `/ui`: those of single sign-on stand where they are documented, and people's browsers open them."""

_WHILE_DUE = ("passwords.new", "passwords.save", "account.change_appearance")
"""What is open to somebody who must set another password first, beside what is open to everybody."""


class SignedIn(UserMixin):
    """What Flask-Login keeps: the session, not the user, so that ending the row ends the login."""

    def __init__(self, live: auth.LiveSession) -> None:
        """Wrap a living session."""
        self.live = live

    def get_id(self) -> str:
        """Give the id that the cookie holds."""
        return self.live.session_id


def requires(permission: Permission) -> Callable[[View], View]:
    """Let in only roles that hold the permission; whose thing it is about, the service asks."""

    def decorate(view: View) -> View:
        """Wrap one view."""

        @wraps(view)
        def check_and_call(*arguments: Any, **values: Any) -> Any:
            """Ask the law, then call the view."""
            require(current_actor(), permission)
            return view(*arguments, **values)

        check_and_call.access = permission  # type: ignore[attr-defined]
        return check_and_call

    return decorate


def public(view: View) -> View:
    """Let in everybody."""
    view.access = PUBLIC  # type: ignore[attr-defined]
    return view


def polled(view: View) -> View:
    """Say that an open page asks for this by itself: that is no click, so it keeps no session alive."""
    view.is_polled = True  # type: ignore[attr-defined]
    return view


def is_polled() -> bool:
    """Tell whether nobody clicked."""
    return hasattr(current_app.view_functions.get(request.endpoint or ""), "is_polled")


def access_of(app: Flask, endpoint: str) -> Permission | str | None:
    """Tell what an endpoint declares."""
    return getattr(app.view_functions[endpoint], "access", None)


def init_guards(app: Flask) -> None:
    """Set a guard before every request, and load sessions through Flask-Login."""
    # Instead of init_app, which would look for a remember-me cookie after every request; we have none.
    app.login_manager = login_manager  # type: ignore[attr-defined]
    login_manager.session_protection = None
    login_manager.user_loader(_load_session)

    @app.before_request
    def guard() -> AnyResponse | None:
        """Find out who is asking, by the way of the face that the matched route belongs to (S-1)."""
        g.actor, g.session_id = None, None
        g.client = client_of(request, settings().selfserve_trusted_proxies)
        if request.url_rule is None:
            return None
        is_page, is_public = is_pages_face(request.url_rule.rule), access_of(app, request.endpoint or "") == PUBLIC
        if is_page:
            _session_guard(is_public)
        elif not is_public:
            g.actor = _bearer_guard()
        end_read()
        return see_other("passwords.new") if is_page and not is_public and _must_change_password() else None


def check_routes(app: Flask) -> None:
    """Stop the start when a route forgot to say who may (S-3)."""
    silent = [rule.rule for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None]
    if silent:
        raise RuntimeError(f"these routes do not declare their access: {', '.join(sorted(silent))}")


def is_pages_face(path: str) -> bool:
    """Tell whether a path belongs to the pages; all else speaks JSON."""
    return path in _PAGES or path.startswith("/ui/")


def current_actor() -> Actor:
    """Give who is asking. Raises Unauthenticated when nobody is."""
    if g.get("actor") is None:
        raise Unauthenticated("Please sign in.")
    actor: Actor = g.actor
    return actor


def signed_in_actor() -> Actor | None:
    """Give who is signed in, also on pages that are for everybody."""
    return current_user.live.actor if current_user.is_authenticated else None


def sign_in(session_id: str) -> None:
    """Put a new session's id in a cookie that holds nothing from before; what was signed in there ends (S-9)."""
    if former := session.get("_user_id"):
        auth.end_session(former, g.client)
    session.clear()
    live = _find(session_id)
    if live is None:
        raise Unauthenticated("Please sign in.")
    login_user(SignedIn(live))
    session.pop("_id", None)
    session.pop("_fresh", None)


def go_on_as(session_id: str) -> None:
    """Put the new id of the same session in the cookie; the rest stays, so that forms that are open still fit (S-9)."""
    session["_user_id"] = session_id


def sign_out() -> bool:
    """End the session and empty the cookie; tell whether there was one."""
    had_one = current_user.is_authenticated and auth.end_session(current_user.get_id(), g.client)
    logout_user()
    session.clear()
    return bool(had_one)


def can(permission: Permission, owner_id: str | None = None) -> bool:
    """Tell a template whether to show a control."""
    return g.get("actor") is not None and allows(g.actor, permission, owner_id)


def check_origin() -> None:
    """Refuse a write that another site's page sends (S-28). Neither header present: not a browser."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_foreign_site = site is not None and site not in ("same-origin", "none")
    is_foreign_origin = site is None and origin is not None and origin not in _own_origins()
    if is_foreign_site or is_foreign_origin:
        raise Forbidden("This came from another site's page. Open Selfserve itself and try again.")


def _own_origins() -> tuple[str, ...]:
    """List the origins that are ours: the public one, and the one this request came to."""
    return settings().public_origin, f"http://{request.host}", f"https://{request.host}"


def _session_guard(is_public: bool) -> None:
    """Let a page know who is signed in; a write must come from our own page and carry its token."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        check_origin()
    if not is_public:
        g.actor = signed_in_actor()
        g.session_id = current_user.get_id() if g.actor else None
        current_actor()
    csrf.protect()


def _must_change_password() -> bool:
    """Tell whether who is signed in has to set another password before anything else."""
    is_due = current_user.live.must_change_password and not passwords_are_off()
    return is_due and request.endpoint not in _WHILE_DUE


def _bearer_guard() -> Actor:
    """Read the key of a call, with `Bearer` or without: `x-litellm-api-key` wins over `Authorization`.

    Where models are called, Anthropic's clients may send it in `x-api-key`.
    """
    given = request.headers.get("x-litellm-api-key") or request.headers.get("Authorization") or ""
    if not given and request.blueprint in CALLS:
        given = request.headers.get("x-api-key") or ""
    scheme, _, rest = given.strip().partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else given.strip()
    if not token:
        raise Unauthenticated("Authentication Error, No api key passed in. Send `Authorization: Bearer sk-...`.")
    if len(token) > 4096:
        raise BadRequest("The key is too long to be one.")
    actor = auth.identify(token, settings().litellm_master_key.get_secret_value(), g.client)
    _check_key_routes(actor)
    return actor


def _check_key_routes(actor: Actor) -> None:
    """Keep a key to the routes it was made for; every key may look at itself."""
    if actor.key is None or not actor.key.allowed_routes or request.url_rule is None:
        return
    rule = request.url_rule.rule
    named = request.args.get("key")
    looks_at_itself = rule in _ABOUT_ITSELF and (named is None or is_name_of(actor.key, named))
    if not looks_at_itself and not opens(actor.key.allowed_routes, rule):
        raise Forbidden(f"This key may only call {', '.join(actor.key.allowed_routes)}. Use a key made for {rule}.")


def _find(session_id: str) -> auth.LiveSession | None:
    """Find a living session by its id."""
    return auth.find_session(session_id, g.client, settings().session_idle, is_click=not is_polled())


def _load_session(session_id: str) -> SignedIn | None:
    """Load what the cookie names, for Flask-Login."""
    live = _find(session_id)
    return SignedIn(live) if live else None
