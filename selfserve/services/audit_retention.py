"""How long the audit log is kept."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select

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

    Each step leaves an event that says so. The database itself keeps what is younger than 30 days, whoever asks.
    """
    if kept is None:
        return 0
    begin = (now() - kept).replace(hour=0, minute=0, second=0, microsecond=0)
    removed = 0
    for _step in range(MOST_STEPS):
        count = _remove_before(begin)
        removed += count
        if count < AT_ONCE:
            break
    return removed


def _remove_before(begin: datetime) -> int:
    """Remove the oldest events from before a moment, as many as one step may."""
    old = select(AuditEvent.id).where(AuditEvent.at < begin).order_by(AuditEvent.at, AuditEvent.id).limit(AT_ONCE)
    ids = list(db.session.scalars(old))
    if not ids:
        return 0
    with transaction():
        gone = delete(AuditEvent).where(AuditEvent.id.in_(ids))
        count: int = db.session.execute(gone.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
        told = {"events": count, "before": begin.isoformat()}
        record_event(nobody(Client()), "audit.purged", "audit", None, after=told)
    return count
