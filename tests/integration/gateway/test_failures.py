"""An upstream that is away, wrong, slow or cut off: said plainly, without what is its own, and recorded as it was."""

import contextlib
import json
import time

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from werkzeug.test import EnvironBuilder

from selfserve.extensions import db
from selfserve.models import Call, OpenCall
from tests.answers import COMPLETION
from tests.clients import Curl, InProcess
from tests.factories import make_key, rows
from tests.integration.gateway.calls import BODIES, CHAT, STREAMED, body, events_of, recorded
from tests.servers import free_port
from tests.upstream import KEY

pytestmark = pytest.mark.any_database

LOUD = {
    "error": {"message": f"Key {KEY} is wrong at {{url}} (127.0.0.1)", "type": "invalid_request_error", "code": None}
}
STATUSES = [(400, 400), (404, 404), (413, 413), (422, 422), (401, 502), (403, 502), (409, 502), (500, 502), (503, 502)]


@pytest.fixture
def impatient(app_with, mia):
    """Make a door that waits not so long, and Mia's key to it: `impatient(idle=0.2)`."""

    def make(**seconds):
        app = app_with()
        for name, value in seconds.items():
            object.__setattr__(app.config["SETTINGS"], f"selfserve_upstream_{name}", value)  # less than a second
        return Curl(InProcess(app), make_key(mia).secret)

    return make


def tells_nothing(answer, upstream):
    """See that an answer names neither the upstream's key nor its address."""
    port = upstream.url.rpartition(":")[2]
    assert not [word for word in (KEY, "127.0.0.1", upstream.url, port) if word in answer.text + str(answer.headers)]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("theirs", "ours"), STATUSES)
def test_a_refusal_is_told_without_key_and_address(curl, mia, upstream, theirs, ours, stream):
    """S-35: the upstream's error bodies are not echoed."""
    upstream.be(status=theirs, body=json.dumps(LOUD).replace("{url}", upstream.url).encode())
    answer = curl(mia).post(CHAT, body(stream=stream))
    assert answer.status == ours
    tells_nothing(answer, upstream)
    assert "(hidden)" in answer.text or "admin" in answer.text or "failed" in answer.text
    call = recorded()
    assert (call.status, call.is_failed, call.cost, call.exception) == (theirs, True, 0, None)


@pytest.mark.parametrize(
    ("header", "wait"), [("7", "7"), ("0.5", "1"), ("Wed, 21 Oct 2026 07:28:00 GMT", "1"), ("", "1")]
)
def test_slow_down_is_passed_on_with_how_long(curl, mia, upstream, header, wait):
    upstream.be(status=429, body=b'{"error": {"message": "That is too fast."}}', headers={"Retry-After": header})
    answer = curl(mia).post(CHAT, body())
    assert (answer.status, answer.headers["retry-after"]) == (429, wait)
    assert answer.error["message"] == "The model's server is asked too much. That is too fast."
    assert recorded().status == 429


def test_an_upstream_that_is_too_busy_may_say_for_how_long(curl, mia, upstream):
    upstream.be(status=529, headers={"Retry-After": "9"})
    answer = curl(mia).post(CHAT, body())
    assert (answer.status, answer.headers["retry-after"]) == (502, "9")
    upstream.be(status=400, headers={"Retry-After": "9"})
    assert "retry-after" not in curl(mia).post(CHAT, body()).headers


ODD = {
    "not json": {"body": b"<html>Welcome to nginx</html>", "kind": "text/html"},
    "a list": {"body": b"[]"},
    "null": {"body": b"null"},
    "half json": {"body": b'{"choices": ['},
    "nothing": {"body": b"", "status": 204},
    "an error with 200": {"body": json.dumps(LOUD).encode()},
    "a huge refusal": {"status": 500, "body": b"x" * 300_000, "kind": "text/plain"},
    "deep json": {"body": b"[" * 5_000},
}


