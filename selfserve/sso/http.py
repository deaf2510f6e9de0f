"""The way to an identity provider: short patience, small answers of JSON, and no redirects (S-34)."""

import json
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

from urllib3 import PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from selfserve.errors import ProviderAway
from selfserve.lines import Listening

CONNECT_SECONDS, WHOLE_SECONDS = 3, 8
MOST_BYTES = 1_000_000


class _Http(Listening, HTTPConnection):
    """A connection whose whole answer, head and body, must come in time."""


class _Https(Listening, HTTPSConnection):
    """The same, encrypted."""


class _HttpPool(HTTPConnectionPool):
    """Keeps plain connections."""

    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    """Keeps encrypted connections."""

    ConnectionCls = _Https


_pools = PoolManager(num_pools=10, maxsize=10, block=False, retries=False)
_pools.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def get(url: str, label: str, token: str = "") -> Any:
    """Ask for JSON, with an access token or without. Raises ProviderAway for all that is no good answer."""
    status, answer = _ask("GET", url, label, {"Authorization": f"Bearer {token}"} if token else {})
    if status != 200:
        raise ProviderAway(label, f"It answered {status}.")
    return answer


def post(url: str, label: str, fields: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
    """Send a form; give the status, below 500, and the JSON. Raises ProviderAway."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return _ask("POST", url, label, kind | headers, urlencode(fields).encode())


def reach(url: str, label: str) -> int:
    """Tell with which status an address answers at all. Raises ProviderAway."""
    return _ask("GET", url, label, {}, is_json=False)[0]


def _ask(
    method: str, url: str, label: str, headers: dict[str, str], body: bytes | None = None, *, is_json: bool = True
) -> tuple[int, Any]:
    """Send one request and read its answer."""
    try:
        status, raw = _send(method, url, headers, body)
    except (HTTPError, OSError, ValueError) as error:
        raise ProviderAway(label, _why(error)) from error
    if status >= 500 or status == 429:
        raise ProviderAway(label, f"It answered {status}.")
    if 300 <= status < 400 and is_json:
        raise ProviderAway(label, "It sends elsewhere, which is not followed. Set the address where it really is.")
    try:
        return status, json.loads(raw) if is_json else None
    except (ValueError, RecursionError):
        raise ProviderAway(label, f"It answered {status}, but not with JSON.") from None


def _send(method: str, url: str, headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
    """Send one request; read no more than a small answer, and not for longer than it may take."""
    timeout = Timeout(connect=CONNECT_SECONDS, total=WHOLE_SECONDS)
    told = {"Accept": "application/json", "User-Agent": "selfserve"}
    answer = _pools.request(
        method, url, body=body, headers=told | headers, timeout=timeout, redirect=False, preload_content=False
    )
    with closing(answer):
        read = bytearray()
        for chunk in answer.stream(65_536):
            read += chunk
            if len(read) > MOST_BYTES:
                raise ValueError("too long")
        answer.release_conn()
    return answer.status, bytes(read)


def _why(error: Exception) -> str:
    """Say why there was no answer, without address and secret."""
    if isinstance(error, NameResolutionError):
        return "Its name is not known."
    if isinstance(error, NewConnectionError):
        return "The connection was refused."
    if isinstance(error, ConnectTimeoutError):
        return f"No connection within {CONNECT_SECONDS} seconds."
    if isinstance(error, ReadTimeoutError):
        return f"Connected, but no whole answer within {WHOLE_SECONDS} seconds."
    if isinstance(error, SSLError):
        return "Its certificate is not accepted."
    if isinstance(error, ValueError):
        return "Its answer is too long, or nothing that can be read."
    return "The connection broke off."
