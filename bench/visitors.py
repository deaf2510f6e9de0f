"""Who sends a row's requests: nobody, Mia or Ada with a key, Mia or Ada in a browser."""

import http.client
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from bench.fill import PASSWORD, Secrets
from bench.servers import PATIENCE, Server


def visitors(server: Server, secrets: Secrets) -> Mapping[str, dict[str, str]]:
    """Give the headers of each."""
    json = {"Content-Type": "application/json"}
    return {
        "nobody": {},
        "mia's key": {"Authorization": f"Bearer {secrets.mias_key}"} | json,
        "ada's key": {"Authorization": f"Bearer {secrets.adas_key}"} | json,
        "mia": {"Cookie": _sign_in(server, "mia@bench.example")},
        "ada": {"Cookie": _sign_in(server, "ada@bench.example")},
    }


def _sign_in(server: Server, email: str) -> str:
    """Sign in through the page and give the session's cookie."""
    connection = http.client.HTTPConnection(server.host, timeout=PATIENCE)
    connection.request("GET", "/ui/login")
    page = connection.getresponse()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.read().decode())
    if token is None:
        raise SystemExit("The sign-in page has no form.")
    form = {"csrf_token": token[1], "username": email, "password": PASSWORD}
    headers = {"Cookie": _cookie_of(page), "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/ui/login", urlencode(form), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 303:
        raise SystemExit(f"{email} could not sign in: {answer.status}.")
    return _cookie_of(answer)


def _cookie_of(answer: http.client.HTTPResponse) -> str:
    """Read the cookie that an answer sets."""
    return (answer.getheader("Set-Cookie") or "").partition(";")[0]
