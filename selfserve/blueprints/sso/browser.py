"""The browser that a sign-in is bound to: a random word in a cookie, kept for as long as a sign-in may take (S-23)."""

import re

from flask import Response, after_this_request, request

from selfserve.minting import mint_token
from selfserve.services.sso import LIFETIME
from selfserve.web.links import settings

_COOKIE = "selfserve_sso"


def browser_word() -> str:
    """Give the word of this browser, empty where it has none."""
    word = request.cookies.get(_COOKIE, "")
    return word if re.fullmatch(r"[A-Za-z0-9_-]{43}", word) else ""


def keep_browser() -> str:
    """Let the browser keep its word, or a new one; sign-ins in two tabs share it. Give it.

    Lax, because the way back begins on the provider's page.
    """
    word, here = browser_word() or mint_token(), settings()
    lasts, secure, path = int(LIFETIME.total_seconds()), here.is_https, here.cookie_path

    @after_this_request
    def keep(response: Response) -> Response:
        """Set the cookie."""
        response.set_cookie(_COOKIE, word, max_age=lasts, path=path, secure=secure, httponly=True, samesite="Lax")
        return response

    return word


def without_referrer(response: Response) -> Response:
    """Keep the code and the state out of the next request's Referer."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
