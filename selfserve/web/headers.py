"""The headers of every answer, static files and errors included (S-29, S-30)."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request

from selfserve.config import Settings, origin_of


def security_headers(settings: Settings) -> dict[str, str]:
    """List what every answer carries; `form-action` lets the sign-out form be answered with the logout address."""
    form_targets = " ".join(["'self'", *filter(None, [origin_of(settings.proxy_logout_url)])])
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        f"form-action {form_targets}; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    }
    return headers | ({"Strict-Transport-Security": "max-age=31536000"} if settings.is_https else {})


def init_headers(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer of the application."""
    always = security_headers(settings)

    @app.after_request
    def add_headers(response: Response) -> Response:
        """Add what every answer carries; nothing dynamic is ever kept by a cache."""
        for name, value in always.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["x-request-id"] = g.get("request_id", "")
        response.vary.add("Cookie" if request.path.startswith("/ui") else "Authorization")
        if request.path.startswith("/ui"):
            response.vary.add("HX-Request")
        return response


def static_headers(settings: Settings) -> Callable[[Any, str, str], None]:
    """Make the function that adds the same headers to static files."""
    always = security_headers(settings)

    def add(headers: Any, _path: str, _url: str) -> None:
        """Add them to one file."""
        for name, value in always.items():
            headers[name] = value

    return add
