"""A model's server for the tests: it answers as it is told to, well or badly, and remembers what it got."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.answers import Manner, pieces, whole

KEY = "sk-upstream-secret-0123456789"
MODELS = ["claude-sonnet-4-5", "gpt-4o-mini", "gpt-5-mini", "text-embedding-3-small", "house-model"]
GAP = 0.01
"""Seconds between two pieces of a stream."""


@dataclass
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @cached_property
    def body(self) -> Any:
        """What it says."""
        return json.loads(self.raw)


@dataclass
class Upstream:
    """A running one."""

    url: str
    manner: Manner = field(default_factory=Manner)
    got: list[Got] = field(default_factory=list)
    asked: list[Got] = field(default_factory=list)
    """Questions for its models, which are no calls."""
    cut_off: threading.Event = field(default_factory=threading.Event)
    """Set when somebody hung up before the end of an answer."""
    released: threading.Event = field(default_factory=threading.Event)

    def be(self, **how: Any) -> None:
        """Answer so from now on."""
        self.manner = Manner(**how)
        self.cut_off.clear()

    def soon(self, **how: Any) -> None:
        """Answer once more as it is, and so from then on."""
        self.manner.next = Manner(**how)

    @property
    def last(self) -> Got:
        """What came last."""
        return self.got[-1]

    def let_go(self) -> None:
        """End whatever hangs."""
        self.released.set()


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def here(self) -> Upstream:
        """The upstream that it answers for."""
        return self.server.here

    def do_GET(self) -> None:
        """List the models, in the manner of the day."""
        self.here.asked.append(Got(self.path, {name.lower(): value for name, value in self.headers.items()}, b"null"))
        manner = self.here.manner
        self.here.released.wait(manner.waits)
        listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]}
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send(manner, manner.body or json.dumps(listed).encode())

    def do_POST(self) -> None:
        """Answer one call."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.here.got.append(Got(self.path, {name.lower(): value for name, value in self.headers.items()}, raw))
        body, manner = self.here.last.body, self.here.manner
        self.here.manner = manner.next or manner
        if manner.drops > 0:
            manner.drops -= 1
            self.close_connection = True
            return
        if manner.waits:
            self.here.released.wait(manner.waits)
        try:
            self.answer(manner, body)
        except (BrokenPipeError, ConnectionResetError):
            self.here.cut_off.set()
            self.close_connection = True

    def answer(self, manner: Manner, body: dict[str, Any]) -> None:
        """Answer in the manner of the day."""
        if manner.body is not None or manner.status != 200:
            self.send(manner, manner.body or b"{}")
        elif body.get("stream"):
            self.stream(manner, pieces(self.path, body, manner))
        else:
            self.send(manner, json.dumps(whole(self.path, body, manner)).encode())

    def send(self, manner: Manner, content: bytes) -> None:
        """Send an answer that is no stream."""
        manner.meanwhile()
        self.head(manner, manner.kind, "Content-Length", str(len(content)))
        self.wfile.write(content[: manner.cuts_after])
        if manner.cuts_after is not None:
            self.hang_up()

    def stream(self, manner: Manner, events: list[str]) -> None:
        """Send a stream, chunk by chunk."""
        self.head(manner, "text/event-stream", "Transfer-Encoding", "chunked")
        for number, event in enumerate(events):
            manner.meanwhile()
            if number == manner.cuts_after:
                return self.hang_up()
            if number == manner.hangs_after:
                self.wait_until_left(manner)
            self.wfile.write(f"{len(event.encode()):x}\r\n{event}\r\n".encode())
            time.sleep(GAP)
        self.wfile.write(b"0\r\n\r\n")
        return None

    def head(self, manner: Manner, kind: str, framing: str, value: str) -> None:
        """Send the head."""
        self.send_response(manner.status)
        for name, each in {"Content-Type": kind, framing: value, **manner.headers}.items():
            self.send_header(name, each)
        self.end_headers()

    def hang_up(self) -> None:
        """End the connection in the middle."""
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def wait_until_left(self, manner: Manner) -> None:
        """Say nothing until the other side hangs up or the test is over."""
        self.connection.settimeout(0.05)
        while not self.here.released.is_set():
            if manner.pings_while_hanging:
                self.wfile.write(b"8\r\n: ping\n\n\r\n")
            try:
                if self.connection.recv(1) == b"":
                    raise BrokenPipeError
            except TimeoutError:
                continue

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class Listening(ThreadingHTTPServer):
    """Takes many connections at once."""

    request_queue_size = 256
    daemon_threads = True


@contextmanager
def upstream() -> Iterator[Upstream]:
    """Run one."""

    server = Listening(("127.0.0.1", 0), Handler)
    here = server.here = Upstream(f"http://127.0.0.1:{server.server_port}/v1")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield here
    finally:
        here.let_go()
        server.shutdown()
        server.server_close()