@pytest.mark.parametrize("manner", ODD.values(), ids=ODD)
def test_what_is_no_answer_of_a_model_is_502(curl, mia, upstream, manner):
    upstream.be(**manner)
    answer = curl(mia).post(CHAT, body())
    assert (answer.status, answer.error["type"]) == (502, "upstream_error")
    tells_nothing(answer, upstream)
    assert recorded().is_failed


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(curl, mia, upstream, status):
    """S-34: an upstream cannot send us, and our key for it, anywhere else."""
    upstream.be(status=status, headers={"Location": f"{upstream.url}/elsewhere"})
    assert curl(mia).post(CHAT, body()).status == 502
    assert [got.path for got in upstream.got] == [CHAT]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_with_the_upstream_away_it_is_502_and_nothing_is_charged(app_with, mia, stream):
    """S-44: never let through, never anybody else's fault."""
    app = app_with(upstream_base_url=f"http://127.0.0.1:{free_port()}/v1")
    answer = Curl(InProcess(app), make_key(mia).secret).post(CHAT, body(stream=stream))
    assert (answer.status, answer.error["type"]) == (502, "upstream_error")
    assert "127.0.0.1" not in answer.text
    call = recorded()
    assert (call.status, call.cost, call.exception) == (502, 0, None)


def test_the_reason_is_in_the_log_for_whoever_looks_after_it(app_with, mia, capsys):
    app = app_with(upstream_base_url="http://no-such-host.invalid/v1", upstream_api_key=KEY)
    Curl(InProcess(app), make_key(mia).secret).post(CHAT, body())
    line = next(line for line in capsys.readouterr().err.splitlines() if "upstream failed" in line)
    assert json.loads(line)["upstream"] == "default"
    assert "no-such-host" in line
    assert KEY not in line


@pytest.mark.parametrize("path", BODIES)
def test_no_first_byte_in_time_is_504_and_the_prompt_is_taken_as_read(impatient, upstream, path):
    upstream.be(waits=1)
    answer = impatient(first_byte=0.2).post(path, body(path))
    assert (answer.status, answer.error["type"]) == (504, "upstream_timeout")
    call = recorded()
    assert (call.status, call.completion_tokens, call.exception) == (504, 0, "usage_estimated")
    assert call.cost > 0


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_upstream_that_answers_is_not_asked_again(curl, mia, upstream, status):
    upstream.be(status=status)
    curl(mia).post(CHAT, body())
    assert len(upstream.got) == 1


def test_an_answer_cut_in_the_middle_is_502_and_guessed(curl, mia, upstream):
    upstream.be(cuts_after=100)
    assert curl(mia).post(CHAT, body()).status == 502
    call = recorded()
    assert (call.status, call.completion_tokens, call.exception) == (502, 25, "usage_estimated")
    assert len(upstream.got) == 1


@pytest.mark.parametrize("path", STREAMED)
def test_a_stream_cut_in_the_middle_says_so_and_costs_what_came(curl, mia, upstream, path):
    upstream.be(cuts_after=4)
    answer = curl(mia).post(path, body(path, stream=True))
    assert answer.status == 200
    last = events_of(answer)[-1]
    assert last["error"]["type"] == "upstream_error"
    assert ("event: error" in answer.text) == (path in ("/v1/messages", "/v1/responses"))
    call = recorded()
    assert (call.status, call.is_failed, call.exception) == (502, True, "usage_estimated")
    assert 1 <= call.completion_tokens < COMPLETION
    assert call.prompt_tokens > 0


def test_a_stream_that_falls_silent_says_so(impatient, upstream):
    upstream.be(hangs_after=3)
    begun = time.monotonic()
    answer = impatient(first_byte=4, idle=0.2).post(CHAT, body(stream=True))
    assert time.monotonic() - begun < 3
    assert events_of(answer)[-1]["error"]["type"] == "upstream_timeout"
    assert recorded().status == 504
    assert upstream.cut_off.wait(2)


def test_a_stream_that_never_ends_is_ended(impatient, upstream):
    answer = impatient(timeout=0.05).post(CHAT, body(stream=True))
    assert events_of(answer)[-1]["error"]["type"] == "upstream_timeout"
    assert recorded().status == 504


@pytest.mark.parametrize("path", STREAMED)
def test_an_error_in_a_stream_is_told_without_key_and_address(curl, mia, upstream, path):
    """S-35."""
    upstream.be(fails_in_stream=f"Overloaded: {KEY} at {upstream.url}")
    answer = curl(mia).post(path, body(path, stream=True))
    assert "Overloaded" in events_of(answer)[-1]["error"]["message"]
    tells_nothing(answer, upstream)
    assert recorded().is_failed


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_key_that_is_repeated_in_an_answer_is_blotted_out(curl, mia, upstream, monkeypatch, stream):
    """S-35: whatever the upstream says, its key stays here."""
    monkeypatch.setattr("tests.answers.WORDS", ["my key is ", KEY, "!"])
    answer = curl(mia).post(CHAT, body(stream=stream))
    assert answer.status == 200
    assert "my key is" in answer.text
    assert KEY not in answer.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", STREAMED)
