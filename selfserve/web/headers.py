"""The headers of every answer, static files and errors included (S-29, S-30)."""

from typing import Any

from flask import Flask, Response, g, request

from selfserve.config import Settings
from selfserve.config.urls import origin_of
from selfserve.web.guards import is_pages_face

_PAGES_VARY, _API_VARIES = ("Cookie", "HX-Request"), ("Authorization", "x-litellm-api-key", "x-api-key")


def security_headers(settings: Settings) -> dict[str, str]:
    """List what every answer carries."""
    headers = {
        "Content-Security-Policy": content_policy(settings),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    }
    return headers | ({"Strict-Transport-Security": "max-age=31536000"} if settings.is_https else {})


def content_policy(settings: Settings, images: str = "'self'") -> str:
    """Say what a page may load; `form-action` lets the sign-out form be answered with the logout address."""
    form_targets = " ".join(["'self'", *filter(None, [origin_of(settings.proxy_logout_url)])])
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; font-src 'self'; "
        f"connect-src 'self'; form-action {form_targets}; base-uri 'none'; frame-ancestors 'none'"
    )


def secured(application: Any, settings: Settings) -> Any:
    """Put the headers on everything that leaves a WSGI application, static files and their errors included."""
    always = security_headers(settings)

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""

        def start(status: str, headers: list[tuple[str, str]], *trouble: Any) -> Any:
            """Begin the answer with what it lacks."""
            given = {name.lower() for name, _ in headers}
            lacking = [(name, value) for name, value in always.items() if name.lower() not in given]
            return start_response(status, headers + lacking, *trouble)

        return application(environ, start)

    return answer


def init_headers(app: Flask) -> None:
    """Put on every answer of the application what depends on the request; nothing dynamic is kept by a cache."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        """Name the request, and keep caches from mixing people up."""
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["x-request-id"] = g.get("request_id", "")
        is_page = is_pages_face(request.path)
        response.vary.update(_PAGES_VARY if is_page else _API_VARIES)
        return response
