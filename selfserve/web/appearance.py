"""How the pages look: as the system says, light or dark. The choice is the browser's, so a cookie keeps it."""

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from selfserve.schemas.account import Appearance
from selfserve.web.links import settings

COOKIE = "selfserve_appearance"
ONE_YEAR = 365 * 24 * 60 * 60


def chosen_appearance() -> Appearance:
    """Tell what this browser chose; anything we do not know means the system's choice."""
    try:
        return Appearance(request.cookies.get(COOKIE, ""))
    except ValueError:
        return Appearance.SYSTEM


def keep_appearance(response: AnyResponse, appearance: Appearance) -> None:
    """Keep the choice for a year; the system's choice needs no cookie."""
    seconds, is_secure = (0 if appearance is Appearance.SYSTEM else ONE_YEAR), settings().is_https
    response.set_cookie(
        COOKIE,
        appearance,
        max_age=seconds,
        path=settings().cookie_path,
        secure=is_secure,
        httponly=True,
        samesite="Lax",
    )
