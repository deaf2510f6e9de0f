"""Calls to models through servers that really run: piece by piece, seats, who leaves, and keys that ended."""

import http.client
import json
import time
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import urlsplit

import pytest

from tests.answers import COMPLETION
from tests.application import MASTER_KEY
from tests.clients import Browser, Curl, OverHttp
from tests.integration.servers.test_workers import signed_in, somebody
from tests.servers import KINDS
from tests.upstream import KEY, upstream

CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "When?"}]}


@pytest.fixture
def behind():
    """The upstream of a server."""
    with upstream() as here:
        yield here


def to(behind):
    """The settings of a server that passes on to it."""
    return {"UPSTREAM_BASE_URL": behind.url, "UPSTREAM_API_KEY": KEY}


@contextmanager
def streaming(server, key):
    """Begin a stream, on a connection of its own."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)) as connection:
        connection.request("POST", CHAT, json.dumps(BODY | {"stream": True}), headers)
        with closing(connection.getresponse()) as response:
            yield response


def log_of(server, key, count=1):
    """Wait until as many calls are recorded, and give the newest."""
    door, end = Curl(OverHttp(server.url), key), time.monotonic() + 5
    while time.monotonic() < end:
        logs = door.get("/spend/logs", summarize="false").json
        if len(logs) >= count:
            return logs[0]
        time.sleep(0.05)
    raise AssertionError(f"{len(logs)} calls are recorded")


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_comes_piece_by_piece_under_each_server_and_stops_when_its_reader_leaves(serve, behind, kind):
    behind.be(hangs_after=4, pings_while_hanging=True)
    with serve(kind, **to(behind)) as server:
        key = somebody(server.url)[1]
        with streaming(server, key) as stream:
            assert stream.status == 200
            assert b"Quiet" in stream.readline()  # and the upstream has not said the rest yet
        assert behind.cut_off.wait(5)
        left = log_of(server, key)
        assert left["metadata"]["http_status"] == 499
        assert left["metadata"]["exception"] == "usage_estimated"

        behind.be()
        with streaming(server, key) as stream:
            assert stream.read().endswith(b"data: [DONE]\n\n")
        assert log_of(server, key, 2)["completion_tokens"] == COMPLETION
        assert Curl(OverHttp(server.url), key).post(CHAT, BODY).status == 200


def test_who_stops_reading_has_left_before_the_call_could_lapse_uncounted(serve, behind, monkeypatch):
    """A stream that waits for its reader for ever would end a reservation without a cost."""
    monkeypatch.setattr("tests.answers.WORDS", ["x" * 500_000] * 40)
    with serve(SELFSERVE_UPSTREAM_IDLE="1", **to(behind)) as server:
        key = somebody(server.url)[1]
        with streaming(server, key) as stream:
            assert b"xxx" in stream.readline(1_000)
            left = log_of(server, key)
    assert left["metadata"]["http_status"] == 499
    assert left["completion_tokens"] > 100_000


def test_with_all_seats_taken_by_streams_the_pages_still_come_and_the_next_call_is_told_to_wait(serve, behind):
    """Eight threads, seven seats: one more is 503 for a second, and not a page waits."""
    behind.be(hangs_after=1)
    with serve(SELFSERVE_WORKERS="1", **to(behind)) as server, ExitStack() as streams:
        _user_id, key, email = somebody(server.url)
        page = signed_in(server.url, email)
        for _ in range(7):
            assert b"Quiet" in streams.enter_context(streaming(server, key)).readline()
        refused = Curl(OverHttp(server.url), key).post(CHAT, BODY)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        for _ in range(5):
            begun = time.monotonic()
            assert page.get("/ui/keys").status == 200
            assert time.monotonic() - begun < 1
        behind.let_go()


def test_a_key_that_ended_is_refused_by_every_worker_on_its_next_call(serve, behind):
    """S-37: blocked, deleted or rotated at one process, dead for models at the other at once."""
    with serve(SELFSERVE_WORKERS="1", **to(behind)) as one, serve(SELFSERVE_WORKERS="1", **to(behind)) as other:
        master, (_user_id, key, _email) = Curl(OverHttp(one.url), MASTER_KEY), somebody(one.url)
        here, there = (Curl(OverHttp(server.url), key) for server in (one, other))
        assert [door.post(CHAT, BODY).status for door in (here, there)] == [200, 200]
        master.post("/key/block", {"key": key})
        assert [door.post(CHAT, BODY).status for door in (there, here)] == [401, 401]
        master.post("/key/unblock", {"key": key})
        assert there.post(CHAT, BODY).status == 200
        new = master.post("/key/regenerate", {"key": key}, reveals=True).json["key"]
        assert [door.post(CHAT, BODY).status for door in (there, here)] == [401, 401]
        there = Curl(OverHttp(other.url), new)
        assert there.post(CHAT, BODY).status == 200
        master.post("/key/delete", {"keys": [new]})
        assert there.post(CHAT, BODY).status == 401
        assert len(behind.got) == 4


def test_no_secret_of_a_call_reaches_the_log(serve, behind):
    """S-14."""
    with serve(SELFSERVE_WORKERS="1", **to(behind)) as server:
        key = somebody(server.url)[1]
        door = Curl(OverHttp(server.url), key)
        door.post(CHAT, BODY | {"messages": [{"role": "user", "content": "a private thought"}]})
        behind.be(status=401, body=json.dumps({"error": {"message": f"{KEY} is wrong"}}).encode())
        door.post(CHAT, BODY)
        assert Browser(OverHttp(server.url)).get("/ui/login").status == 200
        log = server.log.read_text()
    assert "upstream failed" in log
    assert not [word for word in ("sk-", "private thought", KEY) if word in log]
