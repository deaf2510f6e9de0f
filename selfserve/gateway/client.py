"""The way to an upstream: kept connections, four kinds of patience, no redirects, and no second try once it answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from urllib3 import PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

from selfserve.errors import UpstreamFailed, UpstreamTimeout
from selfserve.upstreams import Upstream

ANTHROPIC_VERSION = "2023-06-01"
CONNECT = 10
"""Seconds to reach an upstream."""
SENDING = 120
"""Seconds in which an upstream takes something of a body."""
LARGEST = 64_000_000
"""Bytes of an answer that is no stream at most."""
_READ = 65_536
_TRIES = 2
LOST = "The model's server ended the connection before its answer was whole."
_AWAY = "The model's server cannot be reached. Try again in a moment."
_SLOW = "The model's server did not answer in time. Try again, or ask for less at once."


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for the first byte of an answer, for each further one, and for all of it."""

    first_byte: int
    idle: int
    whole: int


class _Patient:
    """A connection whose patience can be changed while an answer comes in."""

    line: Any = None

    def connect(self) -> None:
        """Be patient with an upstream that takes a large body slowly, once it is reached."""
        super().connect()  # type: ignore[misc]
        self.sock.settimeout(SENDING)  # type: ignore[attr-defined]

    def getresponse(self) -> Any:
        """Keep hold of the socket, which is not ours to ask for once the answer has begun."""
        self.line = self.sock  # type: ignore[attr-defined]
        return super().getresponse()  # type: ignore[misc]


class _Http(_Patient, HTTPConnection):
    """The same, plain."""


class _Https(_Patient, HTTPSConnection):
    """The same, encrypted."""


class _HttpPool(HTTPConnectionPool):
    """Keeps plain connections."""

    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    """Keeps encrypted connections."""

    ConnectionCls = _Https


def make_pools() -> PoolManager:
    """Make the keeper of connections; it opens none before the first call."""
    pools = PoolManager(num_pools=100, maxsize=64, block=False, retries=False)
    pools.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return pools


_pools = make_pools()


class Reply:
    """An upstream's answer: its head, and a body that is still coming in."""

    def __init__(self, response: BaseHTTPResponse, patience: Patience, ends: float) -> None:
        """Hold an answer whose head has come."""
        self.response, self.patience, self.ends = response, patience, ends
        self.status = response.status
        self.received = 0

    def header(self, name: str) -> str:
        """Read a header, empty where it is not there."""
        return str(self.response.headers.get(name, ""))

    @property
    def kind(self) -> str:
        """What the body is."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def chunks(self) -> Iterator[bytes]:
        """Give the body as it comes in. Raises UpstreamFailed, UpstreamTimeout."""
        wait = self.patience.first_byte
        while data := self._next(wait):
            self.received += len(data)
            yield data
            wait = self.patience.idle

    def whole(self, most: int = LARGEST) -> bytes:
        """Read the body to its end, or until it is too long to be one. Raises UpstreamFailed, UpstreamTimeout."""
        body = bytearray()
        for data in self.chunks():
            body += data
            if len(body) > most:
                self.close()
                raise UpstreamFailed("The model's server sent a longer answer than can be passed on.")
        return bytes(body)

    def close(self) -> None:
        """Hang up; what was not read yet is not read any more, and the upstream may stop."""
        self.response.close()

    def _next(self, wait: int) -> bytes:
        """Wait for the next bytes, empty at the end."""
        left = self.ends - monotonic()
        try:
            if left <= 0:
                raise UpstreamTimeout(_SLOW)
            line = getattr(self.response.connection, "line", None)
            if line is not None:
                line.settimeout(min(wait, left))
            return self.response.read1(_READ)
        except (ReadTimeoutError, TimeoutError) as error:
            raise UpstreamTimeout(_SLOW) from error
        except (HTTPError, OSError, ValueError) as error:
            raise UpstreamFailed(LOST) from error


def post(url: str, body: bytes, headers: dict[str, str], patience: Patience) -> Reply:
    """Send a body and wait for the head of the answer. Raises UpstreamFailed, UpstreamTimeout.

    One that could not be sent, or whose connection ended before a byte came back, is sent once more.
    """
    ends = monotonic() + patience.whole
    for tries_left in reversed(range(_TRIES)):
        try:
            return Reply(_send("POST", url, body, headers, patience, ends), patience, ends)
        except (NewConnectionError, ProtocolError) as error:
            if not tries_left or _was_slow(error):
                raise UpstreamFailed(_AWAY) from error
        except ReadTimeoutError as error:
            raise UpstreamTimeout(_SLOW) from error
        except (HTTPError, OSError, ValueError) as error:
            raise UpstreamFailed(_AWAY) from error
    raise AssertionError("the last try returns or raises")


def get(url: str, headers: dict[str, str], patience: Patience) -> Reply:
    """Ask once and wait for the head of the answer. Raises UpstreamFailed, UpstreamTimeout."""
    ends = monotonic() + patience.whole
    try:
        return Reply(_send("GET", url, None, headers, patience, ends), patience, ends)
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        raise UpstreamTimeout(_SLOW) from error
    except (HTTPError, OSError, ValueError) as error:
        raise UpstreamFailed(_AWAY) from error


def _was_slow(error: Exception) -> bool:
    """Tell whether a body was on its way when patience ended: the upstream may have it, so it is not sent again."""
    return any(isinstance(each, TimeoutError) for each in error.args)


def shown_key(upstream: Upstream) -> dict[str, str]:
    """Show an upstream our key for it, in the header in which it wants to see it."""
    if upstream.auth == "x-api-key":
        return {"anthropic-version": ANTHROPIC_VERSION, "x-api-key": upstream.api_key}
    return {"authorization": f"Bearer {upstream.api_key}"} if upstream.api_key else {}


def _send(
    method: str, url: str, body: bytes | None, headers: dict[str, str], patience: Patience, ends: float
) -> BaseHTTPResponse:
    """Send a request once."""
    left = max(ends - monotonic(), 0.001)
    return _pools.request(
        method,
        url,
        body=body,
        headers=headers,
        redirect=False,
        retries=False,
        preload_content=False,
        timeout=Timeout(connect=min(CONNECT, left), read=min(patience.first_byte, left)),
    )
