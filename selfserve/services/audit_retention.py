"""How long the audit log is kept."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.models import AuditEvent
from selfserve.permissions import Client
from selfserve.services.actors import nobody
from selfserve.services.audit import record_event

AT_ONCE = 1_000
MOST_STEPS = 50
"""Of one run; what is left waits for the next."""


def purge_events(kept: timedelta | None) -> int:
    """Remove the events of whole days that are older than this, a thousand at a time; tell how many.

    One event says so, before anything is gone: who is cut off meanwhile tells of the rest again.
    The database itself keeps what is younger than 30 days, whoever asks.
    """
    if kept is None:
        return 0
    begin = (now() - kept).replace(hour=0, minute=0, second=0, microsecond=0)
    removed, is_told = 0, False
    for _step in range(MOST_STEPS):
        count = _remove_before(begin, is_told=is_told)
        removed, is_told = removed + count, True
        if count < AT_ONCE:
            break
    return removed


def _remove_before(begin: datetime, *, is_told: bool) -> int:
    """Remove the oldest events from before a moment, as many as one step may."""
    old = select(AuditEvent.id).where(AuditEvent.at < begin).order_by(AuditEvent.at, AuditEvent.id).limit(AT_ONCE)
    ids = list(db.session.scalars(old))
    if not ids:
        return 0
    old_at_all = select(AuditEvent.id).where(AuditEvent.at < begin).limit(AT_ONCE * MOST_STEPS).subquery()
    with transaction():
        if not is_told:
            told = {
                "events": db.session.scalar(select(func.count()).select_from(old_at_all)),
                "before": begin.isoformat(),
            }
            record_event(nobody(Client()), "audit.purged", "audit", None, after=told)
        gone = delete(AuditEvent).where(AuditEvent.id.in_(ids))
        count: int = db.session.execute(gone.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    return count
