"""Jobs that one process does at a time: who holds them, until when."""

from datetime import timedelta

from sqlalchemy import delete, or_, select

from selfserve.clock import now
from selfserve.database import insert, transaction
from selfserve.extensions import db
from selfserve.models import Lease


def take_lease(name: str, holder: str, length: timedelta) -> bool:
    """Take a job, or keep it; tell whether it is ours. Of many who ask at once one gets it.

    One that is ours for longer than half its length is only read, so that who waits and who holds hardly ever writes.
    """
    moment = now()
    held = db.session.scalar(select(Lease).where(Lease.name == name).execution_options(populate_existing=True))
    if held is not None and held.expires_at > moment:
        if held.holder != holder:
            return False
        if held.expires_at - moment > length / 2:
            return True
    fresh = insert(Lease).values(name=name, holder=holder, expires_at=moment + length)
    is_free = or_(Lease.holder == holder, Lease.expires_at <= moment)
    taken = fresh.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": fresh.excluded.holder, "expires_at": fresh.excluded.expires_at},
        where=is_free,
    )
    with transaction(durable=False):
        return db.session.scalar(taken.returning(Lease.name)) is not None


def end_lease(name: str, holder: str) -> None:
    """Let go of a job."""
    with transaction(durable=False):
        db.session.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))
