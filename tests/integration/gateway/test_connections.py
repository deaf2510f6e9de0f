"""A call is sent once, and an upstream that means harm or is broken holds it no longer than it may take."""

import contextlib
import socket
import threading
import time

import pytest

from selfserve.errors import UpstreamFailed, UpstreamTimeout
from selfserve.gateway.client import Lost, Patience, make_pools, post
from selfserve.models import Call
from tests.factories import rows
from tests.integration.gateway.calls import CHAT, body, recorded

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SHORT = Patience(first_byte=0.2, idle=0.2, whole=0.3)


@pytest.fixture
def odd():
    """Make an upstream that says something and then drips something else: `odd(HEAD, b"a: b")` gives its address."""
    listeners = []

    def make(begins, drips=b"", most=60):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, begins, drips, most), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1/chat/completions"

    yield make
    for listener in listeners:
        listener.close()


def serve(listener, begins, drips, most):
    """Answer one call after the other."""
    with contextlib.suppress(OSError):
        while True:
            line, _ = listener.accept()
            with line, contextlib.suppress(OSError):
                line.recv(65_536)
                line.sendall(begins)
                for _ in range(most if drips else 0):
                    time.sleep(0.05)
                    line.sendall(drips)


DRIPPED = {
    "a head": (HEAD, b"a: b\r\n"),
    "a line of a head": (HEAD + b"a: ", b"b"),
    "a promise to go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the size of a chunk": (CHUNKED, b"0"),
    "an answer": (CHUNKED, b"1\r\n \r\n"),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"a: b\r\n"),
}


@pytest.mark.parametrize(("begins", "drips"), DRIPPED.values(), ids=DRIPPED)
def test_what_only_drips_is_given_up_in_time(odd, begins, drips):
    """S-34: a thread, a seat and a reservation are held no longer than the whole call may take."""
    address, begun = odd(begins, drips), time.monotonic()
    with pytest.raises(UpstreamTimeout):
        post(address, b"{}", {}, SHORT).whole()
    assert time.monotonic() - begun < 1


def test_a_hint_before_the_answer_is_no_answer(odd):
    with pytest.raises(Lost):
        post(
            odd(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\n{}"),
            b"{}",
            {},
            SHORT,
        )


def take_slowly(listener):
    """Read two bodies of one connection, each after a while."""
    line, _ = listener.accept()
    with line:
        for _ in range(2):
            time.sleep(0.2)
            end = b""
            while not end.endswith(b"END"):
                end = end[-3:] + line.recv(1_000_000)
            line.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")


def test_a_large_body_has_time_on_a_kept_connection_too(monkeypatch):
    """How long reaching an upstream may take says nothing about sending."""
    monkeypatch.setattr("selfserve.gateway.client.CONNECT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=take_slowly, args=(listener,), daemon=True).start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for _ in range(2):
            assert post(address, b"x" * 20_000_000 + b"END", {}, Patience(3, 3, 3)).whole() == b"{}"


def test_a_body_that_nobody_takes_is_given_up_and_not_sent_again(odd, monkeypatch):
    monkeypatch.setattr("selfserve.gateway.client.SENDING", 0.1)
    with pytest.raises(UpstreamFailed) as failed:
        post(odd(HEAD, b" "), b"x" * 20_000_000, {}, Patience(3, 3, 3))
    assert not isinstance(failed.value, Lost)


def test_a_kept_connection_that_had_ended_is_no_failure(curl, mia, upstream):
    assert curl(mia).post(CHAT, body()).status == 200
    upstream.be(drops=1)
    assert curl(mia).post(CHAT, body()).status == 200
    assert len(upstream.got) == 3
    assert [call.status for call in rows(Call)] == [200, 200]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_call_that_may_have_been_read_is_not_sent_again_and_its_prompt_is_paid(
    curl, mia, upstream, monkeypatch, stream
):
    monkeypatch.setattr("selfserve.gateway.client._pools", make_pools())
    upstream.be(drops=1)
    answer = curl(mia).post(CHAT, body(stream=stream))
    assert (answer.status, answer.error["type"]) == (502, "upstream_error")
    assert len(upstream.got) == 1
    call = recorded()
    assert (call.status, call.exception) == (502, "usage_estimated")
    assert call.cost > 0


def test_a_kept_connection_that_ends_later_may_have_been_read_too(curl, mia, upstream, monkeypatch):
    monkeypatch.setattr("selfserve.gateway.client.AT_ONCE", 0)
    curl(mia).post(CHAT, body())
    upstream.be(drops=1)
    assert curl(mia).post(CHAT, body()).status == 502
    assert len(upstream.got) == 2
