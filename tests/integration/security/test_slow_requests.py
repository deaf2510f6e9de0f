"""S-32: who sends slowly, or never the rest, holds a thread no longer than a moment."""

import socket
import threading
import time
from contextlib import closing, suppress
from types import SimpleNamespace

import pytest
from werkzeug.test import EnvironBuilder

from selfserve.serve import Worker
from tests.application import MASTER_KEY


@pytest.fixture
def line(monkeypatch):
    """Give both ends of a connection: the server's, and the client's."""
    monkeypatch.setattr("selfserve.web.deadlines._LOOKS_EVERY", 0.02)
    for name in ("BODY_SECONDS", "CHUNKED_SECONDS", "REST_SECONDS"):
        monkeypatch.setattr(f"selfserve.web.bodies.{name}", 0.2)
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def post(app, here, length, token=MASTER_KEY):
    """Answer a request as gunicorn does; give its status, and the body as the server sees it."""
    body = here.makefile("rb")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    headers |= {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
    environ = EnvironBuilder("/user/new", method="POST", headers=headers).get_environ()
    got = []
    stream = SimpleNamespace(read=body.read, readline=body.readline, failed=False)
    environ |= {"wsgi.input": stream, "wsgi.input_terminated": True, "gunicorn.socket": here}
    with closing(app(environ, lambda status, _headers: got.append(status[:3]))) as answer:
        list(answer)
    return got[0], stream


@pytest.mark.parametrize("length", [1_000, None], ids=["of known length", "in chunks"])
@pytest.mark.parametrize("every", [0.02, 60], ids=["dripping", "silent"])
def test_a_body_must_come_in_its_time(app, line, length, every):
    here, there = line
    is_over = threading.Event()

    def drip():
        with suppress(OSError):
            while not is_over.is_set():
                there.sendall(b"{")
                is_over.wait(every)

    threading.Thread(target=drip, daemon=True).start()
    begun = time.monotonic()
    status, stream = post(app, here, length)
    is_over.set()
    assert (status, stream.failed) == ("408", True)
    assert time.monotonic() - begun < 2


def test_what_nobody_read_is_waited_for_only_a_moment(app, line):
    here, _ = line
    begun = time.monotonic()
    status, stream = post(app, here, 1_000, token="sk-nobody")
    assert (status, stream.failed) == ("401", True)
    assert time.monotonic() - begun < 2


def test_what_nobody_read_and_came_leaves_the_connection_as_it_was(app, line):
    here, there = line
    there.sendall(b"x" * 1_000)
    there.shutdown(socket.SHUT_WR)
    status, stream = post(app, here, 1_000, token="sk-nobody")
    assert (status, stream.failed) == ("401", False)


def test_the_head_of_a_request_must_come_in_its_time(line, monkeypatch):
    here, _ = line
    monkeypatch.setattr("selfserve.serve.HEAD_SECONDS", 0.1)
    monkeypatch.setattr("gunicorn.workers.gthread.ThreadWorker.handle", lambda _worker, conn: conn.sock.recv(10))
    assert Worker.handle(object.__new__(Worker), SimpleNamespace(sock=here)) == b""
