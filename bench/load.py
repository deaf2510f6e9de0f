"""Sends requests as fast as a number of connections can: by wrk, or by a small generator of our own."""

import http.client
import json
import math
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

SCRIPT = Path(__file__).with_name("requests.lua")
WITHOUT_WRK = (
    "wrk is not installed (Debian: apt-get install wrk). A generator in Python is used instead: it takes a core for "
    "itself and more time than a bare view, so the figures are lower and the ratios kinder than they should be."
)


@dataclass(frozen=True)
class Request:
    """What is sent; `{n}` in path and body counts from first to last."""

    method: str
    path: str
    headers: dict[str, str]
    body: str | None = None
    first: int = 1
    last: int = 1
    is_streamed: bool = False
    """The answer is a stream: its time is that to the first byte, which wrk does not know."""


@dataclass(frozen=True)
class Load:
    """What came of it; times in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    errors: int

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds if self.seconds else 0.0


def has_wrk() -> bool:
    """Tell whether wrk is there."""
    return shutil.which("wrk") is not None


def drive(host: str, request: Request, connections: int, seconds: float, *, by_wrk: bool) -> Load:
    """Load a server for some seconds."""
    if by_wrk and not request.is_streamed:
        return _by_wrk(host, request, connections, math.ceil(seconds))
    return _by_threads(host, request, connections, seconds)


def _by_wrk(host: str, request: Request, connections: int, seconds: int) -> Load:
    """Let wrk do it, with one thread: the machine's other cores are the server's."""
    headers = [part for name, value in request.headers.items() for part in ("-H", f"{name}: {value}")]
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT), *headers]
    told = [request.method, request.path, request.body or "", str(request.first), str(request.last)]
    done = subprocess.run([*wrk, f"http://{host}", "--", *told], capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("FIGURES "))
    figures = json.loads(line.removeprefix("FIGURES "))
    del figures["bytes"]
    return Load(**figures)


def _by_threads(host: str, request: Request, connections: int, seconds: float) -> Load:
    """Send from threads of our own, each on one connection."""
    times: list[float] = []
    errors: list[str] = []
    numbers = cycle(range(request.first, request.last + 1))
    began = time.perf_counter()

    def send() -> None:
        """Send one request after the other until the time is over."""
        connection = http.client.HTTPConnection(host, timeout=30)
        while time.perf_counter() < began + seconds:
            path, body = (text and text.replace("{n}", str(next(numbers))) for text in (request.path, request.body))
            sent = time.perf_counter()
            connection.request(request.method, path or "/", body, request.headers)
            answer = connection.getresponse()
            answer.read(1 if request.is_streamed else None)
            times.append((time.perf_counter() - sent) * 1000)
            is_cut = request.is_streamed and not answer.read().endswith(b"data: [DONE]\n\n")
            if answer.status >= 400 or is_cut:
                errors.append(str(answer.status))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    p50, p95, p99 = (times[int(len(times) * share)] if times else 0.0 for share in (0.5, 0.95, 0.99))
    return Load(len(times), time.perf_counter() - began, p50, p95, p99, len(errors))
