"""Selfserve as it really runs: in processes of its own, on free ports, also behind a reverse proxy."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from fakeredis import TcpFakeServer

from tests.application import MASTER_KEY, SECRET_KEY

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PATIENCE = 30
KINDS = ("gunicorn", "waitress", "uwsgi")


@dataclass
class Server:
    """A running server."""

    url: str
    process: subprocess.Popen
    log: Path

    def kill(self, how: int = signal.SIGKILL) -> None:
        """End all its processes at once."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        self.process.wait(PATIENCE)


def command(kind: str, port: int, workers: int) -> list[str]:
    """Say how each server is started; gunicorn by the product's own start."""
    here = f"127.0.0.1:{port}"
    return {
        "gunicorn": [sys.executable, "-m", "selfserve.serve"],
        "waitress": [str(BIN / "waitress-serve"), f"--listen={here}", "--threads=8", "wsgi:app"],
        "uwsgi": [
            str(BIN / "uwsgi"), "--http-socket", here, "--module", "wsgi:app", "--master", "--processes", str(workers),
            "--enable-threads", "--threads", "8", "--need-app", "--die-on-term", "--lazy-apps",
        ],
    }[kind]  # fmt: skip


@contextmanager
def running(
    kind: str = "gunicorn",
    *,
    database_url: str,
    folder: Path,
    workers: int = 2,
    health: int = 200,
    **environment: str,
) -> Iterator[Server]:
    """Start a server and wait until it answers for its health; end it in any case."""
    port = free_port()
    settings = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "LITELLM_MASTER_KEY": MASTER_KEY,
        "SELFSERVE_SECRET_KEY": SECRET_KEY,
        "SELFSERVE_DATA_DIR": str(folder),
        "SELFSERVE_WORKERS": str(workers),
        "SELFSERVE_THREADS": "8",
        "PROXY_BASE_URL": f"http://127.0.0.1:{port}",
    }
    log = folder / f"{kind}-{port}.log"
    process = start(command(kind, port, workers), folder, log, {"PYTHONPATH": str(ROOT)} | settings | environment)
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_until_it_answers(server, f"{environment.get('SERVER_ROOT_PATH', '')}/health/readiness", health)
        yield server
    finally:
        server.kill()


def start(command: list[str], folder: Path, log: Path, environment: dict[str, str]) -> subprocess.Popen:
    """Start a program at the head of a group of its own, which knows of this machine only where programs are."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env=plain | environment,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_until_it_answers(server: Server, path: str, status: int = 200) -> None:
    """Ask until it answers with this status; fail with the end of its log."""
    host = urlsplit(server.url).netloc
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.process.poll() is None:
        try:
            connection = http.client.HTTPConnection(host, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == status:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise AssertionError(f"the server did not get ready:\n{server.log.read_text(errors='replace')[-4000:]}")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class FakeRedis(TcpFakeServer):
    """Redis' protocol and its scripts on a real socket, with our clock; as many connections at once as come."""

    request_queue_size = 128


@contextmanager
def redis_running() -> Iterator[str]:
    """Give the address of an empty Redis."""
    server = FakeRedis(("127.0.0.1", 0))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Proxy:
    """A small reverse proxy under a path prefix, which it strips or keeps; it can lie in headers, and it remembers."""

    target: str
    prefix: str = ""
    strips: bool = True
    adds: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""


@contextmanager
def proxied(
    target: str, prefix: str = "", *, strips: bool = True, adds: dict[str, str] | None = None, port: int = 0
) -> Iterator[Proxy]:
    """Put a proxy in front of a server; what lies outside the prefix is 404 with the word "outside"."""
    proxy = Proxy(target, prefix, strips, adds or {})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            """Pass a request on and its answer back."""
            length = int(self.headers.get("Content-Length") or 0)
            status, headers, body = ask(proxy, self.command, self.path, dict(self.headers), self.rfile.read(length))
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = forward

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{server.server_port}{prefix}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


def ask(
    proxy: Proxy, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Send one request on to the server behind the proxy."""
    inside = path == proxy.prefix or path.startswith((proxy.prefix + "/", proxy.prefix + "?"))
    if not inside:
        proxy.seen.append((path, 404))
        return 404, [("Content-Length", "7")], b"outside"
    passed = path.removeprefix(proxy.prefix) or "/" if proxy.strips else path
    connection = http.client.HTTPConnection(urlsplit(proxy.target).netloc, timeout=PATIENCE)
    try:
        connection.request(method, passed, body=body or None, headers=headers | proxy.adds)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    proxy.seen.append((path, response.status))
    kept = [
        (n, v)
        for n, v in response.getheaders()
        if n.lower() not in ("transfer-encoding", "connection", "content-length")
    ]
    return response.status, [*kept, ("Content-Length", str(len(content)))], content
