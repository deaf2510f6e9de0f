"""How the upstreams are, as their calls of the last hour say."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import case, func, select

from selfserve.clock import now
from selfserve.extensions import db
from selfserve.models import Call
from selfserve.permissions import Actor, Permission
from selfserve.services.actors import require
from selfserve.upstreams import Upstream, Upstreams

MOST_CALLS = 5_000
"""Calls that are looked at: the newest, in an hour that has more."""


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


def list_upstreams(actor: Actor, upstreams: Upstreams) -> list[Served]:
    """List the upstreams that are configured, each with its health."""
    require(actor, Permission.SETTINGS_READ)
    health = _read_health()
    models: dict[str, list[str]] = {name: [] for name in upstreams.by_name}
    for model, route in upstreams.routes.items():
        models[route.upstream.name].append(model)
    return [Served(upstream, models[name], health.get(name, Health())) for name, upstream in upstreams.by_name.items()]


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
