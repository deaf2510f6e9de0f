"""Requests that no browser writes, byte by byte, to each server: none opens what is closed (S-1, S-2)."""

import re
import socket
from urllib.parse import urlsplit

import pytest

from tests.application import MASTER_KEY
from tests.clients import Curl, OverHttp
from tests.servers import KINDS

EVIL = "evil.example"
CLOSED = ("/user/list", "/key/list", "/ui/users", "/ui/keys", "/ui/all-keys")
SPELLED = [
    "http://evil.example{path}", "http://evil.example:80{path}", "https://evil.example/health/liveness/..{path}",
    "http://evil.example/?{path}", "//evil.example{path}", "/{path}", "{path}/", "{path}%00", "{path}%0d%0aX-Evil:%20x",
    "/health/liveness/..{path}", "/health/liveness/..;{path}", "/ui/login/..{path}", "/ui/static/..{path}",
    "/%2e%2e{path}", "/..{path}", "{path}#/ui/login", "{path}?/ui/login", "\\\\evil.example{path}", "*", "evil:{path}",
    "/ui/static/..%2f..%2fconfig.py", "/ui/static/%2e%2e/%2e%2e/config.py", "/..%2f..%2f..%2fetc/passwd",
]  # fmt: skip
HEADS = {
    "evil host": [f"Host: {EVIL}"],
    "host with a path": ["Host: localhost/ui/login?"],
    "host with a user": [f"Host: localhost@{EVIL}"],
    "two hosts": ["Host: localhost", f"Host: {EVIL}"],
    "no host": [],
    "empty host": ["Host:"],
    "folded": ["Host: localhost", "X-Folded: a", " Host: b"],
    "forwarded": [
        "Host: localhost",
        f"X-Forwarded-Host: {EVIL}",
        "X-Forwarded-Prefix: /evil",
        "X-Original-URL: /ui/login",
    ],
    "underscores": ["Host: localhost", f"X_Forwarded_Host: {EVIL}", "Remote_User: ada"],
    "a path in a header": ["Host: localhost", "Script_Name: /evil", "Path_Info: /health/liveness"],
    "two lengths": ["Host: localhost", "Content-Length: 0", "Content-Length: 40"],
    "length and chunks": ["Host: localhost", "Content-Length: 4", "Transfer-Encoding: chunked"],
    "a space before the colon": ["Host: localhost", f"X-Forwarded-Host : {EVIL}"],
}


def send(url, first, heads, rest=b""):
    """Send a request as it is written; give all that comes back."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        words = "\r\n".join([first, *heads, "Connection: close", "", ""])
        connection.sendall(words.encode("latin-1") + rest)
        connection.shutdown(socket.SHUT_WR)
        try:
            return b"".join(iter(lambda: connection.recv(65_536), b""))
        except ConnectionResetError:
            return b""


def statuses(answer):
    """Read the status of every answer in what came back."""
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3})", answer, re.MULTILINE)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_request_line_and_no_head_opens_anything_to_a_stranger(serve, kind):
    """S-1, S-2: absolute and double addresses, climbing, two hosts, two lengths: refused, or asked to sign in."""
    with serve(kind) as server:
        made = Curl(OverHttp(server.url), MASTER_KEY).post("/user/new", {"user_id": "secretive"}, reveals=True).json
        requests = [
            (f"GET {spelled.format(path=path)} HTTP/1.1", ["Host: localhost"]) for path in CLOSED for spelled in SPELLED
        ]
        requests += [(f"{verb} {path} HTTP/1.{version}", heads) for path in CLOSED for heads in HEADS.values()
                     for verb in ("GET", "POST") for version in (0, 1)]  # fmt: skip
        requests += [(f"GET {path}", ["Host: localhost"]) for path in CLOSED]
        for first, heads in requests:
            answer = send(server.url, first, heads)
            assert not [status for status in statuses(answer) if 200 <= status < 300], (first, heads)
            assert not [status for status in statuses(answer) if status >= 500 and status != 505], (first, heads)
            for word in (b"secretive", b"root:", b"import ", made["key"].encode()):
                assert word not in answer, (first, heads)
            where = re.findall(rb"(?im)^location: (.*?)\r?$", answer)
            assert not [target for target in where if not target.startswith(b"/ui") and target != b"/"], (first, heads)
        assert Curl(OverHttp(server.url), MASTER_KEY).get("/user/info", user_id="secretive").status == 200


SMUGGLED = b"GET /user/list HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n" % MASTER_KEY.encode()


@pytest.mark.parametrize("kind", KINDS)
def test_no_second_request_hides_in_the_body_of_the_first(serve, kind):
    """S-1: what a proxy took for a body is not taken for a request; one answer, or the connection ends."""
    with serve(kind) as server:
        for heads in (
            ["Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"],
            [f"Content-Length: {len(SMUGGLED)}", "Transfer-Encoding: chunked"],
            [f"Content-Length: {len(SMUGGLED)}", "Transfer-Encoding : chunked"],
            [f"Content-Length: {len(SMUGGLED)}", "Transfer-Encoding: xchunked"],
            [f"Content-Length: +{len(SMUGGLED)}"],
            [f"Content-Length: {len(SMUGGLED)}"],
        ):
            answer = send(server.url, "POST /health/liveness HTTP/1.1", ["Host: localhost", *heads], SMUGGLED)
            assert b"default_user_id" not in answer
            assert 200 not in statuses(answer), heads
