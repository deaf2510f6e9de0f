"""Who uses a key, so that a delete or a rotation can say who breaks."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from selfserve.clock import now
from selfserve.extensions import db
from selfserve.models import ApiKey, Call
from selfserve.services.paging import bounded_count

SPAN = timedelta(hours=24)
MOST_CALLS_READ = 1_000
MOST_AGENTS = 5


@dataclass(frozen=True)
class KeyUse:
    """The calls of the last 24 hours (bounded), and the models, programs and addresses of the newest of them."""

    calls: int
    is_capped: bool
    models: list[str]
    agents: list[tuple[str | None, str | None]]


def use_of(key: ApiKey) -> KeyUse:
    """Tell who used a key in the last 24 hours; the key must be one that the actor was given."""
    recent = select(Call).where(Call.key_id == key.id, Call.started_at > now() - SPAN)
    calls, is_capped = bounded_count(recent)
    newest = recent.order_by(Call.started_at.desc()).limit(MOST_CALLS_READ).subquery()
    seen = db.session.execute(select(newest.c.model, newest.c.user_agent, newest.c.address)).all()
    models = sorted({model for model, _, _ in seen})
    agents = list(dict.fromkeys((agent, address) for _, agent, address in seen if agent or address))
    return KeyUse(calls, is_capped, models, agents[:MOST_AGENTS])