def test_without_usage_it_is_guessed_and_said_to_be(curl, mia, upstream, path, stream):
    upstream.be(tells_usage=False)
    assert curl(mia).post(path, body(path, stream=stream)).status == 200
    call = recorded()
    assert (call.status, call.completion_tokens, call.exception) == (200, 7, "usage_estimated")
    assert 10 < call.prompt_tokens < 60


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_upstream_that_gives_more_than_asked_is_recorded_so(curl, mia, upstream, stream):
    upstream.be(tokens=50_000)
    assert curl(make_key(mia, max_budget=10**9).secret).post(CHAT, body(stream=stream, max_tokens=20)).status == 200
    call = recorded()
    assert (call.completion_tokens, call.exception) == (50_000, "more_than_asked")
    assert call.cost > 50_000 * 600


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_who_leaves_a_stream_pays_what_came_and_the_upstream_stops(app, mia, upstream, pieces):
    upstream.be(hangs_after=4)
    headers = {"Authorization": f"Bearer {make_key(mia).secret}"}
    environ = EnvironBuilder(CHAT, method="POST", json=body(stream=True), headers=headers).get_environ()
    answer = app(environ, lambda *_: None)  # as a server does, which may be left before the first piece
    came = [next(iter(answer)) for _ in range(pieces)]
    answer.close()
    assert upstream.cut_off.wait(2)
    call = recorded()
    assert (call.status, call.is_failed, call.exception) == (499, False, "usage_estimated")
    assert call.prompt_tokens > 10
    assert (call.completion_tokens > 0) == bool(came)


def test_a_seat_is_given_back_however_a_call_ends(app_with, mia, upstream):
    app = app_with(selfserve_threads=2)
    door = Curl(InProcess(app), make_key(mia).secret)
    for manner in ({}, {"status": 500}, {"cuts_after": 3}, {"fails_in_stream": "No."}, {"body": b"no json"}):
        upstream.be(**manner)
        door.post(CHAT, body(stream=True))
        door.post(CHAT, {"model": "x"})
    upstream.be()
    assert door.post(CHAT, body()).status == 200


def test_with_all_seats_taken_it_is_503_for_a_second(app_with, mia, upstream):
    app = app_with(selfserve_threads=2)
    headers = {"Authorization": f"Bearer {make_key(mia).secret}"}
    upstream.be(hangs_after=1)
    with contextlib.closing(app.test_client().post(CHAT, json=body(stream=True), headers=headers)) as first:
        next(iter(first.response))
        answer = Curl(InProcess(app)).post(CHAT, body(), headers=headers)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert len(upstream.got) == len(rows(OpenCall)) == 1
        assert Curl(InProcess(app)).get("/key/list", headers=headers).status == 200
    upstream.be()
    assert Curl(InProcess(app)).post(CHAT, body(), headers=headers).status == 200


def test_a_bug_of_ours_leaves_no_call_open(app, curl, mia, upstream, monkeypatch):
    monkeypatch.setattr("selfserve.gateway.calls.refusal", lambda *_: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    upstream.be(status=400)
    headers = {"Authorization": f"Bearer {make_key(mia).secret}"}
    assert app.test_client().post(CHAT, json=body(), headers=headers).status_code == 500
    assert recorded().is_failed


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_an_answer_goes_out_though_the_database_went_away_meanwhile_and_is_recorded_when_it_is_back(
    app, curl, mia, upstream, is_stream
):
    """S-44: it was paid for; who got an error would call, and pay, once more."""
    with app.app_context():
        engine = db.engine

    def be_away(*_):
        raise OperationalError("BEGIN", {}, Exception("gone"))

    upstream.be(meanwhile=lambda: event.contains(engine, "begin", be_away) or event.listen(engine, "begin", be_away))
    try:
        answer = curl(mia).post(CHAT, body(stream=is_stream))
    finally:
        event.remove(engine, "begin", be_away)
    assert answer.status == 200
    assert len(rows(OpenCall)) == 1
    upstream.be()
    assert curl(mia).post(CHAT, body()).status == 200
    assert (len(rows(Call)), rows(OpenCall)) == (2, [])
