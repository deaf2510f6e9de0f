"""Selfserve as `make run` starts it, and the bare application on the same server."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.databases import ROOT
from selfserve.config import Settings
from selfserve.serve import command

PATIENCE = 60


@dataclass
class Server:
    """A running server, and how long it took until it was ready."""

    host: str
    process: subprocess.Popen[bytes]
    started_in: float = 0.0

    def memory(self) -> list[float]:
        """Tell what each worker holds in memory, in MB."""
        told = subprocess.run(["ps", "-e", "-o", "ppid=,rss="], capture_output=True, text=True, check=True)
        rows = [line.split() for line in told.stdout.splitlines()]
        return [round(int(rss) / 1000, 1) for parent, rss in rows if int(parent) == self.process.pid]


@contextmanager
def ours(environment: dict[str, str], workers: int) -> Iterator[Server]:
    """Run Selfserve."""
    port = _free_port()
    settings = environment | {"PORT": str(port), "SELFSERVE_WORKERS": str(workers)}
    start = [sys.executable, "-m", "selfserve.serve"]
    with _running(start, settings, port, "/health/readiness") as server:
        yield server


@contextmanager
def bare(environment: dict[str, str], workers: int, sizes: Iterable[int]) -> Iterator[Server]:
    """Run the bare application by the very same command line; `/1000` answers with a thousand bytes."""
    port = _free_port()
    start = command(Settings(port=port, selfserve_workers=workers, **secrets_of(environment)))
    told = environment | {"BENCH_SIZES": " ".join(map(str, sorted(set(sizes))))}
    with _running([*start[:-1], "bench.bare:app"], told, port, "/0") as server:
        yield server


@contextmanager
def upstream(environment: dict[str, str]) -> Iterator[Server]:
    """Run the upstream that calls go to."""
    port = _free_port()
    with _running([sys.executable, "-m", "bench.upstream", str(port)], environment, port, "/told") as server:
        yield server


def ask(server: Server, path: str, method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, bytes]:
    """Send one request; give the status and the body as sent."""
    connection = http.client.HTTPConnection(server.host, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def _running(start: list[str], environment: dict[str, str], port: int, ready: str) -> Iterator[Server]:
    """Start a server, wait until it is ready, end it in any case."""
    log = Path(environment["SELFSERVE_DATA_DIR"]) / f"server-{port}.log"
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            start, env=os.environ | environment, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
    server = Server(f"127.0.0.1:{port}", process)
    try:
        while not _is_ready(server, ready):
            if process.poll() is not None or time.monotonic() > began + PATIENCE:
                raise SystemExit(f"The server did not get ready:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.01)
        server.started_in = time.monotonic() - began
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


def _is_ready(server: Server, path: str) -> bool:
    """Ask once."""
    try:
        return ask(server, path)[0] == 200
    except OSError:
        return False


def secrets_of(environment: dict[str, str]) -> dict[str, Any]:
    """Give the settings that have no default."""
    return {name.lower(): environment[name] for name in ("LITELLM_MASTER_KEY", "SELFSERVE_SECRET_KEY")}


def _free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
