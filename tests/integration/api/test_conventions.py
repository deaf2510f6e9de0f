"""What holds for the whole JSON face: one envelope, helpful refusals, and no way to break it."""

import json
from io import BytesIO

import pytest

from tests.application import MASTER_KEY
from tests.factories import make_key

pytestmark = pytest.mark.any_database

DOCUMENTED_WITH_COMMENTS = b"""{
    "user_email": "dana@example.com", # the address
    "user_role": "internal_user"  # the role
}"""


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/user/nothing", "/key", "/key/generate/", "//key/list", "/KEY/LIST", "/v1/nothing"]
)
def test_an_unknown_address_is_404_or_a_redirect_home(curl, master, path):
    for door in (curl(), master):
        assert door.get(path).status in ((303,) if path == "/" else (404, 405))


def test_the_wrong_method_is_405_and_says_which_is_right(master):
    answer = master.get("/key/generate")
    assert (answer.status, answer.error["type"]) == (405, "method_not_allowed_error")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/user/new", "/invitation/new", "/key/generate"])
def test_the_documented_trap_of_the_dumped_header_is_explained(master, path):
    """`curl -D '{...}'` sends no body at all."""
    for headers in ({}, {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        answer = master.send("POST", path, b"", headers=headers)
        assert answer.status == 400
        assert "-D" in answer.error["message"]
        assert "-d" in answer.error["message"]


def test_the_documented_trap_of_the_comments_is_explained(master):
    answer = master.send("POST", "/user/new", DOCUMENTED_WITH_COMMENTS, headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert "#" in answer.error["message"]


def test_a_comment_is_looked_for_only_at_the_beginning_of_a_body(master):
    """S-32: to look through megabytes took gigabytes."""
    large = b'{"a":' + b" " * 500_000 + b"oops # a comment"
    answer = master.send("POST", "/user/new", large, headers={"Content-Type": "application/json"})
    assert (answer.status, "comment" in answer.text) == (400, False)
    assert "line 1, column" in answer.error["message"]


def test_a_body_that_comes_in_chunks_is_too_much_like_any_other(app):
    """S-32: and is not read as the half of it that was taken in."""
    headers = {"Authorization": f"Bearer {MASTER_KEY}", "Transfer-Encoding": "chunked"}
    sent = {"input_stream": BytesIO(b'{"a": "' + b"x" * 1_100_000 + b'"}'), "content_type": "application/json"}
    environ = {"wsgi.input_terminated": True}
    assert app.test_client().post("/user/new", headers=headers, environ_overrides=environ, **sent).status_code == 413


def test_broken_json_says_where(master):
    answer = master.send(
        "POST", "/user/new", b'{\n  "user_email": oops\n}', headers={"Content-Type": "application/json"}
    )
    assert answer.status == 400
    assert "line 2" in answer.error["message"]
    assert "column" in answer.error["message"]


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"true", b'[{"user_email": "a@b.c"}]'])
def test_json_that_is_no_object_is_422(master, body):
    assert master.send("POST", "/user/new", body, headers={"Content-Type": "application/json"}).status == 422


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", ""]
)
def test_another_content_type_is_415(master, kind):
    answer = master.send("POST", "/key/generate", b'{"key_alias": "x"}', headers={"Content-Type": kind} if kind else {})
    assert answer.status == 415
    assert "application/json" in answer.error["message"]


HOSTILE = {
    "utf-16": b"\xff\xfe{}",
    "latin-1": b'{"user_email": "\xff"}',
    "nan": b'{"a": NaN}',
    "infinity": b'{"max_budget": 1e999}',
    "long number": b'{"max_budget": ' + b"1" * 5000 + b"}",
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 50_000,
    "half": b"{",
    "nul": b"\x00",
    "surrogate": b'{"user_email": "\\ud800"}',
    "nul in text": b'{"user_id": "\\u0000"}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_no_body_breaks_it(master, body):
    answer = master.send("POST", "/user/new", body, headers={"Content-Type": "application/json"}, reveals=True)
    assert answer.status in (200, 400, 413, 422)


def test_ten_megabytes_are_too_much(master):
    body = json.dumps({"user_alias": "x" * 10_000_000}).encode()
    answer = master.send("POST", "/user/new", body, headers={"Content-Type": "application/json"})
    assert answer.status == 413


def test_too_many_lists_and_objects_are_too_much(master, monkeypatch):
    """S-32: millions of empty ones are small to send and large to hold."""
    monkeypatch.setattr("selfserve.web.bodies.MOST_PARTS", 1_000)
    for part, status in (("[]", 413), ("{}", 413), ("1", 422)):
        answer = master.post("/user/new", {"models": json.loads(f"[{','.join([part] * 1_001)}]")})
        assert answer.status == status


def test_nobody_learns_what_is_wrong_with_a_body_before_saying_who_they_are(curl):
    answer = curl().send("POST", "/user/new", b"{", headers={"Content-Type": "application/json"})
    assert answer.status == 401


@pytest.mark.parametrize("path", ["/user/list", "/key/list", "/user/info", "/key/info", "/invitation/info"])
@pytest.mark.parametrize(
    "query",
    [
        "page=99999999999999999999",
        "user_id=%00",
        "user_id=%ff",
        "key=%00",
        "search=" + "x" * 5000,
        "invitation_id=%00",
        "page=1&page=2",
        "size=-1",
        "page_size=0",
    ],
)
def test_no_query_breaks_it(master, path, query):
    assert master.get(f"{path}?{query}").status in (200, 400, 403, 404, 414, 422)


def test_every_answer_has_a_request_id_of_its_own(curl):
    ids = [curl().get("/health/liveness").headers["x-request-id"] for _ in range(3)]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("forged", ["x\r\nSet-Cookie: a=b", "<script>", "x" * 500, "ok-123"])
def test_a_request_id_from_outside_is_harmless(curl, forged):
    try:
        answer = curl().get("/health/liveness", headers={"X-Request-ID": forged})
    except ValueError:
        return  # the client itself refuses the line break
    assert len(answer.headers["x-request-id"]) <= 128
    assert "<" not in answer.headers["x-request-id"]


@pytest.mark.parametrize("host", ["evil.example", "x/?", "x@y", "localhost:99999", "[::1", "a b"])
def test_a_forged_host_reaches_no_answer(curl, mia, host):
    door = curl(mia)
    for headers in ({"Host": host}, {"X-Forwarded-Host": host, "X-Forwarded-Proto": "https"}):
        answer = door.get("/key/info", headers=headers)
        assert answer.status in (200, 400)
        assert "evil" not in answer.text + answer.location


def test_a_session_cookie_and_a_token_in_the_address_are_never_read(curl, mia):
    secret = make_key(mia).secret
    assert curl().send("GET", f"/key/list?api_key={secret}&token={secret}&access_token={secret}").status == 401


@pytest.mark.parametrize(
    "path",
    ["/redoc", "/swagger", "/metrics", "/debug", "/console", "/.env", "/static/../config.py", "/ui/../key/list"],
)
def test_no_door_that_nobody_meant_to_open(curl, path):
    answer = curl().transport.send("GET", path, {}, None)
    assert answer.status in (401, 404)
    assert MASTER_KEY not in answer.text


def test_no_cors_and_no_method_override(master):
    answer = master.send(
        "OPTIONS", "/key/list", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    )
    assert not any(name.startswith("access-control") for name in answer.headers)
    assert master.get("/key/generate", headers={"X-HTTP-Method-Override": "POST"}).status == 405
