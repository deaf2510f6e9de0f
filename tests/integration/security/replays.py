"""Cookies as a thief holds them: sent as they are, whatever the answers say."""

from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import unquote_to_bytes

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from tests.clients import Answer, Browser, InProcess

COOKIE = "selfserve_session"


class Thief(InProcess):
    """A client without a jar of its own: the test client's would drop a `Cookie` header that is set by hand."""

    def __init__(self, app: Flask, cookie: str = "", host: str = "localhost") -> None:
        self.client = app.test_client(use_cookies=False)
        self.cookie, self.host = cookie, host

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        sent = headers | ({"Cookie": self.cookie} if self.cookie else {})
        with self.client.open(path, method=method, headers=sent, data=body) as response:
            lower = {name.lower(): value for name, value in response.headers}
            return Answer(response.status_code, lower, response.data, response.headers.getlist("Set-Cookie"))


class Wire(Thief):
    """A client that hands the application what a server makes of a request's own words, however they are written."""

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        way, _, query = path.partition("?")
        raw = unquote_to_bytes(way).decode("latin-1")
        words = {"PATH_INFO": raw, "QUERY_STRING": query, "REQUEST_URI": path, "RAW_URI": path}
        sent = headers | ({"Cookie": self.cookie} if self.cookie else {})
        with self.client.open("/", method=method, headers=sent, data=body, environ_overrides=words) as response:
            lower = {name.lower(): value for name, value in response.headers}
            return Answer(response.status_code, lower, response.data, response.headers.getlist("Set-Cookie"))


@dataclass(frozen=True)
class Loot:
    """What a cookie holds."""

    header: str
    session_id: str | None
    csrf: str | None


def cookies_of(page: Browser) -> str:
    """Copy the cookies that a browser would send to the pages now."""
    jar = page.transport.client._cookies.values()
    return "; ".join(f"{cookie.key}={cookie.value}" for cookie in jar if cookie.path == "/")


def steal(app: Flask, page: Browser) -> Loot:
    """Copy the session cookie and read it, as whoever has the signing key can."""
    header = cookies_of(page)
    content = serializer(app).loads(SimpleCookie(header)[COOKIE].value)
    return Loot(header, content.get("_user_id"), content.get("csrf_token"))


def forge(app: Flask, **content) -> str:
    """Sign a session cookie that holds this."""
    return f"{COOKIE}={serializer(app).dumps(content)}"


def serializer(app: Flask):
    """Give what signs the session cookie."""
    interface = app.session_interface
    assert isinstance(interface, SecureCookieSessionInterface)
    return interface.get_signing_serializer(app)


def replay(app: Flask, cookie: str) -> Browser:
    """Open the pages with a stolen cookie."""
    return Browser(Thief(app, cookie))
