"""A stream that fails, or just ends, says so to the client and is recorded so, whatever shape its last words have."""

import json

import pytest

from selfserve.calls import Ask
from selfserve.gateway import dialects
from selfserve.gateway.streams import Heard, Settlement, Stream
from selfserve.upstreams import Upstream

HERE = Upstream("ours", "http://secret-host.internal:8000/v1", "sk-upstream-secret-1")
SAID = "org-AbCdEf123456 failed at http://secret-host.internal:8000/v1"
PIECE = {"choices": [{"delta": {"content": "hello"}}]}


class Reply:
    """An answer that has come whole."""

    status = 200

    def __init__(self, *events):
        self.events = events

    def chunks(self):
        for event in self.events:
            yield b"data: " + json.dumps(event).encode() + b"\n\n"

    def close(self):
        """Hang up."""


def passed(dialect, *events):
    """Pass a stream on; give what the client gets and with which status it is recorded."""
    settled = []
    stream = Stream(Reply(*events), Heard(dialect, Ask("m", 100)), HERE, Settlement(settled.append), hides_usage=False)
    return b"".join(stream).decode(), settled[0].status


FAILURES = {
    "an event of responses": (dialects.RESPONSES, {"type": "error", "code": "server_error", "message": SAID}),
    "a response": (dialects.RESPONSES, {"type": "response.failed", "response": {"error": {"message": SAID}}}),
    "beside choices": (dialects.CHAT, PIECE | {"error": {"message": SAID}}),
}


@pytest.mark.parametrize(("dialect", "event"), FAILURES.values(), ids=FAILURES)
def test_a_failure_in_a_stream_is_told_without_what_is_the_upstreams(dialect, event):
    """S-35."""
    said, status = passed(dialect, event)
    assert status == 502
    assert "(hidden)" in said
    assert [word for word in ("AbCdEf", "secret-host", "8000") if word in said] == []


def test_a_stream_that_just_ends_was_cut():
    said, status = passed(dialects.CHAT, PIECE)
    assert status == 502
    assert "ended the connection" in said


def test_a_stream_that_ends_with_its_answer_was_whole():
    """Some servers say no more than that it is finished."""
    said, status = passed(dialects.CHAT, PIECE, {"choices": [{"delta": {}, "finish_reason": "stop"}]})
    assert (status, "error" in said) == (200, False)
