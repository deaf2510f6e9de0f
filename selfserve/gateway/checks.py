"""What an upstream answers when an admin asks whether it is there."""

import json
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from selfserve.errors import NotFound
from selfserve.gateway.client import shown_key
from selfserve.permissions import Actor, Permission
from selfserve.services.actors import require
from selfserve.upstreams import Upstream, Upstreams

CONNECT_SECONDS, READ_SECONDS = 3, 5
MOST_BYTES = 5_000_000


@dataclass(frozen=True)
class Reply:
    """What an upstream said when it was asked for its models, or why it said nothing."""

    upstream: str
    is_ok: bool
    sentence: str


def try_upstream(actor: Actor, upstreams: Upstreams, name: str) -> Reply:
    """Ask an upstream for its models. Raises NotFound for a name that is not configured (S-34)."""
    require(actor, Permission.SETTINGS_UPDATE)
    upstream = upstreams.by_name.get(name)
    if upstream is None:
        raise NotFound("There is no upstream of that name.", param="upstream")
    try:
        is_ok, sentence = _ask(upstream)
    except (HTTPError, OSError) as error:
        is_ok, sentence = False, _why(error)
    return Reply(name, is_ok, sentence)


def _ask(upstream: Upstream) -> tuple[bool, str]:
    """Send `GET /models` with the key of the upstream, follow nothing, and say what came back."""
    begun = time.monotonic()
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    with urllib3.PoolManager(num_pools=1, timeout=timeout, retries=False) as pool:
        address = f"{upstream.base_url}/models"
        answer = pool.request(
            "GET", address, headers=shown_key(upstream), redirect=False, preload_content=False, decode_content=False
        )
        with closing(answer):
            body = _read(answer, begun + CONNECT_SECONDS + READ_SECONDS) if answer.status == 200 else b""
    took = f"{max(round((time.monotonic() - begun) * 1000), 1):,} ms"
    if answer.status == 200:
        return _told(body, took)
    return False, f"Answered {answer.status} in {took}{_meaning(answer.status)}"


def _read(answer: Any, deadline: float) -> bytes | None:
    """Read a body that is neither too long nor too slow, else nothing."""
    body = b""
    for chunk in answer.stream(65_536):
        body += chunk
        if len(body) > MOST_BYTES or time.monotonic() > deadline:
            return None
    return body


def _told(body: bytes | None, took: str) -> tuple[bool, str]:
    """Count the models in an answer."""
    if body is None:
        return False, "It began to answer, but the list of its models is too long or too slow to read."
    try:
        models = json.loads(body)["data"]
        count = len(models) if isinstance(models, list) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        count = None
    if count is None:
        return False, f"Answered 200 in {took}, but not with a list of models. Check that the address ends with /v1."
    return True, f"Answers in {took} with {count:,} {'model' if count == 1 else 'models'}."


def _meaning(status: int) -> str:
    """Say what a status means for who set the upstream up."""
    if status in (401, 403):
        return ": it does not accept the key."
    if status == 404:
        return ": it has no list of models. Check that the address ends with /v1."
    if 300 <= status < 400:
        return ": it sends elsewhere, which is not followed. Set the address where it really is."
    return "."


def _why(error: Exception) -> str:
    """Say why there was no answer, without address and key."""
    if isinstance(error, NameResolutionError):
        return "No answer: its name is not known."
    if isinstance(error, NewConnectionError):
        return "No answer: the connection was refused."
    if isinstance(error, ConnectTimeoutError):
        return f"No answer: no connection within {CONNECT_SECONDS} seconds."
    if isinstance(error, ReadTimeoutError):
        return f"Connected, but no answer within {READ_SECONDS} seconds."
    if isinstance(error, SSLError):
        return "No answer: its certificate is not accepted."
    return "No answer: the connection broke off."
