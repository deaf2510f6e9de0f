"""The two doors as their users meet them. Each looks at every answer, so no test has to remember to."""

import csv
import http.client
import http.cookies
import io
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from flask import Flask

from selfserve.models import User
from tests.factories import PASSWORD
from tests.html import SECRET, Form, Html
from tests.openapi import check_described


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """What the envelope holds."""
        return self.json["error"]

    @cached_property
    def html(self) -> Html:
        return Html(self.text, is_fragment="<html" not in self.text[:200].lower())

    @property
    def sheet(self) -> list[dict[str, str]]:
        """The rows of a CSV file, by the names in its header row."""
        return list(csv.DictReader(io.StringIO(self.text, newline="")))

    @property
    def is_sheet(self) -> bool:
        """Whether it is a table to be saved."""
        return self.headers.get("content-type") == "text/csv; charset=utf-8"

    @property
    def is_file(self) -> bool:
        """Whether it is a sheet, or a file of lines of JSON."""
        return self.is_sheet or self.headers.get("content-type") == "application/x-ndjson"

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


class Transport(Protocol):
    """A way to the application that keeps cookies like a browser: by name."""

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Send one request and follow nothing."""


class InProcess:
    """Straight into the application."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.host = "localhost"

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        with self.client.open(path, method=method, headers=headers, data=body) as response:
            lower = {name.lower(): value for name, value in response.headers}
            return Answer(response.status_code, lower, response.data, response.headers.getlist("Set-Cookie"))


class OverHttp:
    """To a server that really runs, on a new connection each time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.prefix = parts.netloc, parts.path.rstrip("/")
        self.jar: dict[str, str] = {}

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        if self.jar:
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())} | headers
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, self.prefix + path, body=body, headers=headers)
            response = connection.getresponse()
            answer = Answer(response.status, {}, response.read(), response.headers.get_all("Set-Cookie") or [])
            answer.headers = {name.lower(): value for name, value in response.headers.items()}
        finally:
            connection.close()
        self._keep(answer.cookies)
        return answer

    def _keep(self, cookies: list[str]) -> None:
        for cookie in cookies:
            for name, morsel in http.cookies.SimpleCookie(cookie).items():
                if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                    self.jar.pop(name, None)
                else:
                    self.jar[name] = morsel.value


@dataclass
class Curl:
    """The JSON face. `reveals=True` says that this very answer may hold a key's secret."""

    transport: Transport
    token: str | None = None

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> Answer:
        given = {name: value for name, value in query.items() if value is not None}
        return self.send("GET", f"{path}?{urlencode(given, doseq=True)}" if given else path, headers=headers)

    def post(
        self, path: str, body: Any = None, *, reveals: bool = False, headers: dict[str, str] | None = None
    ) -> Answer:
        data = json.dumps({} if body is None else body).encode()
        return self.send(
            "POST",
            path,
            data,
            headers={"Content-Type": "application/json", **(headers or {})},
            reveals=reveals,
        )

    def send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        *,
        headers: dict[str, str] | None = None,
        reveals: bool = False,
    ) -> Answer:
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = self.transport.send(method, path, sent | (headers or {}), data)
        if method != "HEAD":
            self._check(answer, method, path, reveals)
        return answer

    def _check(self, answer: Answer, method: str, path: str, reveals: bool) -> None:
        what = f"{method} {path} answered {answer.status}: {answer.body[:500]!r}"
        check_any(answer, what, reveals)
        if method == "OPTIONS":
            return
        check_described(method, path, answer, what)
        assert not self.token or "no-store" in answer.headers.get("cache-control", ""), what
        if answer.status >= 400:
            assert set(answer.json) - ({"type"} if path.endswith("/messages") else set()) == {"error"}, what
            assert set(answer.error) == {"message", "type", "param", "code"}, what
            assert answer.error["code"] == str(answer.status), what
            assert len(answer.error["message"].split()) > 2, what
            assert not self.token or self.token not in answer.text, what


