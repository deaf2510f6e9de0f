"""How the upstreams are: what their calls of the last hour say, and what they answer when they are asked."""

import json
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import urllib3
from sqlalchemy import case, func, select
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from selfserve.clock import now
from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import Call
from selfserve.permissions import Actor, Permission
from selfserve.services.actors import require
from selfserve.upstreams import Upstream, Upstreams

MOST_CALLS = 5_000
"""Calls that are looked at: the newest, in an hour that has more."""
CONNECT_SECONDS, READ_SECONDS = 3, 5
MOST_BYTES = 5_000_000


@dataclass(frozen=True)
class Health:
    """The calls of an upstream in the last hour, and how long the good ones took."""

    calls: int = 0
    failures: int = 0
    median_ms: int | None = None
    is_capped: bool = False
    """Whether there were more than are looked at."""


@dataclass(frozen=True)
class Served:
    """An upstream with the models that it is named for, none where it takes all others, and its health."""

    upstream: Upstream
    models: list[str]
    health: Health

    @property
    def address(self) -> str:
        """Where it is, without what may stand behind the path."""
        parts = urlsplit(self.upstream.base_url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"


@dataclass(frozen=True)
class Reply:
    """What an upstream said when it was asked for its models, or why it said nothing."""

    upstream: str
    is_ok: bool
    sentence: str


def list_upstreams(actor: Actor, upstreams: Upstreams) -> list[Served]:
    """List the upstreams that are configured, each with its health."""
    require(actor, Permission.SETTINGS_READ)
    health = _read_health()
    models: dict[str, list[str]] = {name: [] for name in _by_name(upstreams)}
    for model, route in upstreams.routes.items():
        models[route.upstream.name].append(model)
    return [
        Served(upstream, models[name], health.get(name, Health())) for name, upstream in _by_name(upstreams).items()
    ]


def try_upstream(actor: Actor, upstreams: Upstreams, name: str) -> Reply:
    """Ask an upstream for its models. Raises NotFound for a name that is not configured (S-34)."""
    require(actor, Permission.SETTINGS_UPDATE)
    upstream = _by_name(upstreams).get(name)
    if upstream is None:
        raise NotFound("There is no upstream of that name.", param="upstream")
    try:
        is_ok, sentence = _ask(upstream)
    except (HTTPError, OSError) as error:
        is_ok, sentence = False, _why(error)
    return Reply(name, is_ok, sentence)


def _by_name(upstreams: Upstreams) -> dict[str, Upstream]:
    """Give each upstream by its name; the one that takes all other models comes first."""
    found = [*([upstreams.rest] if upstreams.rest else []), *(route.upstream for route in upstreams.routes.values())]
    return {upstream.name: upstream for upstream in found}


def _read_health() -> dict[str, Health]:
    """Sum up the calls of the last hour by upstream, the newest where there are many, in one query."""
    newest = (
        select(Call.provider, Call.is_failed, Call.latency_ms)
        .where(Call.started_at > now() - timedelta(hours=1))
        .order_by(Call.started_at.desc(), Call.id.desc())
        .limit(MOST_CALLS)
        .subquery()
    )
    kind: Any = {"partition_by": (newest.c.provider, newest.c.is_failed)}
    place = func.row_number().over(order_by=newest.c.latency_ms, **kind).label("place")
    ranked = select(newest, place, func.count().over(**kind).label("of")).subquery()
    is_middle = ranked.c.is_failed.is_(False) & (ranked.c.place == (ranked.c.of + 1) // 2)
    rows = select(
        ranked.c.provider,
        func.count(),
        func.sum(case((ranked.c.is_failed, 1), else_=0)),
        func.max(case((is_middle, ranked.c.latency_ms))),
    ).group_by(ranked.c.provider)
    found = db.session.execute(rows).all()
    is_capped = sum(calls for _, calls, *_ in found) == MOST_CALLS
    return {name: Health(calls, int(failures), median, is_capped) for name, calls, failures, median in found}


def _ask(upstream: Upstream) -> tuple[bool, str]:
    """Send `GET /models` with the key of the upstream, follow nothing, and say what came back."""
    begun = time.monotonic()
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    with urllib3.PoolManager(num_pools=1, timeout=timeout, retries=False) as pool:
        address = f"{upstream.base_url}/models"
        answer = pool.request(
            "GET", address, headers=_headers(upstream), redirect=False, preload_content=False, decode_content=False
        )
        with closing(answer):
            body = _read(answer, begun + CONNECT_SECONDS + READ_SECONDS) if answer.status == 200 else b""
    took = f"{max(round((time.monotonic() - begun) * 1000), 1):,} ms"
    if answer.status == 200:
        return _told(body, took)
    return False, f"Answered {answer.status} in {took}{_meaning(answer.status)}"


def _headers(upstream: Upstream) -> dict[str, str]:
    """Write the headers in which an upstream wants its key."""
    plain = {"Accept": "application/json", "User-Agent": "selfserve"}
    if upstream.auth == "x-api-key":
        return plain | {"x-api-key": upstream.api_key, "anthropic-version": "2023-06-01"}
    return plain | ({"Authorization": f"Bearer {upstream.api_key}"} if upstream.api_key else {})


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
    if isinstance(error, ConnectTimeoutError):
        return f"No answer: no connection within {CONNECT_SECONDS} seconds."
    if isinstance(error, NewConnectionError):
        return "No answer: the connection was refused."
    if isinstance(error, ReadTimeoutError):
        return f"Connected, but no answer within {READ_SECONDS} seconds."
    if isinstance(error, SSLError):
        return "No answer: its certificate is not accepted."
    return "No answer: the connection broke off."