@dataclass
class Browser:
    """The pages, as a browser without JavaScript meets them; `htmx=True` asks as htmx does."""

    transport: Transport
    page: Html | None = None
    path: str = ""

    def sign_in(self, user: User, password: str = PASSWORD) -> "Browser":
        """Sign in through the sign-in page."""
        self.get("/ui/login")
        answer = self.submit("/ui/login", username=user.email, password=password)
        assert answer.status == 303, f"{user.email} could not sign in: {answer.status}"
        return self

    def get(
        self, path: str, *, htmx: bool = False, reveals: bool = False, headers: dict[str, str] | None = None
    ) -> Answer:
        """Open an address; a page becomes the current one, a fragment does not."""
        return self._send("GET", path, None, {**self._asking(htmx), **(headers or {})}, reveals)

    def follow(self, answer: Answer) -> Answer:
        """Go where a redirect points, as often as it does."""
        while answer.status in (301, 302, 303, 307, 308):
            answer = self.get(re.sub(r"^https?://[^/]+", "", answer.location))
        return answer

    def form(self, action: str) -> Form:
        """Find the form of the current page that posts there."""
        assert self.page, "no page is open"
        forms = [form for form in self.page.forms if urlsplit(form.action).path == action and form.method == "post"]
        assert forms, f"{self.path} has no form to {action}; it has {[form.action for form in self.page.forms]}"
        return forms[0]

    def submit(self, action: str, *, htmx: bool = False, reveals: bool = False, **fields: Any) -> Answer:
        """Fill in and send a form of the current page."""
        return self.post(action, self.form(action).fields | fields, htmx=htmx, reveals=reveals)

    def post(
        self,
        path: str,
        fields: dict[str, Any],
        *,
        htmx: bool = False,
        reveals: bool = False,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send what no form of the page offers, with this session's token: what a forger inside would do."""
        data = urlencode({"csrf_token": self.csrf_token(), **fields}, doseq=True).encode()
        sent = self._asking(htmx) | {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://{self.transport.host}",
            **(headers or {}),
        }
        return self._send("POST", path, data, sent, reveals)

    def csrf_token(self) -> str:
        """Read the token out of the current page."""
        tokens = (
            [form.fields["csrf_token"] for form in self.page.forms if "csrf_token" in form.fields] if self.page else []
        )
        return tokens[0] if tokens else ""

    def _asking(self, htmx: bool) -> dict[str, str]:
        plain = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        return plain | ({"HX-Request": "true"} if htmx else {})

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str], reveals: bool) -> Answer:
        answer = self.transport.send(method, path, headers, data)
        what = f"{method} {path} answered {answer.status}: {answer.body[:500]!r}"
        check_any(answer, what, reveals)
        if answer.status not in (204, 301, 302, 303, 304, 307, 308) and answer.body:
            assert answer.is_file or answer.headers["content-type"] == "text/html; charset=utf-8", what
            assert "no-store" in answer.headers.get("cache-control", ""), what
            assert {"HX-Request", "Cookie"} <= set(re.split(r",\s*", answer.headers.get("vary", ""))), what
            if answer.is_file:
                assert answer.headers["content-disposition"].startswith("attachment; filename="), what
                return answer
            answer.html.check()
            if not answer.html.is_fragment:
                self.page, self.path = answer.html, path
        return answer


def check_any(answer: Answer, what: str, reveals: bool) -> None:
    """Look at what must be true of every answer of both faces."""
    assert answer.status != 500, what
    assert answer.headers.get("x-request-id"), what
    assert answer.headers.get("x-content-type-options") == "nosniff", what
    assert answer.headers.get("referrer-policy") in ("same-origin", "no-referrer"), what
    policy = answer.headers.get("content-security-policy", "")
    assert policy.startswith("default-src 'none'"), what
    assert "frame-ancestors 'none'" in policy, what
    assert "unsafe" not in policy, what
    if not reveals:
        shown = SECRET.search(answer.text) or SECRET.search(str(answer.headers))
        assert not shown, f"{what} shows a key's secret"
